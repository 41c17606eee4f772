#pragma once

#include <string>
#include <string_view>

namespace duplexd::config {

/// Appends base64 for URLs (RFC 4648, 5), without padding.
void append_base64url(std::string& out, std::string_view input);

}  // namespace duplexd::config
