#pragma once

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/module/protobuf/proto_options.hpp"
#include "protocol/codec/codec_error.hpp"

namespace duplexd {

/// Writes messages as JSON text, by the mapping of Protocol Buffers. Knows the types of one set of files from
/// when it is made.
class json_print {
 public:
  /// `files` must outlive it.
  json_print(const google::protobuf::DescriptorPool& files, google::protobuf::DynamicMessageFactory& factory,
             const google::protobuf::Descriptor& top, const proto_options& options);

  /// Appends the message. On an error false, and `json` is incomplete.
  [[nodiscard]] bool run(const google::protobuf::Message& message, std::string& json,
                         protocol::codec_error& error) const;

  /// A field as it is printed.
  struct field_form {
    const google::protobuf::FieldDescriptor* field = nullptr;
    std::string key;  ///< `"price":`
  };
  struct message_form {
    well_known kind = well_known::none;
    std::vector<field_form> fields;  ///< in the order of their numbers
  };

 private:
  friend class json_printing;
  const message_form& add(const google::protobuf::Descriptor& type);
  [[nodiscard]] message_form make(const google::protobuf::Descriptor& type) const;

  const google::protobuf::DescriptorPool& files_;
  google::protobuf::DynamicMessageFactory& factory_;
  const proto_options options_;
  std::unordered_map<const google::protobuf::Descriptor*, message_form> forms_;
};

}  // namespace duplexd
