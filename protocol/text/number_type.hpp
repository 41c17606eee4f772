#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace duplexd::protocol {

/// Wide enough for every 64-bit integer, signed or not, times a scale.
__extension__ typedef __int128 int128;

/// How a number lies on the wire. `varint` is LEB128 (7 bits a byte, least significant first; MQTT's is the
/// same with at most 4 bytes), `zigzag` is varint with the sign in bit 0. `decnum` and `hexnum`
/// are ASCII digits, decimal (with a sign) and hexadecimal.
enum class number_type : std::uint8_t {
  i8,
  u8,
  i16,
  u16,
  i24,
  u24,
  i32,
  u32,
  i64,
  u64,
  f16,
  f32,
  f64,
  boolean,
  varint,
  zigzag,
  decnum,
  hexnum,
};

/// Bytes of a number type; 0 for those of variable length.
[[nodiscard]] constexpr unsigned width_of(number_type type) noexcept {
  constexpr unsigned widths[] = {1, 1, 2, 2, 3, 3, 4, 4, 8, 8, 2, 4, 8, 1, 0, 0, 0, 0};
  return widths[static_cast<unsigned>(type)];
}
[[nodiscard]] constexpr bool is_float(number_type type) noexcept {
  return type == number_type::f16 || type == number_type::f32 || type == number_type::f64;
}
[[nodiscard]] constexpr bool is_variable(number_type type) noexcept {
  return width_of(type) == 0;
}
[[nodiscard]] constexpr bool is_signed(number_type type) noexcept {
  return type == number_type::i8 || type == number_type::i16 || type == number_type::i24 ||
         type == number_type::i32 || type == number_type::i64 || type == number_type::zigzag ||
         type == number_type::decnum;
}
/// Whether it is text: digits, as many as its size says.
[[nodiscard]] constexpr bool is_digits(number_type type) noexcept {
  return type == number_type::decnum || type == number_type::hexnum;
}

/// The unsigned number of `width` bytes (1 to 8) at `from`.
[[nodiscard]] inline std::uint64_t load(const std::uint8_t* from, unsigned width, bool big) noexcept {
  switch (width) {
    case 1:
      return *from;
    case 2: {
      std::uint16_t v;
      std::memcpy(&v, from, 2);
      return big ? __builtin_bswap16(v) : v;
    }
    case 4: {
      std::uint32_t v;
      std::memcpy(&v, from, 4);
      return big ? __builtin_bswap32(v) : v;
    }
    case 8: {
      std::uint64_t v;
      std::memcpy(&v, from, 8);
      return big ? __builtin_bswap64(v) : v;
    }
    default: {
      std::uint64_t v = 0;
      for (unsigned i = 0; i < width; ++i) v |= std::uint64_t{from[i]} << (8 * (big ? width - 1 - i : i));
      return v;
    }
  }
}

/// Puts the low `width` bytes of `value` to `to`.
inline void store(std::uint8_t* to, std::uint64_t value, unsigned width, bool big) noexcept {
  for (unsigned i = 0; i < width; ++i)
    to[i] = static_cast<std::uint8_t>(value >> (8 * (big ? width - 1 - i : i)));
}

/// The number of `width` bytes in `raw` with its sign.
[[nodiscard]] constexpr std::int64_t sign_extend(std::uint64_t raw, unsigned width) noexcept {
  const unsigned shift = (64 - 8 * width) % 64;
  return static_cast<std::int64_t>(raw << shift) >> shift;
}

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big);
inline constexpr bool native_is_big = std::endian::native == std::endian::big;

/// IEEE 754 binary16 to double, exact.
[[nodiscard]] double half_to_double(std::uint16_t half) noexcept;

/// Double to binary16, ties to even; false if the magnitude is too large (infinities and NaN are fine).
[[nodiscard]] bool double_to_half(double value, std::uint16_t& half) noexcept;

}  // namespace duplexd::protocol
