#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/codec/message_codec.hpp"
#include "protocol/codec/program.hpp"
#include "protocol/document/node.hpp"
#include "protocol/message/value_shape.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// A message that is described in a notation of its own, such as Protocol Buffers: what takes the place of a
/// compiled layout. Immutable; may be made by a module.
class schema_message : public message_codec {
 public:
  schema_message() = default;
  schema_message(const schema_message&) = delete;
  schema_message& operator=(const schema_message&) = delete;
  ~schema_message() override = default;

  /// The values as they are shown, and as they may be given.
  [[nodiscard]] virtual value_shape shape() const = 0;

  /// Its fields for people, one a line.
  [[nodiscard]] virtual std::string table() const = 0;

  /// Changes when a file that it was made from changes.
  [[nodiscard]] virtual std::size_t digest() const noexcept = 0;
};

/// Makes messages from what stands under `layout`: `{protobuf: FILE, message: NAME}`.
class schema_reader {
 public:
  /// A mistake of the part of the layout that has this key; none: of the whole.
  using complaint = std::function<void(const std::string& key, std::string message, std::string hint)>;

  schema_reader() = default;
  schema_reader(const schema_reader&) = delete;
  schema_reader& operator=(const schema_reader&) = delete;
  virtual ~schema_reader() = default;

  /// Null after a complaint. What is asked for twice is the same object. Relative paths start from
  /// `directory`. Reads files; blocks.
  [[nodiscard]] virtual std::shared_ptr<const schema_message> read(const node& layout,
                                                                   const std::string& directory,
                                                                   const codec_limits& limits,
                                                                   const complaint& complain) = 0;
};

/// A layout that is a schema, of a whole message or within another layout: what a protocol is compiled to,
/// and, once schemas were read, the message itself. Until then nothing packs and nothing unpacks.
struct schema_layout final : message_codec {
  node layout;
  std::string path{};  ///< of the first place that has it
  codec_limits limits{};
  std::shared_ptr<const schema_message> message{};

  [[nodiscard]] bool unpack(bytes_view packet, std::string& json, codec_error& error) const override;
  [[nodiscard]] std::optional<codec_error> pack(const nlohmann::ordered_json& values,
                                                std::vector<std::uint8_t>& out) const override;
  [[nodiscard]] value_shape shape() const;
  [[nodiscard]] std::string table() const;
};

/// Reads the schemas of a protocol, right after it was compiled. Relative paths start from `directory`; a
/// null `reader` reads none. False: `out` has the mistakes.
[[nodiscard]] bool read_schemas(const protocol& types, schema_reader* reader, const std::string& directory,
                                diagnostics& out);

/// Changes when a file changes that a schema of the protocol was made from; 0 if it has none.
[[nodiscard]] std::size_t schema_digest(const protocol& types) noexcept;

}  // namespace duplexd::protocol
