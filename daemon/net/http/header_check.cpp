#include "daemon/net/http/header_check.hpp"

#include <strings.h>

#include <algorithm>

#include "config/value/http_token.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {

bool is_same_header(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool has_control_character(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::optional<std::string> header_mistake(std::string_view name, std::string_view value) {
  if (!config::is_http_token(name))
    return "'" + protocol::printable(name, 80) + "' cannot be the name of a header";
  if (has_control_character(value))
    return "the value of the header '" + std::string(name) + "' has a line break or control character in it";
  return std::nullopt;
}

}  // namespace duplexd::net
