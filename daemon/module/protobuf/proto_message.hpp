#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/module/protobuf/json_print.hpp"
#include "daemon/module/protobuf/proto_files.hpp"
#include "daemon/module/protobuf/proto_options.hpp"
#include "protocol/message/schema.hpp"

namespace duplexd {

/// A message of Protocol Buffers, packed and unpacked by libprotobuf.
class proto_message final : public protocol::schema_message {
 public:
  /// `type` is one of the files'. It must not be a message whose JSON is no map.
  proto_message(std::shared_ptr<proto_files> files, const google::protobuf::Descriptor& type,
                const proto_options& options);

  [[nodiscard]] bool unpack(protocol::bytes_view packet, std::string& json,
                            protocol::codec_error& error) const override;
  [[nodiscard]] std::optional<protocol::codec_error> pack(const nlohmann::ordered_json& values,
                                                          std::vector<std::uint8_t>& out) const override;
  [[nodiscard]] protocol::value_shape shape() const override;
  [[nodiscard]] std::string table() const override;
  [[nodiscard]] std::size_t digest() const noexcept override { return files_->digest; }

 private:
  const std::shared_ptr<proto_files> files_;
  const google::protobuf::Descriptor& type_;
  const proto_options options_;
  const google::protobuf::Message* const prototype_;
  const json_print print_;
};

}  // namespace duplexd
