#pragma once

#include <string>
#include <string_view>

namespace duplexd::protocol {

/// Appends the text with everything but RFC 3986's unreserved characters as %XX.
void append_percent_encoded(std::string& out, std::string_view text);

/// The text with each %XX as the byte that it stands for. A sign without two hexadecimal digits stays.
[[nodiscard]] std::string percent_decoded(std::string_view text);

}  // namespace duplexd::protocol
