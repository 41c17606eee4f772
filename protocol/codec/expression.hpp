#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::protocol {

/// One step of an expression in postfix form.
struct expression_step {
  enum class kind : std::uint8_t {
    constant,
    slot,
    size,
    packet,
    rest,  // push
    negate,
    complement,
    invert,  // one operand
    add,
    subtract,
    multiply,
    divide,
    modulo,
    bit_and,
    bit_or,
    bit_xor,
    shift_left,
    shift_right,
    equal,
    differ,
    less,
    less_equal,
    greater,
    greater_equal,
    both,
    either,
  };
  kind what = kind::constant;
  std::int64_t value = 0;  ///< constant, or the slot's number
};

/// An integer expression over fields, compiled. Signed 64-bit; overflow is an error, never a wrap.
struct expression {
  std::vector<expression_step> steps;
  std::string text;  ///< as written, for messages

  /// Uses $size, $packet or $rest, which are unknown until a packet being packed is complete.
  [[nodiscard]] bool uses_region() const noexcept;
};

/// What the variables stand for.
struct expression_input {
  std::span<const std::int64_t> slots;
  std::int64_t size = 0;    ///< $size: bytes of the innermost region
  std::int64_t packet = 0;  ///< $packet: bytes of the whole packet
  std::int64_t rest = 0;    ///< $rest: bytes between here and the region's end
};

/// The value, or nothing after overflow, division by zero or a shift outside 0 to 63 (to the left, 62).
[[nodiscard]] std::optional<std::int64_t> evaluate(const expression& what,
                                                   const expression_input& input) noexcept;

/// Looks up a field's slot; nothing, and a reason in `error`, if there is no such field.
using slot_lookup = std::function<std::optional<std::int64_t>(std::string_view name, std::string& error)>;

struct expression_fault {
  std::size_t offset = 0;  ///< in the text
  std::string message;
};

/// Parses `text`. Precedence is Python's: or, and, not, comparisons, |, ^, &, << >>, + -, * / %, unary - ~.
/// Division and modulo round down, as Python's // and %.
[[nodiscard]] std::optional<expression> parse_expression(std::string_view text, const slot_lookup& lookup,
                                                         expression_fault& fault);

}  // namespace duplexd::protocol
