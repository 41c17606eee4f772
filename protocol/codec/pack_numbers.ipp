// Part of the packer: numbers.
#pragma once

#include "protocol/codec/framing.hpp"
#include "protocol/codec/number_from_json.hpp"
#include "protocol/codec/pack_walk.ipp"
#include "protocol/text/digits.hpp"

namespace duplexd::protocol {
namespace {

inline void packer::put(const instruction& in, std::uint64_t raw) {
  const unsigned width = width_of(in.type);
  if (width == 0) return put_variable(in, raw);
  out_.resize(out_.size() + width);
  store(out_.data() + out_.size() - width, raw, width, in.big);
}

inline void packer::put_variable(const instruction& in, std::uint64_t raw) {
  if (!is_digits(in.type)) return append_varint(out_, raw);
  const std::string text = digits(in, raw);
  out_.insert(out_.end(), text.begin(), text.end());
  const extent& e = p_.extents[in.size];
  if (e.what != extent::kind::until) return;
  const std::string& end = p_.texts[e.end];
  out_.insert(out_.end(), end.begin(), end.end());
}

inline std::size_t packer::digits_wanted(const instruction& in) {
  const extent& e = p_.extents[in.size];
  std::int64_t count = 0;
  if (e.what == extent::kind::fixed) count = e.value;
  if (e.what == extent::kind::linear && known_[e.slot.index()] == slot_state::given &&
      (__builtin_mul_overflow(slots_[e.slot.index()], e.factor, &count) ||
       __builtin_add_overflow(count, e.offset, &count)))
    count = 0;
  if (e.what == extent::kind::computed && !needs(e.expr)) count = eval(e.expr).value_or(0);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

inline std::string packer::digits(const instruction& in, std::uint64_t raw) {
  return digits_of(in.type, raw, std::min(digits_wanted(in), longest_digits + 1));
}

inline bool packer::settle_digits(const instruction& in, std::uint64_t raw) {
  return !is_digits(in.type) || settle(in, in.size, digits(in, raw).size(), "digits");
}

inline void packer::leave_gap(gap::kind what, const instruction& in, const bit_member* member) {
  gap g;
  g.what = what;
  g.in = &in;
  g.member = member;
  g.at = out_.size();
  g.level = level_for(what, in);
  gaps_.push_back(g);
}

// An expression over the whole packet is filled in with the outermost region.
inline std::size_t packer::level_for(gap::kind what, const instruction& in) const {
  if (what == gap::kind::expr || what == gap::kind::label)
    for (const expression_step& s : p_.expressions[in.expr].steps)
      if (s.what == expression_step::kind::packet) return packet_level_;
  return regions_.size();
}

inline bool packer::number(const instruction& in) {
  if (in.as == form::bits) return bits(in);
  const ordered_json* value = given(in);
  if (value == nullptr) {
    switch (in.from) {
      case value_source::given:
        if (in.as != form::checksum) return missing(in);
        leave_gap(gap::kind::checksum, in);
        put(in, 0);
        return true;
      case value_source::derived:
      case value_source::computed:
        leave_gap(in.from == value_source::derived ? gap::kind::slot : gap::kind::expr, in);
        put(in, 0);
        return true;
      default:
        return fixed_number(in);
    }
  }
  std::int64_t divisor = 1;
  if (in.as == form::scaled) {
    const expression_id expr = p_.scales[in.its<scale_rule>()].divisor_expr;
    if (expr) {
      const auto result = needs(expr) ? std::nullopt : eval(expr);
      if (!result || *result == 0) return no_value(in, expr);
      divisor = *result;
    }
  }
  std::uint64_t raw = 0;
  if (std::string why = number_from_json(p_, in, *value, divisor, raw); !why.empty())
    return fail(in, std::move(why));
  if (is_variable(in.type) && !fits_variable(in, raw)) return false;
  const std::int64_t number = is_float(in.type) ? 0 : expression_value(in.type, raw);
  if (in.strict &&
      std::none_of(p_.enums[in.its<names_rule>()].names.begin(), p_.enums[in.its<names_rule>()].names.end(),
                   [&](const auto& name) { return name.first == number; }))
    return fail(in, fmt::format("{} is not one of its names", number));
  if (in.from == value_source::constant && number != in.constant)
    return fail(in, fmt::format("it is always {}, found {}", in.constant, number));
  set_slot(in.slot, number, slot_state::given);
  put(in, raw);
  return settle_digits(in, raw);
}

inline bool packer::fits_variable(const instruction& in, std::uint64_t raw) {
  if (is_digits(in.type)) {
    const extent& e = p_.extents[in.size];
    const bool bounded = e.what == extent::kind::fixed || e.what == extent::kind::until;
    const std::size_t most =
        std::min(bounded ? static_cast<std::size_t>(e.value) : longest_digits, longest_digits);
    const std::string text = digits(in, raw);
    return text.size() <= most || fail(in, fmt::format("{} needs more than {} digits", text, most));
  }
  if (in.limit >= 10 || raw >> (7 * in.limit) == 0) return true;
  const std::string shown = in.type == number_type::zigzag ? fmt::format("{}", expression_value(in.type, raw))
                                                           : fmt::format("{}", raw);
  return fail(in, fmt::format("{} needs more than the {} bytes of its varint", shown, in.limit));
}

inline bool packer::fixed_number(const instruction& in) {
  std::uint64_t raw = 0;
  if (is_float(in.type)) {
    const ordered_json value(in.constant);
    if (std::string why = number_from_json(p_, in, value, 1, raw); !why.empty())
      return fail(in, std::move(why));
  } else if (std::string why = number_from_integer(in.type, in.constant, raw); !why.empty()) {
    return fail(in, std::move(why));
  }
  if (is_variable(in.type) && !fits_variable(in, raw)) return false;
  set_slot(in.slot, in.constant, slot_state::given);
  put(in, raw);
  return settle_digits(in, raw);
}

inline bool packer::bits(const instruction& in) {
  const bits_rule& rule = p_.bits[in.its<bits_rule>()];
  const ordered_json* outer = current_;
  const std::size_t outer_consumed = consumed_;
  std::size_t used = used_.size();
  bool value_given = false;
  if (!rule.spliced) {
    current_ = given(in);
    value_given = current_ != nullptr;
    consumed_ = 0;
    used = used_.size();
    if (current_ != nullptr && !current_->is_object() && !current_->is_null())
      return fail(in, fmt::format("expected a map, found {}", kind_of(*current_)));
  }
  std::uint64_t raw = 0;
  for (const bit_member& m : rule.members)
    if (!bit(in, m, raw)) return rule.spliced ? false : under(in, false);
  if (!rule.spliced) {
    if (!all_used(in, used)) return false;
    used_.resize(used);
    current_ = outer;
    consumed_ = outer_consumed + (value_given ? 1 : 0);
  }
  put(in, raw);
  return true;
}

inline bool packer::bit(const instruction& in, const bit_member& m, std::uint64_t& raw) {
  const ordered_json* value = look_up(m.name);
  std::int64_t number = m.constant;
  if (value == nullptr) {
    if (m.from == value_source::derived) return leave_gap(gap::kind::slot, in, &m), true;
    if (m.from == value_source::given) return fail_named(m.name, "the field is missing");
  } else if (!read_bit(m, *value, number)) {
    return false;
  }
  if (m.from == value_source::constant && number != m.constant)
    return fail_named(m.name, fmt::format("it is always {}, found {}", m.constant, number));
  set_slot(m.slot, number, slot_state::given);
  raw |= static_cast<std::uint64_t>(number) << m.shift;
  return true;
}

inline bool packer::read_bit(const bit_member& m, const ordered_json& value, std::int64_t& number) {
  if (value.is_boolean() && m.width == 1) {
    number = value.get<bool>() ? 1 : 0;
    return true;
  }
  if (value.is_string() && m.names)
    for (const auto& [known, name] : p_.enums[m.names].names)
      if (value.get_ref<const std::string&>() == name) {
        number = known;
        return true;
      }
  const std::int64_t top = m.width >= 63 ? INT64_MAX : (std::int64_t{1} << m.width) - 1;
  if (value.is_number_integer()) {
    number = value.get<std::int64_t>();
    if (number >= 0 && number <= top &&
        (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX))
      return true;
  }
  return fail_named(m.name, fmt::format("expected an integer from 0 to {}, found {}", top,
                                        value.dump(-1, ' ', false, ordered_json::error_handler_t::replace)));
}

}  // namespace
}  // namespace duplexd::protocol
