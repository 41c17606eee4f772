// Part of the packer: packets within packets.
#pragma once

#include "protocol/codec/compression.hpp"
#include "protocol/codec/framing.hpp"
#include "protocol/codec/pack_walk.ipp"

namespace duplexd::protocol {
namespace {

inline bool packer::nested(const instruction& in, std::int32_t pc) {
  const transform_rule& rule = p_.transforms[in.its<transform_rule>()];
  const bool filled = rule.kind == transform_kind::fill;
  regions_.push_back(out_.size());
  const std::size_t outer_packet = std::exchange(packet_, out_.size());
  const std::size_t outer_level = std::exchange(packet_level_, regions_.size());
  if (!block(pc + 1, in.next) || !put_parked()) return false;
  if (filled && !fill_up(in, rule)) return false;
  if (!finish_region()) return false;
  const std::size_t begin = regions_.back();
  regions_.pop_back();
  packet_ = outer_packet;
  packet_level_ = outer_level;
  if (filled) {
    if (out_.size() - begin != static_cast<std::size_t>(rule.fill))
      return fail(in, "a varint in it grows when its size is filled in");
    while (out_.size() > begin + 1 && out_.back() == 0) out_.pop_back();
    return true;
  }
  const std::vector<std::uint8_t> plain(out_.begin() + static_cast<std::ptrdiff_t>(begin), out_.end());
  out_.resize(begin);
  return compress(rule.kind, plain, out_) || fail(in, "the bytes cannot be compressed");
}

// Sizes within count the zeros that unpacking restores.
inline bool packer::fill_up(const instruction& in, const transform_rule& rule) {
  const std::size_t size = out_.size() - regions_.back();
  const auto room = static_cast<std::size_t>(rule.fill);
  if (size > room)
    return fail(in, fmt::format("{} bytes, more than the {} that it is filled up to", size, room));
  out_.resize(out_.size() + room - size);
  return true;
}

inline bool packer::frames(const instruction& in) {
  const ordered_json* value = given(in);
  if (value == nullptr) return missing(in);
  if (!value->is_array()) return fail(in, fmt::format("expected a list, found {}", kind_of(*value)));
  if (depth_ + 1 > p_.limits.nesting)
    return fail(in, fmt::format("nested more than {} deep", p_.limits.nesting));
  for (std::size_t i = 0; i < value->size(); ++i) {
    const std::size_t begin = out_.size();
    packer inner(p_, out_, error_, depth_ + 1);
    bool ok = inner.run(p_.routines[in.its<routine>()], (*value)[i]);
    if (!ok) error_.offset += begin - base_;
    if (const char* why = ok && p_.framing ? close_packet(*p_.framing, out_, begin) : nullptr)
      ok = fail_named({}, why);
    if (ok) continue;
    prefix_path(error_, fmt::format("[{}]", i));
    return under(in, false);
  }
  return true;
}

}  // namespace
}  // namespace duplexd::protocol
