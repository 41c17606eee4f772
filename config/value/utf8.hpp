#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace duplexd::config {

/// The offset of the first byte that is not part of valid UTF-8 (RFC 3629), or nothing.
[[nodiscard]] std::optional<std::size_t> invalid_utf8_at(std::string_view text) noexcept;

}  // namespace duplexd::config
