// Numbers of a line: their sizes, constants, scales and units.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/digits.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

void layout_compiler::number(const token& t, const node& from, char order, const instruction& basis,
                             name_id name, bool hidden) {
  instruction made = basis;
  made.code = op::number;
  made.name = name;
  made.hidden = hidden;
  if (is_digits(basis.type)) {
    if (!digits_size(t, from, order, name, made)) return;
  } else if (is_variable(basis.type) && t.size.what == extent_notation::kind::expression) {
    const auto limit = parse_integer(t.size.text.text);
    if (!limit || *limit < 1 || *limit > 10) fail(from, t.size.text.at, "a varint takes 1 to 10 bytes");
    made.limit = static_cast<std::uint8_t>(limit.value_or(10));
  } else if (t.size.what != extent_notation::kind::absent) {
    fail(from, t.size.text.at, fmt::format("'{}' has its own size", t.type.text), "for a list write [count]");
  }
  if (t.has_scale() && !scale(t, from, made)) return;
  if (!t.unit.text.empty()) {
    static const std::vector<std::string> units{"s", "ms", "us", "ns"};
    const auto found = std::find(units.begin(), units.end(), t.unit.text);
    if (found == units.end() || is_float(made.type) || made.as == form::scaled) {
      fail(from, t.unit.at,
           found == units.end() ? fmt::format("unknown unit '{}'", t.unit.text)
                                : "a time is an integer without scale",
           "the units are @s, @ms, @us and @ns");
      return;
    }
    made.as = form::time;
    made.rule = to_->times.add(static_cast<time_unit>(found - units.begin()));
  }
  if (order == '@' && t.type.text.size() == 1 && width_of(made.type) > 1)
    emit(op::align).constant = static_cast<std::int64_t>(width_of(made.type));
  if (t.value != token::value_kind::absent && !constant(t, from, made)) return;
  const std::int32_t at = here();
  emit(op::number) = made;
  close(at);
  if (name) remember(name, at, !is_float(made.type));
  if (is_digits(made.type) && to_->extents[made.size].what == extent::kind::rest)
    filled_by_ = name ? to_->names[name].text : t.type.text;
}

bool layout_compiler::digits_size(const token& t, const node& from, char order, name_id name,
                                  instruction& in) {
  in.size = size_extent(t.size, from, order, name);
  if (!in.size) return false;
  const extent& e = to_->extents[in.size];
  if (e.what == extent::kind::fixed && (e.value < 1 || std::cmp_greater(e.value, longest_digits)))
    return fail(from, t.size.text.at, fmt::format("a number has 1 to {} digits", longest_digits));
  if (e.what != extent::kind::until) return true;
  const std::string_view own = in.type == number_type::hexnum ? "0123456789abcdefABCDEF" : "0123456789+-";
  return own.find(to_->texts[e.end].front()) == std::string_view::npos ||
         fail(from, t.size.text.at, "digits cannot go on until another digit or a sign");
}

bool layout_compiler::constant(const token& t, const node& from, instruction& in) {
  if (in.as == form::scaled || in.as == form::time)
    return fail(from, t.value_text.at, "a constant cannot have a scale or a unit",
                "give the number as sent on the wire");
  const bool standard = t.value == token::value_kind::standard;
  if (const auto literal = parse_integer(t.value_text.text)) {
    const unsigned width = width_of(in.type);
    const std::int64_t most = is_digits(in.type) && in.size && to_->extents[in.size].value > 0
                                  ? to_->extents[in.size].value
                                  : INT64_MAX;
    const bool is_short =
        !is_digits(in.type) ||
        std::cmp_less_equal(digits_of(in.type, static_cast<std::uint64_t>(*literal), 0).size(), most);
    if (!is_short || (in.type == number_type::hexnum && *literal < 0))
      return fail(from, t.value_text.at, fmt::format("{} does not fit '{}'", *literal, t.type.text));
    const bool fits = width == 0 || width == 8 || is_float(in.type) ? true
                      : is_signed(in.type) ? *literal >= -(std::int64_t{1} << (8 * width - 1)) &&
                                                 *literal < (std::int64_t{1} << (8 * width - 1))
                                           : *literal >= 0 && *literal < (std::int64_t{1} << (8 * width));
    if (!fits) return fail(from, t.value_text.at, fmt::format("{} does not fit '{}'", *literal, t.type.text));
    if (is_float(in.type) && !standard)
      return fail(from, t.value_text.at, "a floating-point field cannot be constant",
                  "use '?=' for a default value");
    in.constant = *literal;
    in.from = standard ? value_source::standard : value_source::constant;
    return true;
  }
  if (t.value_is_text || standard || is_float(in.type))
    return fail(from, t.value_text.at, fmt::format("'{}' is not an integer", t.value_text.text));
  if (is_digits(in.type))
    return fail(from, t.value_text.at, "digits cannot be computed",
                "a size comes by itself: _len:decnum(until \"\\r\\n\") data:bytes(_len)");
  in.expr = expression_of(t.value_text.text, from, t.value_text.at);
  in.from = value_source::computed;
  return static_cast<bool>(in.expr);
}

namespace {

// "0.001" or "1e-7" as mantissa / 10^places.
bool read_decimal(std::string_view text, std::int64_t& mantissa, int& places) {
  std::string digits;
  places = 0;
  std::size_t i = 0;
  bool point = false;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.' && !point) {
      point = true;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') return false;
    digits += text[i];
    if (point) ++places;
  }
  if (i < text.size()) {
    std::string_view exponent = text.substr(i + 1);
    if (!exponent.empty() && exponent.front() == '+') exponent.remove_prefix(1);
    int value = 0;
    const auto [end, failed] = std::from_chars(exponent.data(), exponent.data() + exponent.size(), value);
    if (failed != std::errc() || end != exponent.data() + exponent.size() || value < -18 || value > 18)
      return false;
    places -= value;
  }
  const auto whole = parse_integer(digits);
  if (digits.empty() || digits.size() > 18 || !whole) return false;
  mantissa = *whole;
  for (; places < 0; ++places)
    if (__builtin_mul_overflow(mantissa, std::int64_t{10}, &mantissa)) return false;
  return mantissa != 0 && places <= 18;
}

}  // namespace

bool layout_compiler::scale(const token& t, const node& from, instruction& in) {
  scale_rule rule;
  int places = 0;
  for (const piece& each : t.scales) {
    const std::string_view text = std::string_view(each.text).substr(1);
    std::int64_t mantissa = 0;
    int down = 0;
    if (read_decimal(text, mantissa, down)) {
      std::int64_t& side = each.text[0] == '*' ? rule.factor : rule.divisor;
      if (__builtin_mul_overflow(side, mantissa, &side) ||
          std::abs(side) > INT32_MAX * std::int64_t{1'000'000})
        return fail(from, each.at, "the scale is too large");
      places += each.text[0] == '*' ? down : -down;
    } else if (each.text[0] == '/' && !rule.divisor_expr && is_field_name(text)) {
      rule.divisor_expr = expression_of(text, from, each.at + 1);
      if (!rule.divisor_expr) return false;
    } else {
      return fail(from, each.at + 1, fmt::format("'{}' is not a scale", text),
                  "write /100, *0.01, *1e-7 or /_field");
    }
  }
  std::int64_t shift = 0;
  int below = 0;
  if (!t.offset.text.empty()) {
    if (!read_decimal(std::string_view(t.offset.text).substr(1), shift, below))
      return fail(from, t.offset.at, fmt::format("'{}' is not an offset", t.offset.text),
                  "a number, after the scale: *0.1-127");
    if (rule.divisor_expr)
      return fail(from, t.offset.at, "an offset needs a scale that is known", "divide by a number");
  }
  const auto grow = [](std::int64_t& number, int tens) {
    for (; tens > 0; --tens)
      if (__builtin_mul_overflow(number, std::int64_t{10}, &number)) return false;
    return true;
  };
  const int all = std::max({places, below, 0});
  if (all > 18) return fail(from, t.at, "the scale is too small");
  if (!grow(rule.factor, all - places)) return fail(from, t.at, "the scale is too large");
  if (!grow(shift, all - below) || __builtin_mul_overflow(shift, rule.divisor, &shift))
    return fail(from, t.offset.at, "the offset is too large");
  rule.offset = t.offset.text.starts_with('-') ? -shift : shift;
  rule.places = static_cast<unsigned>(all);
  in.as = form::scaled;
  in.rule = to_->scales.add(rule);
  return true;
}

}  // namespace duplexd::protocol
