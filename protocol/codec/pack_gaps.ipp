// Part of the packer: what is known only later.
#pragma once

#include "protocol/codec/checksum.hpp"
#include "protocol/codec/framing.hpp"
#include "protocol/codec/number_from_json.hpp"
#include "protocol/codec/pack_walk.ipp"

namespace duplexd::protocol {
namespace {

inline void packer::make_room(std::size_t after, std::size_t count) {
  out_.insert(out_.begin() + static_cast<std::ptrdiff_t>(after), count, 0);
  const auto shift = [&](std::size_t& place) {
    if (place >= after) place += count;
  };
  for (gap& g : gaps_) shift(g.at);
  for (std::size_t i = 0; i < p_.slots; ++i) shift(marks_[i]);  // the others were never set
  for (std::size_t& begin : regions_) shift(begin);
  shift(packet_);
}

// The place of the field is where it is wrong, not where its value became known.
inline bool packer::in_place(const gap& g, bool ok) {
  if (!ok) error_.offset = g.at - base_;
  return ok;
}

inline bool packer::fill(gap& g, int128 value) {
  g.done = true;
  std::uint64_t raw = 0;
  if (g.member != nullptr) {
    if (value < 0 || value >= (int128{1} << g.member->width))
      return fail_named(g.member->name, fmt::format("a size or count of {} does not fit its {} bits",
                                                    static_cast<std::int64_t>(value), g.member->width));
    const unsigned width = width_of(g.in->type);
    raw = load(out_.data() + g.at, width, g.in->big) | static_cast<std::uint64_t>(value) << g.member->shift;
    store(out_.data() + g.at, raw, width, g.in->big);
    return true;
  }
  if (std::string why = number_from_integer(g.in->type, value, raw); !why.empty())
    return fail(*g.in, std::move(why));
  if (!is_variable(g.in->type)) {
    store(out_.data() + g.at, raw, width_of(g.in->type), g.in->big);
    return true;
  }
  if (!fits_variable(*g.in, raw)) return false;
  std::vector<std::uint8_t> bytes;
  std::size_t held = 1;
  if (is_digits(g.in->type)) {
    const std::string text = digits(*g.in, raw);
    bytes.assign(text.begin(), text.end());
    held = digits(*g.in, 0).size();
  } else {
    append_varint(bytes, raw);
  }
  const std::size_t at = g.at;
  make_room(at + held, bytes.size() - held);
  std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

inline std::optional<std::size_t> packer::newest_gap(slot_id slot) const {
  for (std::size_t i = gaps_.size(); i > 0; --i) {
    const gap& g = gaps_[i - 1];
    const slot_id its = g.member != nullptr ? g.member->slot : g.in != nullptr ? g.in->slot : slot_id();
    if (g.what == gap::kind::slot && !g.done && its == slot) return i - 1;
  }
  return std::nullopt;
}

// The field with this size or count turned out to have `actual`.
inline bool packer::settle(const instruction& in, extent_id index, std::size_t actual, const char* what) {
  const extent& e = p_.extents[index];
  const auto value = static_cast<std::int64_t>(actual);
  if (e.what == extent::kind::rest || e.what == extent::kind::until) return true;
  if (e.what == extent::kind::fixed) {
    if (value == e.value) return true;
    return fail(in, fmt::format("it takes exactly {} {}, found {}", e.value, what, value));
  }
  if (e.what == extent::kind::computed) {
    const auto want = needs(e.expr) ? std::nullopt : eval(e.expr);
    if (!want) return no_value(in, e.expr);
    if (*want == value) return true;
    return fail(in,
                fmt::format("'{}' says {} {}, found {}", p_.expressions[e.expr].text, *want, what, value));
  }
  const std::int64_t reduced = value - e.offset;
  if (reduced % e.factor != 0)
    return fail(in, fmt::format("{} {} are not a multiple of {}", value, what, e.factor));
  const std::int64_t wanted = reduced / e.factor;
  const slot_state state = known_[e.slot.index()];
  if (state == slot_state::given) return true;  // the command's own word
  if (state == slot_state::derived) {
    if (slots_[e.slot.index()] == wanted) return true;
    return fail(in, fmt::format("found {} {}, but another field with the same length has {}", value, what,
                                slots_[e.slot.index()] * e.factor + e.offset));
  }
  set_slot(e.slot, wanted, slot_state::derived);
  const auto found = newest_gap(e.slot);
  return !found || in_place(gaps_[*found], fill(gaps_[*found], wanted));
}

// The innermost region is complete: sizes first, from the back, then the checksums over them.
inline bool packer::finish_region() {
  const std::size_t level = regions_.size();
  for (std::size_t i = gaps_.size(); i > 0; --i) {
    gap& g = gaps_[i - 1];
    if (g.done || g.level != level) continue;
    if (g.what == gap::kind::slot)
      return in_place(g, fail_named(g.member != nullptr ? g.member->name : g.in->name,
                                    "nothing in this packet gives it a value, so the command must"));
    if (g.what == gap::kind::expr && !in_place(g, fill_expression(g))) return false;
    if (g.what == gap::kind::label && !in_place(g, check_label(g))) return false;
  }
  for (gap& g : gaps_)
    if (!g.done && g.level == level && g.what == gap::kind::checksum && !in_place(g, fill_checksum(g)))
      return false;
  while (!gaps_.empty() && gaps_.back().done) gaps_.pop_back();
  return true;
}

inline bool packer::fill_expression(gap& g) {
  // A varint that counts itself grows by being counted: settle it in a few rounds.
  std::size_t width = std::max(1u, width_of(g.in->type));
  for (int round = 0; round < 4; ++round) {
    const std::size_t extra = is_variable(g.in->type) ? width - 1 : 0;
    const std::size_t region = regions_.back();
    const auto& what = p_.expressions[g.in->expr];
    for (const expression_step& s : what.steps)
      if (s.what == expression_step::kind::slot &&
          known_[static_cast<std::size_t>(s.value)] == slot_state::unknown)
        return no_value(*g.in, g.in->expr);
    const auto value =
        evaluate(what, {slots_, static_cast<std::int64_t>(out_.size() + extra - region),
                        static_cast<std::int64_t>(out_.size() + extra - packet_),
                        static_cast<std::int64_t>(out_.size() - g.at - std::max(1u, width_of(g.in->type)))});
    if (!value) return no_value(*g.in, g.in->expr);
    std::vector<std::uint8_t> bytes;
    if (is_variable(g.in->type) && *value >= 0) append_varint(bytes, static_cast<std::uint64_t>(*value));
    if (!is_variable(g.in->type) || bytes.size() == width || round == 3) {
      set_slot(g.in->slot, *value, slot_state::derived);
      return fill(g, *value);
    }
    width = bytes.empty() ? 1 : bytes.size();
  }
  return true;
}

inline bool packer::check_label(gap& g) {
  g.done = true;
  const auto value = eval(g.in->expr, g.at);
  if (value && *value == g.label) return true;
  return fail_named({}, fmt::format("the case for {} = {} was packed, but it came out as {}",
                                    p_.expressions[g.in->expr].text, g.label, value.value_or(-1)));
}

inline bool packer::fill_checksum(gap& g) {
  g.done = true;
  const checksum_rule& rule = p_.checksums[g.in->its<checksum_rule>()];
  const std::size_t width = width_of(g.in->type);
  const std::size_t begin = rule.over_rest   ? g.at + width
                            : rule.from_mark ? marks_[rule.from_mark.index()]
                                             : regions_.back();
  const std::size_t end = rule.over_rest ? out_.size() : rule.to_mark ? marks_[rule.to_mark.index()] : g.at;
  if (begin > end || end > out_.size()) return fail(*g.in, "the checksum covers nothing");
  std::optional<std::uint8_t> extra;
  if (rule.extra_expr) {
    const auto value = eval(rule.extra_expr, out_.size());
    if (!value) return no_value(*g.in, rule.extra_expr);
    extra = static_cast<std::uint8_t>(*value);
  }
  const std::uint32_t value = checksum(rule.kind, bytes_view(out_).subspan(begin, end - begin), extra);
  store(out_.data() + g.at, value, static_cast<unsigned>(width), g.in->big);
  return true;
}

}  // namespace
}  // namespace duplexd::protocol
