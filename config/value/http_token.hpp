#pragma once

#include <string_view>

namespace duplexd::config {

/// Whether this is a token, as names of headers and methods must be (RFC 9110, 5.6.2).
[[nodiscard]] bool is_http_token(std::string_view text) noexcept;

}  // namespace duplexd::config
