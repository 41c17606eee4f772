#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// Steps over text eight bytes at a time. Pure and inlined: the inner loops of JSON and UTF-8.
namespace duplexd::protocol {

/// The bytes' own high bits: set in each byte of a word that is not ASCII.
inline constexpr std::uint64_t high_bits = 0x8080808080808080;
inline constexpr std::uint64_t low_bits = 0x0101010101010101;

[[nodiscard]] inline std::uint64_t load_word(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// Where the first byte at or behind `at` stands that `is_found` in a word of eight, as high bits of which
/// the lowest is right, or `is_found_byte` finds; the text's size if there is none.
template <class Word, class Byte>
[[nodiscard]] std::size_t find_byte(std::string_view text, std::size_t at, Word is_found,
                                    Byte is_found_byte) noexcept {
  for (; at + 8 <= text.size(); at += 8) {
    const std::uint64_t found = is_found(load_word(text.data() + at));
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(found)) / 8;
  }
  while (at < text.size() && !is_found_byte(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

/// The first byte that is not ASCII.
[[nodiscard]] inline std::size_t find_beyond_ascii(std::string_view text, std::size_t at) noexcept {
  return find_byte(
      text, at, [](std::uint64_t word) { return word & high_bits; },
      [](unsigned char c) { return c >= 0x80; });
}

/// The first byte that does not stand for itself in a JSON string of ASCII: '"', '\', a control character, or
/// one that is not ASCII.
[[nodiscard]] inline std::size_t find_not_plain(std::string_view text, std::size_t at) noexcept {
  // "Bit Twiddling Hacks" (Anderson): a byte that is zero, or less than n, borrows from its high bit.
  const auto found = [](std::uint64_t word) {
    const std::uint64_t quote = word ^ (low_bits * '"');
    const std::uint64_t backslash = word ^ (low_bits * '\\');
    const std::uint64_t borrowed = ((quote - low_bits) & ~quote) | ((backslash - low_bits) & ~backslash) |
                                   ((word - low_bits * 0x20) & ~word);
    return (borrowed | word) & high_bits;
  };
  return find_byte(text, at, found,
                   [](unsigned char c) { return c < 0x20 || c >= 0x80 || c == '"' || c == '\\'; });
}

/// Length of the well-formed UTF-8 sequence at the front of `left` bytes, at least one; 0 if there is none
/// (RFC 3629).
[[nodiscard]] inline std::size_t utf8_length(const char* text, std::size_t left) noexcept {
  const auto* p = reinterpret_cast<const unsigned char*>(text);
  const unsigned c = p[0];
  if (c < 0x80) return 1;
  const auto trail = [&](std::size_t i) { return i < left && (p[i] & 0xc0u) == 0x80u; };
  if (c >= 0xc2 && c <= 0xdf) return trail(1) ? 2 : 0;
  if (c >= 0xe0 && c <= 0xef) {
    if (!trail(1) || !trail(2)) return 0;
    if (c == 0xe0 && p[1] < 0xa0) return 0;
    if (c == 0xed && p[1] > 0x9f) return 0;
    return 3;
  }
  if (c >= 0xf0 && c <= 0xf4) {
    if (!trail(1) || !trail(2) || !trail(3)) return 0;
    if (c == 0xf0 && p[1] < 0x90) return 0;
    if (c == 0xf4 && p[1] > 0x8f) return 0;
    return 4;
  }
  return 0;
}

}  // namespace duplexd::protocol
