#pragma once

#include <algorithm>
#include <string_view>

namespace duplexd::protocol {

/// Without the spaces and tabs (and whatever `blank` says) at both ends.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text,
                                                 std::string_view blank = " \t") noexcept {
  const auto from = text.find_first_not_of(blank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

/// Cuts off what stands before the next `separator`, and the separator; returns it trimmed. Without one
/// that is all of the text.
constexpr std::string_view next_part(std::string_view& text, char separator) noexcept {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

}  // namespace duplexd::protocol
