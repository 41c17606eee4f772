#pragma once

#include <optional>

#include "protocol/text/number_type.hpp"

namespace duplexd::protocol {

/// One code of Python's struct (docs.python.org/3/library/struct.html, format characters).
struct struct_code {
  enum class kind : unsigned char { number, pad, character, bytes, pascal };
  kind what = kind::number;
  number_type type = number_type::u8;  ///< of numbers
  unsigned size = 1;                   ///< bytes of one
  unsigned alignment = 1;              ///< 1 except in native mode
};

/// What a code means with '@' (`native`: this machine's sizes and alignment) or with the other orders.
/// Nothing if struct does not know it there.
[[nodiscard]] constexpr std::optional<struct_code> find_struct_code(char code, bool native) noexcept {
  using kind = struct_code::kind;
  const auto number = [&](number_type type) {
    const unsigned size = width_of(type);
    return struct_code{kind::number, type, size, native ? size : 1};
  };
  const auto sized = [&](unsigned bytes, bool has_sign) {
    return bytes == 8 ? number(has_sign ? number_type::i64 : number_type::u64)
                      : number(has_sign ? number_type::i32 : number_type::u32);
  };
  switch (code) {
    case 'x':
      return struct_code{kind::pad, number_type::u8, 1, 1};
    case 'c':
      return struct_code{kind::character, number_type::u8, 1, 1};
    case 's':
      return struct_code{kind::bytes, number_type::u8, 1, 1};
    case 'p':
      return struct_code{kind::pascal, number_type::u8, 1, 1};
    case 'b':
      return number(number_type::i8);
    case 'B':
      return number(number_type::u8);
    case '?':
      return number(number_type::boolean);
    case 'h':
      return number(number_type::i16);
    case 'H':
      return number(number_type::u16);
    case 'i':
      return number(number_type::i32);
    case 'I':
      return number(number_type::u32);
    case 'l':
      return sized(native ? sizeof(long) : 4, true);
    case 'L':
      return sized(native ? sizeof(long) : 4, false);
    case 'q':
      return number(number_type::i64);
    case 'Q':
      return number(number_type::u64);
    case 'e':
      return number(number_type::f16);
    case 'f':
      return number(number_type::f32);
    case 'd':
      return number(number_type::f64);
    case 'n':
      return native ? std::optional(sized(sizeof(void*), true)) : std::nullopt;
    case 'N':
    case 'P':
      return native ? std::optional(sized(sizeof(void*), false)) : std::nullopt;
    default:
      return std::nullopt;
  }
}

/// Whether an order character means big-endian numbers here.
[[nodiscard]] constexpr bool order_is_big(char order) noexcept {
  return order == '>' || order == '!' || (order != '<' && native_is_big);
}

}  // namespace duplexd::protocol
