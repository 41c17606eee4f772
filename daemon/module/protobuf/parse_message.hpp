#pragma once

#include <google/protobuf/message.h>

#include "daemon/module/protobuf/proto_options.hpp"
#include "daemon/module/protobuf/wire_scan.hpp"
#include "protocol/codec/codec_error.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd {

[[nodiscard]] wire_limits wire_limits_of(const proto_options& options) noexcept;

/// Reads a message, which must be empty. False: `error` says where the bytes are wrong, or what is missing.
[[nodiscard]] bool parse_message(protocol::bytes_view bytes, const wire_limits& limits,
                                 google::protobuf::Message& to, protocol::codec_error& error);

/// Whether the message has all of its required fields; if not, `error` names one.
[[nodiscard]] bool is_complete(const google::protobuf::Message& message, bool proto_names,
                               protocol::codec_error& error);

}  // namespace duplexd
