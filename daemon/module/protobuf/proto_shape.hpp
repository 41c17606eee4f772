#pragma once

#include <google/protobuf/descriptor.h>

#include <string>

#include "daemon/module/protobuf/proto_options.hpp"
#include "protocol/message/value_shape.hpp"

namespace duplexd {

/// What JSON values a message has. A message within itself is not followed further.
[[nodiscard]] protocol::value_shape shape_of(const google::protobuf::Descriptor& type,
                                             const proto_options& options);

/// A message's fields for people, one a line: number, name and type; those of messages within it indented.
[[nodiscard]] std::string table_of(const google::protobuf::Descriptor& type, const proto_options& options);

}  // namespace duplexd
