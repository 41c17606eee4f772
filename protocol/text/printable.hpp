#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace duplexd::protocol {

/// Foreign text for a log line: at most `limit` bytes of it, cut at a character's start with "…" behind;
/// line breaks and tabs become spaces, whatever else is not printable (or not UTF-8) becomes '?'.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit);

}  // namespace duplexd::protocol
