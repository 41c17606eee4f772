#include "protocol/codec/unpacker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <type_traits>

#include "protocol/codec/checksum.hpp"
#include "protocol/codec/compression.hpp"
#include "protocol/codec/framing.hpp"
#include "protocol/codec/packed_value.hpp"
#include "protocol/codec/value_visitor.hpp"

namespace duplexd::protocol {

void prefix_path(codec_error& error, std::string_view name) {
  if (name.empty()) return;
  const bool dot = !error.field.empty() && error.field.front() != '[';
  error.field = fmt::format("{}{}{}", name, dot ? "." : "", error.field);
}

namespace {

constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

/// Empty room for one text on its way to the visitor. The thread's unpackers share it, so that none has to
/// allocate.
std::string& shared_scratch() {
  constexpr std::size_t kept = 64 * 1024;
  thread_local std::string text;
  if (text.capacity() > kept) text = std::string();
  text.clear();
  return text;
}

/// Walks a program over one packet. A place is an offset into `data_`, which is the packet, or within
/// `nested` the bytes that came out of it.
template <class Visitor>
class unpacker {
 public:
  unpacker(const program& layout, bytes_view packet, Visitor& visitor, unpack_budget& budget,
           codec_error& error)
      : p_(layout), data_(packet), visitor_(visitor), budget_(budget), error_(error), end_(packet.size()) {}

  bool run(const routine& what) { return block(what.begin, what.end); }

 private:
  // ---- errors
  bool fail(const instruction& in, std::size_t offset, std::string message) {
    error_.field = in.name >= 0 ? p_.names[static_cast<std::size_t>(in.name)].text : std::string();
    error_.offset = offset;
    error_.message = std::move(message);
    return false;
  }
  bool short_of(const instruction& in, std::uint64_t need) {
    return fail(in, pos_,
                fmt::format("expected {} byte{}, found {}", need, need == 1 ? "" : "s", end_ - pos_));
  }
  bool under(const instruction& in, bool ok) {
    if (!ok && in.name >= 0) prefix_path(error_, p_.names[static_cast<std::size_t>(in.name)].text);
    return ok;
  }
  bool under_index(const instruction& in, std::size_t index) {
    prefix_path(error_, fmt::format("[{}]", index));
    return under(in, false);
  }

  // ---- helpers
  void announce(const instruction& in) {
    if (in.name >= 0 && !in.positional) visitor_.key(p_.names[static_cast<std::size_t>(in.name)]);
    if (in.positional) visitor_.element();
  }
  void place(std::size_t begin, const instruction& in) {
    if constexpr (Visitor::wants_places) visitor_.place(data_, begin, pos_, in);
  }
  void keep(const instruction& in, std::int64_t value) {
    if (in.slot >= 0) slots_[static_cast<std::size_t>(in.slot)] = value;
  }
  std::optional<std::int64_t> eval(std::int32_t expr) {
    const auto size = static_cast<std::int64_t>(end_ - region_);
    return evaluate(
        p_.expressions[static_cast<std::size_t>(expr)],
        {slots_, size, static_cast<std::int64_t>(data_.size()), static_cast<std::int64_t>(end_ - pos_)});
  }
  bool no_value(const instruction& in, std::int32_t expr) {
    return fail(in, pos_,
                fmt::format("'{}' has no value here: it overflows or divides by zero",
                            p_.expressions[static_cast<std::size_t>(expr)].text));
  }

  // The number that an extent stands for; what is left of the region for `rest`.
  bool measure(const instruction& in, std::int32_t index, std::uint64_t& out) {
    const extent& e = p_.extents[static_cast<std::size_t>(index)];
    if (e.what == extent::kind::rest) {
      out = end_ - pos_;
      return true;
    }
    if (e.what == extent::kind::fixed) {
      out = static_cast<std::uint64_t>(e.value);
      return true;
    }
    std::int64_t value = 0;
    if (e.what == extent::kind::linear && e.expr < 0) {
      value = slots_[static_cast<std::size_t>(e.slot)];
    } else {
      const auto result = eval(e.expr);
      if (!result) return no_value(in, e.expr);
      value = *result;
    }
    if (value < 0) return fail(in, pos_, fmt::format("its size or count would be {}", value));
    out = static_cast<std::uint64_t>(value);
    return true;
  }
  bool measure_bytes(const instruction& in, std::int32_t index, std::size_t& out) {
    std::uint64_t size = 0;
    if (!measure(in, index, size)) return false;
    if (size > end_ - pos_) return short_of(in, size);
    out = static_cast<std::size_t>(size);
    return true;
  }

  // ---- the walk
  bool block(std::int32_t pc, std::int32_t end) {
    while (pc < end) {
      const instruction& in = p_.code[static_cast<std::size_t>(pc)];
      if (in.simple && in.begin_mark < 0 && in.end_mark < 0) {
        if (!simple(in)) return false;
        ++pc;
        continue;
      }
      if (in.begin_mark >= 0) marks_[static_cast<std::size_t>(in.begin_mark)] = pos_;
      if (!execute(in, pc)) return false;
      if (in.end_mark >= 0) marks_[static_cast<std::size_t>(in.end_mark)] = pos_;
      pc = in.next;
    }
    return true;
  }

  bool execute(const instruction& in, std::int32_t pc) {
    switch (in.code) {
      case op::number:
        return number(in);
      case op::blob:
        return blob(in);
      case op::zero_text:
        return zero_text(in);
      case op::pad:
        return skip(in, static_cast<std::size_t>(in.constant));
      case op::align: {
        const std::size_t past = (pos_ - region_) % static_cast<std::size_t>(in.constant);
        return past == 0 || skip(in, static_cast<std::size_t>(in.constant) - past);
      }
      case op::object:
        return object(in, pc);
      case op::array:
        return array(in, pc);
      case op::region:
        return region(in, pc);
      case op::choose:
        return choose(in, pc);
      case op::require:
        return require(in);
      case op::view:
        return view(in);
      case op::nested:
        return nested(in, pc);
      case op::frames:
        return frames(in);
    }
    return false;
  }

  bool skip(const instruction& in, std::size_t count) {
    if (end_ - pos_ < count) return short_of(in, count);
    const std::size_t from = pos_;
    pos_ += count;
    place(from, in);
    return true;
  }

  // ---- numbers
  bool varint(const instruction& in, std::uint64_t& raw) {
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

  bool simple(const instruction& in) {
    const unsigned width = width_of(in.type);
    if (end_ - pos_ < width) return short_of(in, width);
    const std::uint64_t raw = load(data_.data() + pos_, width, in.big);
    const std::size_t from = pos_;
    pos_ += width;
    place(from, in);
    const bool has_sign = is_signed(in.type);
    const std::int64_t value = has_sign ? sign_extend(raw, width) : static_cast<std::int64_t>(raw);
    visitor_.key(p_.names[static_cast<std::size_t>(in.name)]);
    if (in.as == form::scaled)
      visitor_.decimal(has_sign ? static_cast<int128>(value) : static_cast<int128>(raw),
                       p_.scales[static_cast<std::size_t>(in.side)].all_places);
    else if (has_sign)
      visitor_.integer(value);
    else
      visitor_.natural(raw);
    return true;
  }

  bool number(const instruction& in) {
    const std::size_t from = pos_;
    const unsigned width = width_of(in.type);
    std::uint64_t raw = 0;
    if (width != 0) {
      if (end_ - pos_ < width) return short_of(in, width);
      raw = load(data_.data() + pos_, width, in.big);
      pos_ += width;
    } else if (!varint(in, raw)) {
      return false;
    }
    place(from, in);
    if (is_float(in.type)) return real(in, from, raw);
    std::int64_t value = 0;
    if (in.type == number_type::zigzag)
      value = static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
    else if (is_signed(in.type))
      value = sign_extend(raw, width);
    else if (in.type == number_type::boolean)
      value = raw != 0 ? 1 : 0;
    else
      value = raw > static_cast<std::uint64_t>(int64_max) ? int64_max : static_cast<std::int64_t>(raw);
    keep(in, value);
    if (in.from != value_source::given && !check(in, from, value)) return false;
    if (in.as == form::bits || in.as == form::checksum) return special(in, from, raw);
    if (in.strict && !is_named(in.side, value))
      return fail(in, from, fmt::format("{} is not one of its names", value));
    if (in.hidden) return true;
    announce(in);
    return show(in, value, raw);
  }

  bool check(const instruction& in, std::size_t from, std::int64_t value) {
    std::int64_t want = in.constant;
    if (in.from == value_source::computed) {
      const auto result = eval(in.expr);
      if (!result) return no_value(in, in.expr);
      want = *result;
    } else if (in.from != value_source::constant) {
      return true;
    }
    if (value == want) return true;
    const std::string why = in.from == value_source::computed
                                ? fmt::format(" ({})", p_.expressions[static_cast<std::size_t>(in.expr)].text)
                                : "";
    return fail(in, from, fmt::format("expected {}{}, found {}", want, why, value));
  }

  bool real(const instruction& in, std::size_t from, std::uint64_t raw) {
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
    const scale_rule& rule = p_.scales[static_cast<std::size_t>(in.side)];
    if (!divisor_of(in, rule, divisor)) return false;
    double result = value * static_cast<double>(rule.factor) / static_cast<double>(divisor);
    for (unsigned i = 0; i < rule.places; ++i) result /= 10;
    visitor_.real(result);
    return true;
  }

  bool divisor_of(const instruction& in, const scale_rule& rule, std::int64_t& divisor) {
    divisor = rule.divisor;
    if (rule.divisor_expr < 0) return true;
    const auto more = eval(rule.divisor_expr);
    if (!more || *more == 0 || __builtin_mul_overflow(divisor, *more, &divisor))
      return no_value(in, rule.divisor_expr);
    return true;
  }

  bool scaled(const instruction& in, int128 value) {
    const scale_rule& rule = p_.scales[static_cast<std::size_t>(in.side)];
    std::int64_t divisor = 1;
    if (!divisor_of(in, rule, divisor)) return false;
    value *= rule.factor;
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

  bool show(const instruction& in, std::int64_t value, std::uint64_t raw) {
    if (in.none && *in.none == value) {
      visitor_.null();
      return true;
    }
    switch (in.as) {
      case form::plain:
        if (in.type == number_type::u64 || in.type == number_type::varint)
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
        if (append_time(text, value, p_.times[static_cast<std::size_t>(in.side)]))
          visitor_.text(text);
        else
          visitor_.integer(value);
        return true;
      }
      case form::names:
        named(in.side, value);
        return true;
      default:
        flags(in, raw);
        return true;
    }
  }

  [[nodiscard]] bool is_named(std::int32_t table, std::int64_t value) const {
    for (const auto& [number, name] : p_.enums[static_cast<std::size_t>(table)].names)
      if (number == value) return true;
    return false;
  }

  void named(std::int32_t table, std::int64_t value) {
    for (const auto& [number, name] : p_.enums[static_cast<std::size_t>(table)].names)
      if (number == value) return visitor_.text(name);
    visitor_.integer(value);
  }

  void flags(const instruction& in, std::uint64_t raw) {
    visitor_.begin_array();
    for (const auto& [bit, name] : p_.enums[static_cast<std::size_t>(in.side)].names) {
      const std::uint64_t mask = std::uint64_t{1} << bit;
      if ((raw & mask) == 0) continue;
      raw &= ~mask;
      visitor_.element();
      visitor_.text(name);
    }
    for (; raw != 0; raw &= raw - 1) {
      visitor_.element();
      visitor_.natural(raw & -raw);
    }
    visitor_.end_array();
  }

  bool special(const instruction& in, std::size_t from, std::uint64_t raw) {
    return in.as == form::bits ? under(in, bits(in, from, raw)) : verify(in, from, raw);
  }

  bool bits(const instruction& in, std::size_t from, std::uint64_t raw) {
    const bits_rule& rule = p_.bits[static_cast<std::size_t>(in.side)];
    const bool map = !rule.spliced && !in.hidden;
    if (map) {
      announce(in);
      visitor_.begin_object();
    }
    for (const bit_member& m : rule.members) {
      const auto value = static_cast<std::int64_t>(
          (raw >> m.shift) & (m.width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << m.width) - 1));
      if (m.slot >= 0) slots_[static_cast<std::size_t>(m.slot)] = value;
      if (m.from == value_source::constant && value != m.constant) {
        error_ = {p_.names[static_cast<std::size_t>(m.name)].text, from,
                  fmt::format("expected {}, found {}", m.constant, value)};
        return false;
      }
      if (m.hidden || in.hidden) continue;
      visitor_.key(p_.names[static_cast<std::size_t>(m.name)]);
      if (m.boolean)
        visitor_.boolean(value != 0);
      else if (m.names >= 0)
        named(m.names, value);
      else
        visitor_.integer(value);
    }
    if (map) visitor_.end_object();
    return true;
  }

  bool verify(const instruction& in, std::size_t from, std::uint64_t raw) {
    const checksum_rule& rule = p_.checksums[static_cast<std::size_t>(in.side)];
    const std::size_t begin = rule.over_rest        ? pos_
                              : rule.from_mark >= 0 ? marks_[static_cast<std::size_t>(rule.from_mark)]
                                                    : region_;
    const std::size_t end = rule.over_rest      ? end_
                            : rule.to_mark >= 0 ? marks_[static_cast<std::size_t>(rule.to_mark)]
                                                : from;
    if (begin > end || end > data_.size()) return fail(in, from, "the checksum covers nothing");
    budget_.checksummed += end - begin;
    if (budget_.checksummed > 16 * (data_.size() + 4096))
      return fail(in, from, "the packet's checksums cover its bytes too often");
    std::optional<std::uint8_t> extra;
    if (rule.extra_expr >= 0) {
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

  // ---- texts and bytes
  bool blob(const instruction& in) {
    std::size_t size = 0;
    const std::size_t from = pos_;
    if (!measure_bytes(in, in.size, size)) return false;
    bytes_view bytes = data_.subspan(pos_, size);
    pos_ += size;
    place(from, in);
    if (in.what == content::padded_text)
      while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
    if (in.what == content::pascal && !bytes.empty())
      bytes = bytes.subspan(1, std::min<std::size_t>(bytes[0], bytes.size() - 1));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (in.from == value_source::constant && !same_text(in, from, text)) return false;
    switch (in.what) {
      case content::bytes:
      case content::base64:
        if (in.hidden) return true;
        announce(in);
        in.what == content::bytes ? visitor_.hex(bytes) : visitor_.base64(bytes);
        return true;
      case content::json:
        return json(in, from, text);
      case content::cbor:
      case content::msgpack:
        return packed_value(in, from, bytes);
      default:
        return plain_text(in, from, text);
    }
  }

  bool same_text(const instruction& in, std::size_t from, std::string_view found) {
    const std::string& want = p_.texts[static_cast<std::size_t>(in.text)];
    if (found == want) return true;
    std::string shown;
    append_hex(shown, data_.subspan(from, std::min<std::size_t>(pos_ - from, 32)));
    std::string wanted;
    append_hex(wanted,
               {reinterpret_cast<const std::uint8_t*>(want.data()), std::min<std::size_t>(want.size(), 32)});
    return fail(in, from, fmt::format("expected bytes {}, found {}", wanted, shown.empty() ? "none" : shown));
  }

  bool plain_text(const instruction& in, std::size_t from, std::string_view text) {
    const std::size_t bad = find_bad_utf8(text);
    if (bad != text.size()) return fail(in, from + bad, "not UTF-8 (a field of type bytes takes anything)");
    if (in.side >= 0) {
      const auto& allowed = p_.enums[static_cast<std::size_t>(in.side)].names;
      const auto same = [&](const auto& each) { return each.second == text; };
      if (std::none_of(allowed.begin(), allowed.end(), same))
        return fail(in, from, "a text that is not allowed here");
    }
    if (in.hidden) return true;
    announce(in);
    visitor_.text(text);
    return true;
  }

  bool json(const instruction& in, std::size_t from, std::string_view text) {
    const std::size_t depth = p_.limits.json_depth;
    std::optional<json_fault> fault;
    if (in.hidden || std::is_same_v<Visitor, null_visitor>) {
      fault = check_json(text, depth);
    } else if constexpr (std::is_same_v<Visitor, json_writer>) {
      announce(in);
      fault = visitor_.copy(text, depth);
    } else {
      std::string& checked = shared_scratch();
      fault = copy_json(text, checked, depth);
      if (!fault) announce(in);
      if (!fault) visitor_.json(checked);
    }
    return !fault || fail(in, from + fault->offset, fmt::format("not JSON: {}", fault->message));
  }

  bool packed_value(const instruction& in, std::size_t from, bytes_view bytes) {
    const bool is_cbor = in.what == content::cbor;
    std::string& found = shared_scratch();
    found.clear();
    const auto fault = read_packed(bytes, is_cbor ? packed_format::cbor : packed_format::msgpack,
                                   p_.limits.json_depth, found);
    if (fault)
      return fail(in, from + fault->offset,
                  fmt::format("not {}: {}", is_cbor ? "CBOR" : "MessagePack", fault->message));
    if (in.hidden) return true;
    announce(in);
    if constexpr (std::is_same_v<Visitor, json_writer>)
      visitor_.json(found);
    else if constexpr (!std::is_same_v<Visitor, null_visitor>)
      visit_json(nlohmann::ordered_json::parse(found, nullptr, false), visitor_);
    return true;
  }

  bool zero_text(const instruction& in) {
    const std::size_t from = pos_;
    std::size_t size = 0;
    if (!measure_bytes(in, in.size, size)) return false;
    const auto* begin = reinterpret_cast<const char*>(data_.data() + pos_);
    const std::string_view all(begin, size);
    const std::size_t length = all.find('\0');
    if (length == std::string_view::npos) return fail(in, from, "the text has no zero byte at its end");
    const bool fixed = p_.extents[static_cast<std::size_t>(in.size)].what != extent::kind::rest;
    pos_ += fixed ? size : length + 1;
    place(from, in);
    if (in.from == value_source::constant && !same_text(in, from, all.substr(0, length))) return false;
    return plain_text(in, from, all.substr(0, length));
  }

  // ---- structure
  bool object(const instruction& in, std::int32_t pc) {
    if (!in.hidden) {
      announce_container(in);
      in.positional ? visitor_.begin_array() : visitor_.begin_object();
    }
    if (!under(in, block(pc + 1, in.next))) return false;
    if (!in.hidden) in.positional ? visitor_.end_array() : visitor_.end_object();
    return true;
  }
  void announce_container(const instruction& in) {
    if (in.name >= 0) visitor_.key(p_.names[static_cast<std::size_t>(in.name)]);
  }

  bool array(const instruction& in, std::int32_t pc) {
    const bool to_end = p_.extents[static_cast<std::size_t>(in.count)].what == extent::kind::rest;
    std::uint64_t count = int64_max;
    if (!to_end && !measure(in, in.count, count)) return false;
    const std::size_t room = p_.limits.elements - budget_.elements;
    if (!to_end && count > room)
      return fail(in, pos_,
                  fmt::format("{} elements exceed the limit of {} in a packet", count, p_.limits.elements));
    announce_container(in);
    visitor_.begin_array();
    for (std::uint64_t i = 0; to_end ? pos_ < end_ : i < count; ++i) {
      if (budget_.elements++ >= p_.limits.elements)
        return fail(in, pos_,
                    fmt::format("more elements than the limit of {} in a packet", p_.limits.elements));
      const std::size_t before = pos_;
      visitor_.element();
      if (!block(pc + 1, in.next)) return under_index(in, static_cast<std::size_t>(i));
      if (to_end && pos_ == before)
        return fail(in, pos_, "an element takes no bytes, so the list has no end");
    }
    visitor_.end_array();
    return true;
  }
  bool region(const instruction& in, std::int32_t pc) {
    std::size_t size = 0;
    if (!measure_bytes(in, in.size, size)) return false;
    const std::size_t outer_end = end_;
    const std::size_t outer_region = region_;
    region_ = pos_;
    end_ = pos_ + size;
    if (!block(pc + 1, in.next) || !leftover(in)) return false;
    pos_ = end_;
    end_ = outer_end;
    region_ = outer_region;
    return true;
  }

  bool leftover(const instruction& in) {
    if (pos_ == end_ || in.left == trailing::drop) return true;
    if (in.left == trailing::keep) {
      announce(in);
      visitor_.hex(data_.subspan(pos_, end_ - pos_));
      return true;
    }
    error_ = {
        "", pos_,
        fmt::format("expected the end, found {} more byte{}", end_ - pos_, end_ - pos_ == 1 ? "" : "s")};
    return false;
  }

  bool choose(const instruction& in, std::int32_t) {
    const choice_rule& rule = p_.choices[static_cast<std::size_t>(in.side)];
    std::int64_t value = 0;
    if (rule.key_slot >= 0) {
      value = slots_[static_cast<std::size_t>(rule.key_slot)];
    } else {
      const auto result = eval(in.expr);
      if (!result) return no_value(in, in.expr);
      value = *result;
    }
    if (rule.is_if) value = value != 0 ? 1 : 0;
    for (const choice_case& c : rule.cases)
      if (c.label == value) return block(c.begin, c.end);
    if (rule.has_otherwise) return block(rule.otherwise.begin, rule.otherwise.end);
    std::string labels;
    for (const choice_case& c : rule.cases)
      labels += fmt::format("{}{}", labels.empty() ? "" : ", ", c.label);
    error_ = {"", pos_,
              fmt::format("{} is {}, and there is no such case; known: {}",
                          p_.expressions[static_cast<std::size_t>(in.expr)].text, value, labels)};
    return false;
  }

  bool require(const instruction& in) {
    const auto value = eval(in.expr);
    if (!value) return no_value(in, in.expr);
    if (*value != 0) return true;
    error_ = {"", pos_,
              fmt::format("'{}' does not hold", p_.expressions[static_cast<std::size_t>(in.expr)].text)};
    return false;
  }

  bool view(const instruction& in) {
    const auto value = eval(in.expr);
    if (!value) return no_value(in, in.expr);
    const view_rule& rule = p_.views[static_cast<std::size_t>(in.side)];
    const view_value* shown = nullptr;
    if (rule.mapped) {
      for (const auto& [number, result] : rule.map)
        if (number == *value) shown = &result;
      if (shown == nullptr && rule.otherwise) shown = &*rule.otherwise;
      if (shown == nullptr)
        return fail(in, pos_,
                    fmt::format("{} is {}, which its map does not have",
                                p_.expressions[static_cast<std::size_t>(in.expr)].text, *value));
    }
    const std::int64_t number = shown != nullptr ? shown->number : *value;
    if (in.slot >= 0) slots_[static_cast<std::size_t>(in.slot)] = number;
    if (in.hidden) return true;
    announce(in);
    if (shown != nullptr && shown->what == view_value::kind::text)
      visitor_.text(shown->text);
    else
      visitor_.integer(number);
    return true;
  }

  // ---- packets within packets
  bool nested(const instruction& in, std::int32_t pc) {
    const transform_rule& rule = p_.transforms[static_cast<std::size_t>(in.side)];
    const std::size_t from = pos_;
    const bytes_view raw = data_.subspan(pos_, end_ - pos_);
    pos_ = end_;
    place(from, in);
    if (++budget_.depth > p_.limits.nesting)
      return fail(in, from, fmt::format("nested more than {} deep", p_.limits.nesting));
    std::vector<std::uint8_t> bytes;
    if (rule.kind == transform_kind::fill) {
      bytes.assign(raw.begin(), raw.end());
      if (bytes.size() < static_cast<std::size_t>(rule.fill))
        bytes.resize(static_cast<std::size_t>(rule.fill));
    } else if (std::string why = decompress(rule.kind, raw, p_.limits.inflated - budget_.inflated, bytes);
               !why.empty()) {
      return fail(in, from, std::move(why));
    }
    budget_.inflated += bytes.size();
    if (budget_.inflated > p_.limits.inflated)
      return fail(in, from, "the decompressed bytes exceed the limit");
    const bytes_view outer = data_;
    const std::size_t outer_end = end_;
    const std::size_t outer_region = region_;
    data_ = bytes;
    pos_ = region_ = 0;
    end_ = bytes.size();
    const bool ok = block(pc + 1, in.next) && leftover(in);
    data_ = outer;
    pos_ = end_ = outer_end;
    region_ = outer_region;
    --budget_.depth;
    if (!ok && rule.kind != transform_kind::fill) inside(from);
    if (!ok && rule.kind == transform_kind::fill) error_.offset = std::min(from + error_.offset, outer_end);
    return ok;
  }
  void inside(std::size_t from) {
    error_.message = fmt::format("at byte {} of the decompressed bytes: {}", error_.offset, error_.message);
    error_.offset = from;
  }

  bool frames(const instruction& in) {
    const routine& what = p_.routines[static_cast<std::size_t>(in.side)];
    if (budget_.depth + 1 > p_.limits.nesting)
      return fail(in, pos_, fmt::format("nested more than {} deep", p_.limits.nesting));
    announce_container(in);
    visitor_.begin_array();
    for (std::size_t i = 0; pos_ < end_; ++i) {
      if (budget_.elements++ >= p_.limits.elements) return fail(in, pos_, "too many packets in a packet");
      std::size_t size = end_ - pos_;
      if (p_.framing) {
        const cut found = cut_packet(*p_.framing, data_.subspan(pos_, size));
        if (found.size == 0 || found.size > size)
          return fail(in, pos_,
                      found.error.empty() ? fmt::format("a packet of {} bytes, {} are left", found.size, size)
                                          : found.error);
        size = found.size;
      }
      visitor_.element();
      const std::size_t skip_length =
          p_.framing && p_.framing->strip ? length_width(*p_.framing, data_.subspan(pos_, size)) : 0;
      ++budget_.depth;
      unpacker inner(p_, data_.subspan(pos_ + skip_length, size - skip_length), visitor_, budget_, error_);
      const bool ok = inner.run(what);
      --budget_.depth;
      if (!ok) {
        error_.offset += pos_ + skip_length;
        return under_index(in, i);
      }
      pos_ += size;
    }
    visitor_.end_array();
    return true;
  }

  const program& p_;
  bytes_view data_;
  Visitor& visitor_;
  unpack_budget& budget_;
  codec_error& error_;
  std::size_t pos_ = 0;
  std::size_t end_;
  std::size_t region_ = 0;
  std::array<std::int64_t, slot_limit>
      slots_;  // each is written before it is read: the compiler sees to that
  std::array<std::size_t, slot_limit> marks_;
};

}  // namespace

template <class Visitor>
bool unpack(const program& layout, bytes_view packet, Visitor& visitor, codec_error& error) {
  unpack_budget budget;
  unpacker<Visitor> walk(layout, packet, visitor, budget, error);
  return walk.run(layout.routines.front());
}

template bool unpack(const program&, bytes_view, json_writer&, codec_error&);
template bool unpack(const program&, bytes_view, null_visitor&, codec_error&);
template bool unpack(const program&, bytes_view, value_visitor&, codec_error&);

}  // namespace duplexd::protocol
