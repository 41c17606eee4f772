#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec/codec_error.hpp"
#include "protocol/document/diagnostic.hpp"
#include "protocol/document/node.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

class value_visitor;

/// A command or a reply: name, frame kind, rule of selection, compiled layout. Owned by its protocol.
class message_type;
struct schema_layout;

/// Commands are what the client sends, replies what the server sends.
enum class direction : std::uint8_t { command, reply };

/// One packet of a message, and what it is.
struct packet {
  const message_type* type = nullptr;  ///< null: nothing fits, `error` says why
  frame_view frame;                    ///< the packet's own bytes
  std::size_t offset = 0;              ///< where the packet starts in its message
  codec_error error;                   ///< only if `type` is null
};

/// The set of a session's commands and replies, compiled once when the configuration is loaded.
/// Immutable after that: any number of sessions share one. No thread rules.
class protocol {
 public:
  /// Compiles the `protocol:` map of a configuration. Mistakes go to `out`; the result is null if there are
  /// any.
  [[nodiscard]] static std::shared_ptr<const protocol> compile(const node& definition,
                                                               const std::string& path, diagnostics& out);
  ~protocol();
  protocol(const protocol&) = delete;
  protocol& operator=(const protocol&) = delete;

  /// The message type of that name, or null.
  [[nodiscard]] const message_type* find(direction, std::string_view name) const noexcept;

  /// All message types of a direction, in the order of the file. To look into them include
  /// protocol/message/message_type.hpp; `name_of`, `frame_of` and `pack` need only the pointer.
  [[nodiscard]] const std::vector<message_type>& types(direction) const noexcept;

  /// The layouts in another notation (protocol/message/schema.hpp), each once.
  [[nodiscard]] const std::vector<std::shared_ptr<schema_layout>>& schemas() const noexcept;

  struct state;  ///< opaque

 private:
  protocol();
  std::unique_ptr<state> state_;
  friend class packet_reader;
};

/// Finds the packets in one direction's messages. One for each link, because packets may span messages.
class packet_reader {
 public:
  packet_reader(std::shared_ptr<const protocol> types, direction of);
  ~packet_reader();
  packet_reader(const packet_reader&) = delete;
  packet_reader& operator=(const packet_reader&) = delete;

  /// Takes one message. Its bytes must stay where they are until `next()` returned false.
  void begin(frame_view message);

  /// Lets the next packet be of this type, whatever came before it (`when: {after: …}`).
  void expect(const message_type& next);

  /// The next packet of the message; false when there is none left. A packet's bytes live until the next
  /// `begin()`. They are the message's, but for a text that a cut character goes on in (`invalid: carry`).
  /// Time is linear in the message's size.
  bool next(packet& out);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

[[nodiscard]] const std::string& name_of(const message_type& type) noexcept;
[[nodiscard]] frame_kind frame_of(const message_type& type) noexcept;

/// Appends the packet of `type` with `values` (a map; null counts as empty) to `out`, framing included. On an
/// error `out` is as before.
[[nodiscard]] std::optional<codec_error> pack(const message_type& type, const nlohmann::ordered_json& values,
                                              std::vector<std::uint8_t>& out);

/// Appends the packet's values as JSON text to `out`. On an error `out` is as before. Needs `packet.type`.
[[nodiscard]] std::optional<codec_error> write_json(const packet& from, std::string& out);

/// The same for the hot path: false on an error, which is then told in `error`.
[[nodiscard]] bool write_json(const packet& from, std::string& out, codec_error& error);

/// Unpacks the packet without making anything of it: whether `write_json` would succeed. Needs `packet.type`.
[[nodiscard]] bool check(const packet& from, codec_error& error);

/// The packet's values as JSON. Needs `packet.type`.
[[nodiscard]] std::optional<codec_error> read_json(const packet& from, nlohmann::ordered_json& out);

/// The packet's values as a stream of events (protocol/codec/value_visitor.hpp): to pick fields, or to build
/// something other than JSON. What the visitor took before an error is to be thrown away. Needs
/// `packet.type`.
[[nodiscard]] std::optional<codec_error> visit(const packet& from, value_visitor& visitor);

/// What came of one example of the configuration.
struct example_result {
  position where;
  std::string path;  ///< "sessions.feed.protocol.replies[0].examples[1]"
  std::string type;  ///< the command's or reply's name
  std::string
      message;  ///< what went wrong; empty: bytes and values agree in every direction that was asked for
};

/// Unpacks every example's bytes and compares the values, then packs the values and compares the bytes.
[[nodiscard]] std::vector<example_result> run_examples(const std::shared_ptr<const protocol>& types);

/// The layout as a table of bytes, one field a line, for people; and a line that says whether it packs what
/// it unpacked.
[[nodiscard]] std::string byte_table(const message_type& type);

/// Appends a line for each field of the packet: offset, bytes, name and value. What could be unpacked before
/// an error is kept. Needs `packet.type`.
[[nodiscard]] std::optional<codec_error> explain(const packet& from, std::string& out);

/// Values that `pack` accepts for the type: its first example, or zeros and empty texts.
[[nodiscard]] nlohmann::ordered_json example_values(const message_type& type);

}  // namespace duplexd::protocol
