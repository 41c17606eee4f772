#pragma once

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/module/protobuf/proto_options.hpp"
#include "protocol/codec/codec_error.hpp"

namespace duplexd {

/// Puts JSON values into a message, by the mapping of Protocol Buffers.
class json_fill {
 public:
  json_fill(const google::protobuf::DescriptorPool& files, google::protobuf::DynamicMessageFactory& factory,
            const proto_options& options)
      : files_(files), factory_(factory), options_(options) {}

  /// Null stands for a message without fields.
  [[nodiscard]] std::optional<protocol::codec_error> run(const nlohmann::ordered_json& values,
                                                         google::protobuf::Message& to);

 private:
  using json = nlohmann::ordered_json;
  using message_type = google::protobuf::Message;
  using field_type = google::protobuf::FieldDescriptor;

  bool message(const json& from, message_type& to);
  bool fields(const json& from, message_type& to, bool within_any);
  bool field(const json& from, const field_type& field, message_type& to);
  bool list(const json& from, const field_type& field, message_type& to);
  bool map(const json& from, const field_type& field, message_type& to);
  bool map_key(const std::string& text, const field_type& key, message_type& entry);
  bool scalar(const json& from, const field_type& field, message_type& to, bool adds);
  bool text(const json& from, const field_type& field, message_type& to, bool adds);
  bool enumeration(const json& from, const field_type& field, message_type& to, bool adds);
  bool value(const json& from, message_type& to);
  bool any(const json& from, message_type& to);
  const field_type* find(const message_type& in, const std::string& key) const;
  bool unknown(const message_type& in, const std::string& key);
  bool fail(std::string why);
  bool expected(const char* what, const json& found);

  const google::protobuf::DescriptorPool& files_;
  google::protobuf::DynamicMessageFactory& factory_;
  const proto_options& options_;
  std::string path_;
  protocol::codec_error error_;
};

}  // namespace duplexd
