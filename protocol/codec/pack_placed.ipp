// Part of the packer: values that are elsewhere in their region, at an offset that a field says.
#pragma once

#include "protocol/codec/pack_walk.ipp"

namespace duplexd::protocol {
namespace {

// It is packed in its turn, as if it stood here, and then moved away: its sizes belong to the fields before
// it.
inline bool packer::placed(const instruction& in, std::int32_t pc) {
  if (in.none && is_null(in)) {
    (void)given(in);
    const extent& e = p_.extents[in.size];
    if (!settle(in, in.size, static_cast<std::size_t>(*in.none * e.factor + e.offset), "bytes") ||
        !no_sizes(pc + 1, in.next))
      return false;
    return slots_[e.slot.index()] == *in.none ||
           fail(in, fmt::format("it is null, and its offset is not given as {}", *in.none));
  }
  regions_.push_back(out_.size());
  if (!block(pc + 1, in.next) || !put_parked() || !finish_region()) return false;
  const std::size_t begin = regions_.back();
  regions_.pop_back();
  std::vector<std::uint8_t> bytes(out_.begin() + static_cast<std::ptrdiff_t>(begin), out_.end());
  out_.resize(begin);
  return park(in, std::move(bytes));
}

// Sizes and counts that only this would have said are zero.
inline bool packer::no_sizes(std::int32_t pc, std::int32_t end) {
  for (; pc < end; ++pc) {
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    for (const extent_id each : {in.size, in.count}) {
      if (!each || p_.extents[each].what != extent::kind::linear) continue;
      const slot_id slot = p_.extents[each].slot;
      const bool is_open = known_[slot.index()] == slot_state::unknown;
      const auto open = is_open ? newest_gap(slot) : std::nullopt;
      if (!open) continue;
      set_slot(slot, 0, slot_state::derived);
      if (!in_place(gaps_[*open], fill(gaps_[*open], 0))) return false;
    }
  }
  return true;
}

inline bool packer::park(const instruction& in, std::vector<std::uint8_t> bytes) {
  const extent& e = p_.extents[in.size];
  parked made{&in, regions_.size(), std::move(bytes), std::nullopt, 0};
  const bool is_linear = e.what == extent::kind::linear;
  const auto open =
      is_linear && known_[e.slot.index()] == slot_state::unknown ? newest_gap(e.slot) : std::nullopt;
  if (open) {
    made.offset_gap = *open;
  } else if (e.what == extent::kind::fixed) {
    made.offset = e.value;
  } else if (is_linear && !e.expr) {
    if (known_[e.slot.index()] == slot_state::unknown)
      return fail(in, "nothing in this packet says its offset");
    made.offset = slots_[e.slot.index()];
  } else {
    made.offset = needs(e.expr) ? std::nullopt : eval(e.expr);
    if (!made.offset) return no_value(in, e.expr);
  }
  parked_.push_back(std::move(made));
  return true;
}

// The innermost region has everything else: what was moved away follows, in its order.
inline bool packer::put_parked() {
  const std::size_t level = regions_.size();
  std::size_t first = parked_.size();
  while (first > 0 && parked_[first - 1].level == level) --first;
  if (first == parked_.size()) return true;
  for (const gap& g : gaps_)
    if (!g.done && g.at >= regions_.back() && g.in != nullptr && g.in->code == op::number &&
        is_variable(g.in->type))
      return fail(*g.in, "it may grow when its value is known, and offsets count over it; give it");
  for (std::size_t i = first; i < parked_.size(); ++i)
    if (!put_at(parked_[i])) return false;
  parked_.resize(first);
  return true;
}

// Between what is there and an offset that is given, or of which only multiples can be said, are zeros.
inline bool packer::put_at(const parked& what) {
  const extent& e = p_.extents[what.in->size];
  const auto here = static_cast<std::int64_t>(out_.size() - regions_.back());
  std::int64_t offset = what.offset.value_or(std::max(here, e.offset));
  if (!what.offset && (offset - e.offset) % e.factor != 0)
    offset += e.factor - (offset - e.offset) % e.factor;
  if (offset < here)
    return fail(*what.in,
                fmt::format("it is to be at byte {}, and {} bytes are taken already", offset, here));
  if (offset > static_cast<std::int64_t>(p_.limits.packet))
    return fail(*what.in, fmt::format("it is to be at byte {}, beyond the limit of {} for a packet", offset,
                                      p_.limits.packet));
  out_.resize(regions_.back() + static_cast<std::size_t>(offset));
  out_.insert(out_.end(), what.bytes.begin(), what.bytes.end());
  if (what.offset) return true;
  gap& g = gaps_[what.offset_gap];
  if (g.done) return fail(*what.in, "another field is at the same offset");
  const std::int64_t number = (offset - e.offset) / e.factor;
  set_slot(e.slot, number, slot_state::derived);
  return in_place(g, fill(g, number));
}

}  // namespace
}  // namespace duplexd::protocol
