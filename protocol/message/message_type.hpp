#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/codec/packed_value.hpp"
#include "protocol/codec/program.hpp"
#include "protocol/message/message_contents.hpp"
#include "protocol/message/protocol.hpp"
#include "protocol/message/schema.hpp"

namespace duplexd::protocol {

/// A fixed-size number somewhere in a frame that tells frames apart.
struct opcode_rule {
  std::size_t at = 0;
  number_type type = number_type::u8;
  bool big = false;
  std::uint64_t mask = ~std::uint64_t{0};
  unsigned shift = 0;
};

/// One condition that a frame must meet; a rule has any number of them.
struct condition {
  enum class kind : std::uint8_t { size, opcode, json, starts, fits } what = kind::size;
  std::size_t low = 0;
  std::size_t high = 0;
  opcode_rule opcode;
  std::vector<std::string> pointer;
  std::optional<packed_format> packed;         ///< of json: the frame is CBOR or MessagePack
  const schema_layout* schema = nullptr;       ///< of json: the frame is one of these
  std::vector<nlohmann::ordered_json> values;  ///< any of them; of json: empty means "is there"
  std::string prefix;
};

/// A place in the template of a JSON message: a list's place or a map's key.
struct json_part {
  enum class kind : std::uint8_t {
    slot,      ///< any value: the command gives it
    constant,  ///< `value`
    map,       ///< of parts, at least one of which holds a slot
    list,
  };
  std::string name;  ///< in a list below the top "0", "1" …
  kind what = kind::slot;
  bool optional = false;
  nlohmann::ordered_json value;
  std::vector<json_part> parts{};
};

/// An example of the configuration: these bytes are these values.
struct message_example {
  position where;
  std::string path;
  std::vector<std::uint8_t> bytes;
  nlohmann::ordered_json values;
  bool decode_only = false;
};

class message_type {
 public:
  enum class body_kind : std::uint8_t { layout, json, json_list, json_map, schema };

  std::string name;
  direction way = direction::reply;
  frame_kind frame = frame_kind::binary;
  body_kind body = body_kind::layout;
  program layout;
  std::shared_ptr<schema_layout> schema{};  ///< of that body; null otherwise
  diagnostic schema_when{};                 ///< the place of its conditions on fields
  std::vector<json_part> parts;
  std::vector<text_content> contents;
  diagnostic contents_where{};  ///< of those of a schema's message
  std::vector<condition> when;
  std::optional<std::size_t> carried_from;  ///< see carried_text.hpp
  std::vector<std::string> after;           ///< names, one of which the packet in front has; empty: any
  bool has_when = false;
  json_style style = json_style::python;
  std::size_t json_depth = standard_json_depth;  ///< of a message that is JSON
  std::vector<message_example> examples;
};

/// What was found out about one frame: several conditions look into one schema's message.
struct frame_memo {
  const schema_layout* schema = nullptr;
  std::string json{};   ///< empty: the frame is none
  codec_error error{};  ///< why
};

/// Whether every condition of `when` holds. `fits` conditions unpack the frame.
[[nodiscard]] bool meets_conditions(const message_type& type, frame_view frame, frame_memo& memo);

/// Whether the frame may be of that type.
[[nodiscard]] inline bool matches(const message_type& type, frame_view frame, frame_memo& memo) {
  return type.frame == frame.kind && (type.when.empty() || meets_conditions(type, frame, memo));
}

/// Whether a packet that begins with these bytes may be of that type, when more of it is to come.
enum class prospect : std::uint8_t { no, open, yes };
[[nodiscard]] prospect begins_as(const message_type& type, bytes_view front);

/// Checks that the frame unpacks as `type`, without making anything of it.
[[nodiscard]] std::optional<codec_error> check_fit(const message_type& type, frame_view frame);

/// Puts the opcode that a reply's `when` asks for into its packet, if the packet does not have one of them.
void impose_opcode(const message_type& type, std::vector<std::uint8_t>& packet);

/// A value that packs as this text, if nothing else says what it must be.
[[nodiscard]] nlohmann::ordered_json sample_text(const program& p, const instruction& in);

/// Appends the values of a message without layout as JSON text. On an error `out` is as before.
[[nodiscard]] std::optional<codec_error> unpack_text(const message_type& type, bytes_view bytes,
                                                     std::string& out);

/// JSON messages (text frames without layout), and what is in their texts when they are packed.
[[nodiscard]] std::optional<codec_error> pack_json(const message_type& type,
                                                   const nlohmann::ordered_json& values,
                                                   std::vector<std::uint8_t>& out);
[[nodiscard]] std::optional<codec_error> unpack_json(const message_type& type, std::string_view text,
                                                     std::string& out);
[[nodiscard]] std::optional<codec_error> check_json_message(const message_type& type, std::string_view text);

struct protocol::state {
  std::vector<message_type> commands;
  std::vector<message_type> replies;
  std::vector<std::shared_ptr<schema_layout>> schemas;  ///< of messages, and within layouts
  std::optional<framing_rule> framing;
  codec_limits limits;
};

/// How JSON that has no message type of its own is written.
[[nodiscard]] json_style style_of(const protocol& types) noexcept;

/// Completes a packet that has no message type of its own with its length or its delimiter. What is wrong
/// with it, or null.
[[nodiscard]] const char* add_framing(const protocol& types, frame_kind kind,
                                      std::vector<std::uint8_t>& packet);

}  // namespace duplexd::protocol
