#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "config/value/resolved.hpp"

namespace duplexd::config {

/// What joins two values after `=`. `both` and `either` are `and` and `or`.
enum class operation : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  modulo,
  equal,
  differ,
  less,
  less_equal,
  greater,
  greater_equal,
  both,
  either,
};

/// As it is written: "+", "and".
[[nodiscard]] std::string_view name_of(operation what) noexcept;

/// The value of `left what right`. Integers are exact, from -2^63 to 2^64-1; a number beyond is an error, as
/// are a division by zero and a number that is not finite. A quotient is an integer if nothing is left over;
/// the remainder has the sign of the divisor. `<` and its like compare two numbers or two texts. Pure.
[[nodiscard]] resolved<nlohmann::ordered_json> calculate(operation what, const nlohmann::ordered_json& left,
                                                         const nlohmann::ordered_json& right);

/// The value of `-operand`.
[[nodiscard]] resolved<nlohmann::ordered_json> negated(const nlohmann::ordered_json& operand);

/// Rounded to so many decimals, halves to even; without any the result is an integer.
[[nodiscard]] resolved<nlohmann::ordered_json> rounded(const nlohmann::ordered_json& number,
                                                       unsigned decimals);

/// Without its decimals.
[[nodiscard]] resolved<nlohmann::ordered_json> truncated(const nlohmann::ordered_json& number);

}  // namespace duplexd::config
