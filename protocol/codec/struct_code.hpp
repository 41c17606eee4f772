#pragma once

#include <optional>

#include "protocol/text/wire.hpp"

namespace duplexd::protocol {

/// One code of Python's struct (docs.python.org/3/library/struct.html, format characters).
struct struct_code {
  enum class kind : unsigned char { number, pad, character, bytes, pascal };
  kind what = kind::number;
  wire type = wire::u8;    ///< of numbers
  unsigned size = 1;       ///< bytes of one
  unsigned alignment = 1;  ///< 1 except in native mode
};

/// What a code means with '@' (`native`: this machine's sizes and alignment) or with the other orders.
/// Nothing if struct does not know it there.
[[nodiscard]] constexpr std::optional<struct_code> find_struct_code(char code, bool native) noexcept {
  using kind = struct_code::kind;
  const auto number = [&](wire type) {
    const unsigned size = width_of(type);
    return struct_code{kind::number, type, size, native ? size : 1};
  };
  const auto sized = [&](unsigned bytes, bool has_sign) {
    return bytes == 8 ? number(has_sign ? wire::i64 : wire::u64) : number(has_sign ? wire::i32 : wire::u32);
  };
  switch (code) {
    case 'x':
      return struct_code{kind::pad, wire::u8, 1, 1};
    case 'c':
      return struct_code{kind::character, wire::u8, 1, 1};
    case 's':
      return struct_code{kind::bytes, wire::u8, 1, 1};
    case 'p':
      return struct_code{kind::pascal, wire::u8, 1, 1};
    case 'b':
      return number(wire::i8);
    case 'B':
      return number(wire::u8);
    case '?':
      return number(wire::boolean);
    case 'h':
      return number(wire::i16);
    case 'H':
      return number(wire::u16);
    case 'i':
      return number(wire::i32);
    case 'I':
      return number(wire::u32);
    case 'l':
      return sized(native ? sizeof(long) : 4, true);
    case 'L':
      return sized(native ? sizeof(long) : 4, false);
    case 'q':
      return number(wire::i64);
    case 'Q':
      return number(wire::u64);
    case 'e':
      return number(wire::f16);
    case 'f':
      return number(wire::f32);
    case 'd':
      return number(wire::f64);
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
