#include "config/reference/arithmetic.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "config/reference/value_kinds.hpp"
#include "protocol/text/number_type.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::int128;

namespace {

constexpr std::array<std::pair<operation, std::string_view>, 13> signs{{
    {operation::add, "+"},
    {operation::subtract, "-"},
    {operation::multiply, "*"},
    {operation::divide, "/"},
    {operation::modulo, "%"},
    {operation::equal, "=="},
    {operation::differ, "!="},
    {operation::less, "<"},
    {operation::less_equal, "<="},
    {operation::greater, ">"},
    {operation::greater_equal, ">="},
    {operation::both, "and"},
    {operation::either, "or"},
}};

using outcome = resolved<ordered_json>;

outcome too_large() {
  return {nullptr, "the result is not between -2^63 and 2^64-1"};
}

outcome whole(int128 value) {
  if (value > std::numeric_limits<std::uint64_t>::max() || value < std::numeric_limits<std::int64_t>::min())
    return too_large();
  if (value > std::numeric_limits<std::int64_t>::max()) return {static_cast<std::uint64_t>(value), ""};
  return {static_cast<std::int64_t>(value), ""};
}

outcome real(double value) {
  if (!std::isfinite(value)) return {nullptr, "the result is too large for a number"};
  return {value, ""};
}

std::optional<int128> as_whole(const ordered_json& number) {
  if (number.is_number_unsigned()) return number.get<std::uint64_t>();
  if (number.is_number_integer()) return number.get<std::int64_t>();
  return std::nullopt;
}

/// Holds every 64-bit integer exactly where it has 64 bits or more for the digits, as on amd64 and arm64.
long double as_real(const ordered_json& number) {
  if (number.is_number_unsigned()) return static_cast<long double>(number.get<std::uint64_t>());
  if (number.is_number_integer()) return static_cast<long double>(number.get<std::int64_t>());
  return number.get<double>();
}

int128 floor_modulo(int128 left, int128 right) {
  const int128 rest = left % right;
  return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest;
}

outcome of_integers(operation what, int128 left, int128 right) {
  int128 result = 0;
  switch (what) {
    case operation::add:
      return whole(left + right);
    case operation::subtract:
      return whole(left - right);
    case operation::multiply:
      return __builtin_mul_overflow(left, right, &result) ? too_large() : whole(result);
    case operation::modulo:
      return whole(floor_modulo(left, right));
    default:
      return left % right == 0 ? whole(left / right)
                               : real(static_cast<double>(static_cast<long double>(left) /
                                                          static_cast<long double>(right)));
  }
}

outcome of_reals(operation what, double left, double right) {
  switch (what) {
    case operation::add:
      return real(left + right);
    case operation::subtract:
      return real(left - right);
    case operation::multiply:
      return real(left * right);
    case operation::modulo: {
      const double rest = std::fmod(left, right);
      return real(rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest);
    }
    default:
      return real(left / right);
  }
}

outcome needs(operation what, value_kinds wanted, const ordered_json& left, const ordered_json& right) {
  const ordered_json& wrong = overlap(kind_of(left), wanted) ? right : left;
  const bool is_text = wrong.is_string() && wanted == value_kinds::number;
  return {nullptr, fmt::format("'{}' takes {}, not {}{}", name_of(what), in_words(wanted),
                               in_words(kind_of(wrong)), is_text ? " (add '| number')" : "")};
}

template <class Value>
bool compared(operation what, const Value& left, const Value& right) {
  switch (what) {
    case operation::less:
      return left < right;
    case operation::less_equal:
      return left <= right;
    case operation::greater:
      return left > right;
    default:
      return left >= right;
  }
}

outcome comparison(operation what, const ordered_json& left, const ordered_json& right) {
  const bool texts = left.is_string() && right.is_string();
  if (texts)
    return {compared(what, left.get_ref<const std::string&>(), right.get_ref<const std::string&>()), ""};
  if (!left.is_number() || !right.is_number())
    return {nullptr, fmt::format("'{}' compares two numbers or two texts, not {} with {}", name_of(what),
                                 in_words(kind_of(left)), in_words(kind_of(right)))};
  return {compared(what, as_real(left), as_real(right)), ""};
}

}  // namespace

std::string_view name_of(operation what) noexcept {
  for (const auto& [candidate, sign] : signs)
    if (candidate == what) return sign;
  return "";
}

outcome calculate(operation what, const ordered_json& left, const ordered_json& right) {
  if (what == operation::equal) return {left == right, ""};
  if (what == operation::differ) return {left != right, ""};
  if (what == operation::both || what == operation::either) {
    if (!left.is_boolean() || !right.is_boolean()) return needs(what, value_kinds::boolean, left, right);
    const bool a = left.get<bool>();
    const bool b = right.get<bool>();
    return {what == operation::both ? a && b : a || b, ""};
  }
  if (what >= operation::less) return comparison(what, left, right);
  if (!left.is_number() || !right.is_number()) return needs(what, value_kinds::number, left, right);
  const bool divides = what == operation::divide || what == operation::modulo;
  if (divides && as_real(right) == 0) return {nullptr, "division by zero"};
  const auto a = as_whole(left);
  const auto b = as_whole(right);
  return a && b ? of_integers(what, *a, *b) : of_reals(what, left.get<double>(), right.get<double>());
}

outcome negated(const ordered_json& operand) {
  if (!operand.is_number())
    return {nullptr, fmt::format("'-' takes a number, not {}", in_words(kind_of(operand)))};
  const auto value = as_whole(operand);
  return value ? whole(-*value) : real(-operand.get<double>());
}

outcome rounded(const ordered_json& number, unsigned decimals) {
  if (as_whole(number)) return {number, ""};
  const std::string text = fmt::format("{:.{}f}", number.get<double>(), decimals);
  const double value = std::strtod(text.c_str(), nullptr);
  return decimals == 0 ? truncated(value) : real(value);
}

outcome truncated(const ordered_json& number) {
  if (as_whole(number)) return {number, ""};
  const double value = std::trunc(number.get<double>());
  constexpr double beyond = 18446744073709551616.0;
  if (!(value < beyond && value >= -9223372036854775808.0)) return too_large();
  return whole(static_cast<int128>(value));
}

}  // namespace duplexd::config
