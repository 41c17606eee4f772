// Part of the unpacker: numbers.
#pragma once

#include "protocol/codec/number_from_json.hpp"
#include "protocol/codec/unpack_walk.ipp"
#include "protocol/text/digits.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::protocol {
namespace {

template <class Visitor>
inline bool unpacker<Visitor>::varint(const instruction& in, std::uint64_t& raw) {
  const std::size_t from = pos_;
  raw = 0;
  for (unsigned i = 0;; ++i) {
    if (i == in.limit) return fail(in, from, fmt::format("a varint of more than {} bytes", in.limit));
    if (pos_ == end_) return short_of(in, 1);
    const std::uint8_t byte = data_[pos_++];
    if (i == 9 && byte > 1) return fail(in, from, "a varint of more than 64 bits");
    raw |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80u) == 0) return true;
  }
}

template <class Visitor>
inline bool unpacker<Visitor>::digits(const instruction& in, std::uint64_t& raw) {
  std::size_t size = 0;
  std::size_t whole = 0;
  if (!measure_text(in, size, whole)) return false;
  const std::string_view text(reinterpret_cast<const char*>(data_.data() + pos_), size);
  constexpr std::size_t shown = 32;
  if (!read_digits(in.type, text, raw))
    return fail(
        in, pos_,
        fmt::format("expected {} in {} digits, found \"{}\"", range_of(in.type),
                    in.type == number_type::hexnum ? "hexadecimal" : "decimal", printable(text, shown)));
  pos_ += whole;
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::simple(const instruction& in) {
  const unsigned width = width_of(in.type);
  if (end_ - pos_ < width) return short_of(in, width);
  const std::uint64_t raw = load(data_.data() + pos_, width, in.big);
  const std::size_t from = pos_;
  pos_ += width;
  place(from, in);
  const bool has_sign = is_signed(in.type);
  const std::int64_t value = has_sign ? sign_extend(raw, width) : static_cast<std::int64_t>(raw);
  visitor_.key(p_.names[in.name]);
  if (in.as == form::scaled)
    visitor_.decimal(has_sign ? static_cast<int128>(value) : static_cast<int128>(raw),
                     p_.scales[in.its<scale_rule>()].all_places);
  else if (has_sign)
    visitor_.integer(value);
  else
    visitor_.natural(raw);
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::number(const instruction& in) {
  const std::size_t from = pos_;
  const unsigned width = width_of(in.type);
  std::uint64_t raw = 0;
  if (width != 0) {
    if (end_ - pos_ < width) return short_of(in, width);
    raw = load(data_.data() + pos_, width, in.big);
    pos_ += width;
  } else if (is_digits(in.type) ? !digits(in, raw) : !varint(in, raw)) {
    return false;
  }
  place(from, in);
  if (is_float(in.type)) return real(in, from, raw);
  std::int64_t value = 0;
  if (in.type == number_type::zigzag)
    value = static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
  else if (is_signed(in.type))
    value = sign_extend(raw, width != 0 ? width : 8);
  else if (in.type == number_type::boolean)
    value = raw != 0 ? 1 : 0;
  else
    value = raw > static_cast<std::uint64_t>(int64_max) ? int64_max : static_cast<std::int64_t>(raw);
  keep(in, value);
  if (in.from != value_source::given && !check(in, from, value)) return false;
  if (in.as == form::bits || in.as == form::checksum) return special(in, from, raw);
  if (in.strict && !is_named(in.its<names_rule>(), value))
    return fail(in, from, fmt::format("{} is not one of its names", value));
  if (in.hidden) return true;
  announce(in);
  return show(in, value, raw);
}

template <class Visitor>
inline bool unpacker<Visitor>::check(const instruction& in, std::size_t from, std::int64_t value) {
  std::int64_t want = in.constant;
  if (in.from == value_source::computed) {
    const auto result = eval(in.expr);
    if (!result) return no_value(in, in.expr);
    want = *result;
  } else if (in.from != value_source::constant) {
    return true;
  }
  if (value == want) return true;
  const std::string why =
      in.from == value_source::computed ? fmt::format(" ({})", p_.expressions[in.expr].text) : "";
  return fail(in, from, fmt::format("expected {}{}, found {}", want, why, value));
}

template <class Visitor>
inline bool unpacker<Visitor>::real(const instruction& in, std::size_t from, std::uint64_t raw) {
  double value = 0;
  if (in.type == number_type::f64)
    value = std::bit_cast<double>(raw);
  else if (in.type == number_type::f32)
    value = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)));
  else
    value = half_to_double(static_cast<std::uint16_t>(raw));
  (void)from;
  if (in.hidden) return true;
  announce(in);
  if (in.as != form::scaled) {
    visitor_.real(value);
    return true;
  }
  std::int64_t divisor = 1;
  const scale_rule& rule = p_.scales[in.its<scale_rule>()];
  if (!divisor_of(in, rule, divisor)) return false;
  double result = value * static_cast<double>(rule.factor);
  if (rule.offset != 0) result += static_cast<double>(rule.offset);
  result /= static_cast<double>(divisor);
  for (unsigned i = 0; i < rule.places; ++i) result /= 10;
  visitor_.real(result);
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::divisor_of(const instruction& in, const scale_rule& rule,
                                          std::int64_t& divisor) {
  divisor = rule.divisor;
  if (!rule.divisor_expr) return true;
  const auto more = eval(rule.divisor_expr);
  if (!more || *more == 0 || __builtin_mul_overflow(divisor, *more, &divisor))
    return no_value(in, rule.divisor_expr);
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::scaled(const instruction& in, int128 value) {
  const scale_rule& rule = p_.scales[in.its<scale_rule>()];
  std::int64_t divisor = 1;
  if (!divisor_of(in, rule, divisor)) return false;
  value = value * rule.factor + rule.offset;
  unsigned places = rule.places;
  std::int64_t left = divisor;
  while (left % 10 == 0) {
    left /= 10;
    ++places;
  }
  if (left == 1) {
    visitor_.decimal(value, places);
    return true;
  }
  double result = static_cast<double>(value) / static_cast<double>(divisor);
  for (unsigned i = 0; i < rule.places; ++i) result /= 10;
  visitor_.real(result);
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::show(const instruction& in, std::int64_t value, std::uint64_t raw) {
  if (in.none && *in.none == value) {
    visitor_.null();
    return true;
  }
  switch (in.as) {
    case form::plain:
      if (in.type == number_type::u64 || in.type == number_type::varint || in.type == number_type::hexnum)
        visitor_.natural(raw);
      else if (in.type == number_type::boolean)
        visitor_.boolean(value != 0);
      else
        visitor_.integer(value);
      return true;
    case form::scaled:
      return scaled(in, is_signed(in.type) ? static_cast<int128>(value) : static_cast<int128>(raw));
    case form::time: {
      std::string& text = shared_scratch();
      if (append_time(text, value, p_.times[in.its<time_unit>()]))
        visitor_.text(text);
      else
        visitor_.integer(value);
      return true;
    }
    case form::names:
      named(in.its<names_rule>(), value);
      return true;
    default:
      flags(in, raw);
      return true;
  }
}

template <class Visitor>
inline bool unpacker<Visitor>::is_named(id<names_rule> table, std::int64_t value) const {
  for (const auto& [number, name] : p_.enums[table].names)
    if (number == value) return true;
  return false;
}

template <class Visitor>
inline void unpacker<Visitor>::named(id<names_rule> table, std::int64_t value) {
  for (const auto& [number, name] : p_.enums[table].names)
    if (number == value) return visitor_.text(name);
  visitor_.integer(value);
}

template <class Visitor>
inline void unpacker<Visitor>::flags(const instruction& in, std::uint64_t raw) {
  visitor_.begin_array();
  for (const auto& [bit, name] : p_.enums[in.its<names_rule>()].names) {
    const std::uint64_t mask = std::uint64_t{1} << bit;
    if ((raw & mask) == 0) continue;
    raw &= ~mask;
    visitor_.element();
    visitor_.text(name);
  }
  for (; raw != 0; raw &= raw - 1) {
    visitor_.element();
    visitor_.natural(raw & (~raw + 1));  // its lowest bit
  }
  visitor_.end_array();
}

template <class Visitor>
inline bool unpacker<Visitor>::bits(const instruction& in, std::size_t from, std::uint64_t raw) {
  const bits_rule& rule = p_.bits[in.its<bits_rule>()];
  const bool map = !rule.spliced && !in.hidden;
  if (map) {
    announce(in);
    visitor_.begin_object();
  }
  for (const bit_member& m : rule.members) {
    const auto value = static_cast<std::int64_t>(
        (raw >> m.shift) & (m.width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << m.width) - 1));
    if (m.slot) slots_[m.slot.index()] = value;
    if (m.from == value_source::constant && value != m.constant) {
      error_ = {p_.names[m.name].text, from, fmt::format("expected {}, found {}", m.constant, value)};
      return false;
    }
    if (m.hidden || in.hidden) continue;
    visitor_.key(p_.names[m.name]);
    if (m.boolean)
      visitor_.boolean(value != 0);
    else if (m.names)
      named(m.names, value);
    else
      visitor_.integer(value);
  }
  if (map) visitor_.end_object();
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::verify(const instruction& in, std::size_t from, std::uint64_t raw) {
  const checksum_rule& rule = p_.checksums[in.its<checksum_rule>()];
  const std::size_t begin = rule.over_rest ? pos_ : rule.from_mark ? marks_[rule.from_mark.index()] : region_;
  const std::size_t end = rule.over_rest ? end_ : rule.to_mark ? marks_[rule.to_mark.index()] : from;
  if (begin > end || end > data_.size()) return fail(in, from, "the checksum covers nothing");
  budget_.checksummed += end - begin;
  if (budget_.checksummed > 16 * (data_.size() + 4096))
    return fail(in, from, "the packet's checksums cover its bytes too often");
  std::optional<std::uint8_t> extra;
  if (rule.extra_expr) {
    const auto value = eval(rule.extra_expr);
    if (!value) return no_value(in, rule.extra_expr);
    extra = static_cast<std::uint8_t>(*value);
  }
  const std::uint32_t want = checksum(rule.kind, data_.subspan(begin, end - begin), extra);
  if (want != raw)
    return fail(
        in, from,
        fmt::format("checksum {:#x} expected over bytes {} to {}, found {:#x}", want, begin, end, raw));
  if (in.hidden) return true;
  announce(in);
  visitor_.natural(raw);
  return true;
}

}  // namespace
}  // namespace duplexd::protocol
