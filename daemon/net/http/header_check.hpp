#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace duplexd::net {

/// Whether these are the same header's name, in any case of letters.
[[nodiscard]] bool is_same_header(std::string_view a, std::string_view b) noexcept;

/// A value from outside must not become a second header or a second request.
[[nodiscard]] bool has_control_character(std::string_view text) noexcept;

/// Why this cannot be sent as a header (RFC 9110, 5.1 and 5.5), or nothing. Never repeats the value.
[[nodiscard]] std::optional<std::string> header_mistake(std::string_view name, std::string_view value);

}  // namespace duplexd::net
