#include "protocol/codec/number_from_json.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>

#include "protocol/text/json_text.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::protocol {
namespace {

using nlohmann::ordered_json;

struct range {
  int128 low;
  int128 high;
};

range limits_of(number_type type) {
  if (type == number_type::boolean) return {0, 1};
  const unsigned width = is_variable(type) ? 8 : width_of(type);
  const int128 span = int128{1} << (8 * width);
  if (is_signed(type)) return {-span / 2, span / 2 - 1};
  return {0, span - 1};
}

std::string digits(int128 value) {
  std::string out;
  append_decimal(out, value, 0);
  return out;
}

std::string shown(const ordered_json& value) {
  std::string out;
  if (!append_json(out, value, json_style::compact)) return "a text that is not UTF-8";
  if (out.size() > 60) out = out.substr(0, 57) + "…";
  return find_bad_utf8(out) == out.size() ? out : std::string(kind_of(value));
}

bool as_integer(const ordered_json& value, int128& out) {
  if (value.is_number_unsigned())
    out = value.get<std::uint64_t>();
  else if (value.is_number_integer())
    out = value.get<std::int64_t>();
  else
    return false;
  return true;
}

// "nan", "inf" and "-inf" stand for what JSON numbers cannot say.
bool as_real(const ordered_json& value, double& out) {
  if (value.is_number()) {
    out = value.get<double>();
    return true;
  }
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  if (text == "nan")
    out = std::numeric_limits<double>::quiet_NaN();
  else if (text == "inf" || text == "-inf")
    out = text == "inf" ? HUGE_VAL : -HUGE_VAL;
  else
    return false;
  return true;
}

std::string real_bits(number_type type, double value, std::uint64_t& raw) {
  if (type == number_type::f64) {
    raw = std::bit_cast<std::uint64_t>(value);
    return {};
  }
  if (type == number_type::f16) {
    std::uint16_t half = 0;
    if (!double_to_half(value, half)) return fmt::format("{} is too large for 16-bit floating point", value);
    raw = half;
    return {};
  }
  // Half a unit above the largest float and up would round to infinity.
  if (std::isfinite(value) && std::fabs(value) >= 0x1.ffffffp127)
    return fmt::format("{} is too large for 32-bit floating point", value);
  raw = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  return {};
}

std::string scaled(const program& layout, const instruction& in, const ordered_json& value,
                   std::int64_t divisor, std::uint64_t& raw) {
  const scale_rule& rule = layout.scales[in.its<scale_rule>()];
  double number = 0;
  if (!as_real(value, number)) return fmt::format("expected a number, found {}", kind_of(value));
  long double wide = value.is_number_integer() ? static_cast<long double>(value.get<std::int64_t>())
                                               : static_cast<long double>(number);
  if (value.is_number_unsigned()) wide = static_cast<long double>(value.get<std::uint64_t>());
  wide = wide * static_cast<long double>(divisor) * static_cast<long double>(rule.divisor);
  for (unsigned i = 0; i < rule.places; ++i) wide *= 10;
  if (rule.offset != 0) wide -= static_cast<long double>(rule.offset);
  wide /= static_cast<long double>(rule.factor);
  if (is_float(in.type)) return real_bits(in.type, static_cast<double>(wide), raw);
  if (!std::isfinite(wide) || std::fabs(wide) > 1e30L) return fmt::format("{} is out of range", shown(value));
  const auto rounded = static_cast<int128>(std::round(wide));
  if (const std::string why = number_from_integer(in.type, rounded, raw); !why.empty())
    return fmt::format("{} is {} on the wire; {}", shown(value), digits(rounded), why);
  return {};
}

std::string flags(const program& layout, const instruction& in, const ordered_json& value,
                  std::uint64_t& raw) {
  int128 whole = 0;
  if (as_integer(value, whole)) return number_from_integer(in.type, whole, raw);
  if (!value.is_array()) return fmt::format("expected a list of names, found {}", kind_of(value));
  for (const ordered_json& each : value) {
    int128 bits = 0;
    bool known = as_integer(each, bits) && bits >= 0;
    for (const auto& [bit, name] : layout.enums[in.its<names_rule>()].names) {
      if (!each.is_string() || each.get_ref<const std::string&>() != name) continue;
      bits = int128{1} << bit;
      known = true;
    }
    if (known) {
      whole |= bits;
      continue;
    }
    std::vector<std::string> names;
    for (const auto& [bit, name] : layout.enums[in.its<names_rule>()].names) names.push_back(name);
    const std::string hint =
        each.is_string() ? suggest_or_list(each.get_ref<const std::string&>(), names) : "";
    return fmt::format("{} is not one of its flags{}", shown(each), hint.empty() ? "" : "; " + hint);
  }
  return number_from_integer(in.type, whole, raw);
}

}  // namespace

std::string range_of(number_type type) {
  if (is_float(type)) return "a number";
  const range r = limits_of(type);
  return fmt::format("an integer from {} to {}", digits(r.low), digits(r.high));
}

std::string number_from_integer(number_type type, int128 value, std::uint64_t& raw) {
  const range r = limits_of(type);
  if (value < r.low || value > r.high)
    return fmt::format("expected {}, found {}", range_of(type), digits(value));
  raw = static_cast<std::uint64_t>(value);
  if (type == number_type::zigzag)
    raw = (raw << 1) ^ static_cast<std::uint64_t>(static_cast<std::int64_t>(value) >> 63);
  return {};
}

std::int64_t expression_value(number_type type, std::uint64_t raw) noexcept {
  if (type == number_type::zigzag)
    return static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
  if (type == number_type::decnum) return static_cast<std::int64_t>(raw);
  if (is_signed(type)) return sign_extend(raw, width_of(type));
  constexpr auto top = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(raw, top));
}

std::string number_from_json(const program& layout, const instruction& in, const ordered_json& value,
                             std::int64_t divisor, std::uint64_t& raw) {
  if (value.is_null() && in.none) return number_from_integer(in.type, *in.none, raw);
  if (in.as == form::scaled) return scaled(layout, in, value, divisor, raw);
  if (in.as == form::flags) return flags(layout, in, value, raw);
  if (is_float(in.type)) {
    double number = 0;
    if (!as_real(value, number)) return fmt::format("expected a number, found {}", shown(value));
    return real_bits(in.type, number, raw);
  }
  if (in.type == number_type::boolean && value.is_boolean()) {
    raw = value.get<bool>() ? 1 : 0;
    return {};
  }
  if (value.is_string() && in.as == form::names) {
    const auto& text = value.get_ref<const std::string&>();
    std::vector<std::string> names;
    for (const auto& [number, name] : layout.enums[in.its<names_rule>()].names) {
      if (name == text) return number_from_integer(in.type, number, raw);
      names.push_back(name);
    }
    const std::string hint = suggest_or_list(text, names);
    return fmt::format("{} is not one of its names{}", shown(value), hint.empty() ? "" : "; " + hint);
  }
  if (value.is_string() && in.as == form::time) {
    const auto time = parse_time(value.get_ref<const std::string&>(), layout.times[in.its<time_unit>()]);
    if (!time)
      return fmt::format("{} is not a time such as 2024-01-31T12:00:00Z in this field's unit", shown(value));
    return number_from_integer(in.type, *time, raw);
  }
  int128 whole = 0;
  if (!as_integer(value, whole)) return fmt::format("expected {}, found {}", range_of(in.type), shown(value));
  return number_from_integer(in.type, whole, raw);
}

}  // namespace duplexd::protocol
