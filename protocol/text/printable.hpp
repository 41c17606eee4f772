#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace duplexd::protocol {

// What a terminal would obey is not printable: control characters (also C1, U+0080 to U+009F), marks that
// turn the direction of text, separators of lines and paragraphs; nor are bytes that are not UTF-8.

/// Foreign text for a log line: at most `limit` bytes of it, cut at a character's start with "…" behind;
/// line breaks and tabs become spaces, whatever else is not printable becomes '?'.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit);

/// All of a text as one line: what is not printable becomes `\xNN` (a byte) or `\uNNNN`.
[[nodiscard]] std::string one_line(std::string_view text);

/// The same for a text of several lines, whose ends stay.
[[nodiscard]] std::string as_lines(std::string_view text);

}  // namespace duplexd::protocol
