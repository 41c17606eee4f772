// Part of the unpacker: a packet whose end only its layout knows, and whose bytes may still be on their way.
// What has too few bytes is left as it is; `open_walk` has the place of each open block, and `resume` goes on
// there. Inside a region whose size is known all bytes are there, and the walk is the ordinary one.
#pragma once

#include "protocol/codec/unpack_walk.ipp"

namespace duplexd::protocol {
namespace {

// Whether this is a packet that may go on: then it needs so many bytes from `pos_` on.
template <class Visitor>
inline bool unpacker<Visitor>::wants_more(std::uint64_t need) {
  if constexpr (Visitor::measures) {
    if (!is_open()) return false;
    constexpr std::uint64_t top = std::numeric_limits<std::size_t>::max();
    open_.need = static_cast<std::size_t>(need > top - pos_ ? top : pos_ + need);
    open_.searched = end_;
    open_.more = true;
    return true;
  }
  return false;
}

// A constant text is wrong from its first wrong byte on, also while it is not complete: it may be what tells
// commands apart.
template <class Visitor>
inline bool unpacker<Visitor>::may_begin(const instruction& in) {
  if (in.from != value_source::constant || in.what == content::pascal) return true;
  const std::string& want = p_.texts[in.text];
  const std::size_t there = std::min(want.size(), end_ - pos_);
  const std::string_view found(reinterpret_cast<const char*>(data_.data() + pos_), there);
  if (found == std::string_view(want).substr(0, there)) return true;
  const std::size_t from = pos_;
  pos_ += there;
  return same_text(in, from, found);
}

template <class Visitor>
inline bool unpacker<Visitor>::open_block(std::int32_t pc, std::int32_t end) {
  const std::size_t level = open_.level++;
  if (level < open_.path.size())
    pc = open_.path[level].pc;
  else
    open_.path.push_back({pc});
  while (pc < end) {
    const bool resumed = open_.path.size() > level + 1 || open_.path[level].begun;
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    if (!resumed) {
      open_.resume_at = pos_;
      if (in.begin_mark) marks_[in.begin_mark.index()] = pos_;
    }
    if (!execute(in, pc)) return false;
    if (in.end_mark) marks_[in.end_mark.index()] = pos_;
    pc = in.next;
    open_.path.resize(level + 1);
    open_.path[level] = {pc};
  }
  open_.path.resize(level);
  open_.level = level;
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::open_region(const instruction& in, std::int32_t pc) {
  if (p_.extents[in.size].what == extent::kind::rest) return block(pc + 1, in.next);  // the packet itself
  std::size_t size = 0;
  if (!measure_bytes(in, in.size, size)) return false;
  const std::size_t outer_end = end_;
  const std::size_t outer_region = region_;
  const std::size_t outer_farthest = std::exchange(farthest_, 0);
  region_ = pos_;
  end_ = pos_ + size;
  ++open_.closed;
  if (!block(pc + 1, in.next) || !leftover(in)) return false;
  --open_.closed;
  pos_ = end_;
  end_ = outer_end;
  region_ = outer_region;
  farthest_ = outer_farthest;
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::open_array(const instruction& in, std::int32_t pc) {
  const std::size_t place = open_.level - 1;
  if (!open_.path[place].begun) {
    std::uint64_t count = 0;
    if (!count_of(in, count)) return false;
    open_.path[place].count = count;
    open_.path[place].begun = true;
  }
  for (; open_.path[place].index < open_.path[place].count; ++open_.path[place].index) {
    const bool resumed = open_.path.size() > open_.level;
    if (!resumed && budget_.elements++ >= p_.limits.elements)
      return fail(in, pos_,
                  fmt::format("more elements than the limit of {} in a packet", p_.limits.elements));
    if (!block(pc + 1, in.next)) return under_index(in, static_cast<std::size_t>(open_.path[place].index));
  }
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::open_list(const instruction& in, std::int32_t pc) {
  const std::string& end = p_.texts[p_.extents[in.count].end];
  const std::size_t place = open_.level - 1;
  open_.path[place].begun = true;
  for (;; ++open_.path[place].index) {
    if (open_.path.size() == open_.level) {
      const std::size_t there = std::min(end.size(), end_ - pos_);
      const std::string_view front(reinterpret_cast<const char*>(data_.data() + pos_), there);
      open_.resume_at = pos_;
      if (front == end) break;
      if (end.starts_with(front)) return wants_more(there + 1), false;
      if (budget_.elements++ >= p_.limits.elements)
        return fail(in, pos_,
                    fmt::format("more elements than the limit of {} in a packet", p_.limits.elements));
    }
    const std::size_t before = pos_;
    if (!block(pc + 1, in.next)) return under_index(in, static_cast<std::size_t>(open_.path[place].index));
    if (pos_ == before) return fail(in, pos_, "an element takes no bytes, so the list has no end");
  }
  pos_ += end.size();
  return true;
}

}  // namespace
}  // namespace duplexd::protocol
