#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Steps over text eight bytes at a time, or sixteen. Pure and inlined: the inner loops of JSON and UTF-8.
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

/// The first byte of [at, end) that `is_found` in a word of eight, as high bits of which the lowest is right,
/// or `is_found_byte` finds; `end` if there is none.
template <class Word, class Byte>
[[nodiscard]] const char* find_byte(const char* at, const char* end, Word is_found,
                                    Byte is_found_byte) noexcept {
  for (; end - at >= 8; at += 8) {
    const std::uint64_t found = is_found(load_word(at));
    if (found != 0) return at + std::countr_zero(found) / 8;
  }
  while (at < end && !is_found_byte(static_cast<unsigned char>(*at))) ++at;
  return at;
}

#if defined(__SSE2__)
[[nodiscard]] inline __m128i load_sixteen(const char* at) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}
/// Bit i is the high bit of byte i.
[[nodiscard]] inline unsigned high_bits_of(__m128i bytes) noexcept {
  return static_cast<unsigned>(_mm_movemask_epi8(bytes));
}
#endif

/// The first byte that is not ASCII.
[[nodiscard]] inline const char* find_beyond_ascii(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  while (end - at >= 32 && high_bits_of(_mm_or_si128(load_sixteen(at), load_sixteen(at + 16))) == 0) at += 32;
#endif
  return find_byte(
      at, end, [](std::uint64_t word) { return word & high_bits; },
      [](unsigned char c) { return c >= 0x80; });
}

#if defined(__SSE2__)
/// A bit for each of sixteen bytes, set where `find_not_plain` stops.
[[nodiscard]] inline unsigned not_plain_of(__m128i bytes) noexcept {
  // As signed numbers control characters and what is beyond ASCII are less than a space.
  const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return high_bits_of(_mm_or_si128(low, _mm_or_si128(quote, backslash)));
}
#endif

/// The first byte that does not stand for itself in a JSON string of ASCII: '"', '\', a control character, or
/// one that is not ASCII.
[[nodiscard]] inline const char* find_not_plain(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16)
    if (const unsigned found = not_plain_of(load_sixteen(at))) return at + std::countr_zero(found);
#endif
  // "Bit Twiddling Hacks" (Anderson): a byte that is zero, or less than n, borrows from its high bit.
  const auto found = [](std::uint64_t word) {
    const std::uint64_t quote = word ^ (low_bits * '"');
    const std::uint64_t backslash = word ^ (low_bits * '\\');
    const std::uint64_t borrowed = ((quote - low_bits) & ~quote) | ((backslash - low_bits) & ~backslash) |
                                   ((word - low_bits * 0x20) & ~word);
    return (borrowed | word) & high_bits;
  };
  return find_byte(at, end, found,
                   [](unsigned char c) { return c < 0x20 || c >= 0x80 || c == '"' || c == '\\'; });
}

#if defined(__SSE2__)
/// A bit for each of sixteen bytes, set where it is not a decimal digit.
[[nodiscard]] inline unsigned no_digits_of(__m128i bytes) noexcept {
  // Moved so that the digits are the least of all signed numbers.
  const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(0x80 - '0')));
  return high_bits_of(_mm_cmpgt_epi8(moved, _mm_set1_epi8(static_cast<char>(0x80 + 9))));
}
#endif

/// White space of JSON (RFC 8259, section 2).
[[nodiscard]] inline bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The first byte that is not a decimal digit.
[[nodiscard]] inline const char* find_no_digit(const char* at, const char* end) noexcept {
  const auto found = [](std::uint64_t word) {
    const std::uint64_t value = word ^ (low_bits * '0');
    return ((value + low_bits * (0x7f - 9)) | value) & high_bits;
  };
  return find_byte(at, end, found, [](unsigned char c) { return c < '0' || c > '9'; });
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
