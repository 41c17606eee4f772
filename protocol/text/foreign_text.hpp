#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// The text with a '?' for each byte that is not UTF-8: it stays as long as it is.
[[nodiscard]] std::string replace_bad_utf8(std::string_view text);

/// Bytes at the end of the text that begin a character of UTF-8 whose rest is missing: 0 to 3.
[[nodiscard]] std::size_t cut_character(std::string_view text) noexcept;

/// Appends UTF-16 as UTF-8. Half of a pair becomes U+FFFD if `replace`. False at what cannot be appended,
/// whose place is `bad`.
[[nodiscard]] bool append_from_utf16(std::string& out, bytes_view bytes, bool big, bool replace,
                                     std::size_t& bad);

/// UTF-8, which must be well-formed, as the bytes of UTF-16.
[[nodiscard]] std::string utf16_of(std::string_view text, bool big);

}  // namespace duplexd::protocol
