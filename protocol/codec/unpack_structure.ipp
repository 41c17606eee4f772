// Part of the unpacker: maps, lists, regions and cases.
#pragma once

#include "protocol/codec/unpack_walk.ipp"
#include "protocol/text/printable.hpp"

namespace duplexd::protocol {
namespace {

template <class Visitor>
inline bool unpacker<Visitor>::object(const instruction& in, std::int32_t pc) {
  if (!in.hidden) {
    announce_container(in);
    in.positional ? visitor_.begin_array() : visitor_.begin_object();
  }
  if (!under(in, block(pc + 1, in.next))) return false;
  if (!in.hidden) in.positional ? visitor_.end_array() : visitor_.end_object();
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::count_of(const instruction& in, std::uint64_t& count) {
  if (!measure(in, in.count, count)) return false;
  const std::size_t room = p_.limits.elements - budget_.elements;
  return count <= room ||
         fail(in, pos_,
              fmt::format("{} elements exceed the limit of {} in a packet", count, p_.limits.elements));
}

template <class Visitor>
inline bool unpacker<Visitor>::array(const instruction& in, std::int32_t pc) {
  if constexpr (Visitor::measures)
    if (is_open()) return open_array(in, pc);
  const bool to_end = p_.extents[in.count].what == extent::kind::rest;
  std::uint64_t count = int64_max;
  if (!to_end && !count_of(in, count)) return false;
  announce_container(in);
  visitor_.begin_array();
  for (std::uint64_t i = 0; to_end ? pos_ < end_ : i < count; ++i) {
    if (budget_.elements++ >= p_.limits.elements)
      return fail(in, pos_,
                  fmt::format("more elements than the limit of {} in a packet", p_.limits.elements));
    const std::size_t before = pos_;
    visitor_.element();
    if (!block(pc + 1, in.next)) return under_index(in, static_cast<std::size_t>(i));
    if (to_end && pos_ == before) return fail(in, pos_, "an element takes no bytes, so the list has no end");
  }
  visitor_.end_array();
  return true;
}

// Elements up to the bytes that end them.
template <class Visitor>
inline bool unpacker<Visitor>::list(const instruction& in, std::int32_t pc) {
  if constexpr (Visitor::measures)
    if (is_open()) return open_list(in, pc);
  const std::string& end = p_.texts[p_.extents[in.count].end];
  const auto ends_here = [&] {
    return end_ - pos_ >= end.size() &&
           std::equal(end.begin(), end.end(), data_.begin() + static_cast<std::ptrdiff_t>(pos_),
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  };
  announce_container(in);
  visitor_.begin_array();
  for (std::size_t i = 0; !ends_here(); ++i) {
    if (pos_ == end_) return fail(in, pos_, fmt::format("no \"{}\" ends the list", one_line(end)));
    if (budget_.elements++ >= p_.limits.elements)
      return fail(in, pos_,
                  fmt::format("more elements than the limit of {} in a packet", p_.limits.elements));
    const std::size_t before = pos_;
    visitor_.element();
    if (!block(pc + 1, in.next)) return under_index(in, i);
    if (pos_ == before) return fail(in, pos_, "an element takes no bytes, so the list has no end");
  }
  pos_ += end.size();
  visitor_.end_array();
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::nullable(const instruction& in, std::int32_t pc) {
  if (slots_[p_.extents[in.size].slot.index()] != in.constant) return block(pc + 1, in.next);
  place(pos_, in);
  if (in.hidden) return true;
  announce(in);
  visitor_.null();
  return true;
}

// The walk goes on behind the field, wherever the value is. What is taken more than once, because offsets
// lead to the same place, is bounded as what comes out of compression is.
template <class Visitor>
bool unpacker<Visitor>::placed(const instruction& in, std::int32_t pc) {
  std::uint64_t offset = 0;
  if (!measure(in, in.size, offset)) return false;
  if (in.none && slots_[p_.extents[in.size].slot.index()] == *in.none) {
    if (in.hidden) return true;
    announce(in);
    visitor_.null();
    return true;
  }
  if (offset > end_ - region_)
    return fail(in, pos_,
                fmt::format("its offset is {}, behind the {} bytes there are", offset, end_ - region_));
  const std::size_t outer_pos = pos_;
  const std::size_t outer_region = region_;
  const std::size_t outer_farthest = std::exchange(farthest_, 0);
  region_ = pos_ = region_ + static_cast<std::size_t>(offset);
  if (!block(pc + 1, in.next)) return false;
  const std::size_t end = std::max(pos_, farthest_);
  budget_.inflated += end - region_;
  if (budget_.inflated > p_.limits.inflated)
    return fail(in, region_, "what offsets lead to exceeds the limit of decompressed bytes");
  pos_ = outer_pos;
  region_ = outer_region;
  farthest_ = std::max(outer_farthest, end);
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::region(const instruction& in, std::int32_t pc) {
  if constexpr (Visitor::measures)
    if (is_open()) return open_region(in, pc);
  std::size_t size = 0;
  if (!measure_bytes(in, in.size, size)) return false;
  const std::size_t outer_end = end_;
  const std::size_t outer_region = region_;
  const std::size_t outer_farthest = std::exchange(farthest_, 0);
  region_ = pos_;
  end_ = pos_ + size;
  if (!block(pc + 1, in.next) || !leftover(in)) return false;
  pos_ = end_;
  end_ = outer_end;
  region_ = outer_region;
  farthest_ = outer_farthest;
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::leftover(const instruction& in) {
  return pos_ == end_ || in.left == trailing::drop || left_over(in);
}

template <class Visitor>
bool unpacker<Visitor>::left_over(const instruction& in) {
  pos_ = std::max(pos_, farthest_);
  if (pos_ == end_) return true;
  if (in.left == trailing::keep) {
    announce(in);
    visitor_.hex(data_.subspan(pos_, end_ - pos_));
    return true;
  }
  error_ = {"", pos_,
            fmt::format("expected the end, found {} more byte{}", end_ - pos_, end_ - pos_ == 1 ? "" : "s")};
  return false;
}

template <class Visitor>
inline bool unpacker<Visitor>::choose(const instruction& in, std::int32_t) {
  const choice_rule& rule = p_.choices[in.its<choice_rule>()];
  std::int64_t value = 0;
  if (rule.key_slot) {
    value = slots_[rule.key_slot.index()];
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
  for (const choice_case& c : rule.cases) labels += fmt::format("{}{}", labels.empty() ? "" : ", ", c.label);
  error_ = {"", pos_,
            fmt::format("{} is {}, and there is no such case; known: {}", p_.expressions[in.expr].text, value,
                        labels)};
  return false;
}

template <class Visitor>
inline bool unpacker<Visitor>::require(const instruction& in) {
  const auto value = eval(in.expr);
  if (!value) return no_value(in, in.expr);
  if (*value != 0) return true;
  error_ = {"", pos_, fmt::format("'{}' does not hold", p_.expressions[in.expr].text)};
  return false;
}

template <class Visitor>
inline bool unpacker<Visitor>::view(const instruction& in) {
  const auto value = eval(in.expr);
  if (!value) return no_value(in, in.expr);
  const view_rule& rule = p_.views[in.its<view_rule>()];
  const view_value* shown = nullptr;
  if (rule.mapped) {
    for (const auto& [number, result] : rule.map)
      if (number == *value) shown = &result;
    if (shown == nullptr && rule.otherwise) shown = &*rule.otherwise;
    if (shown == nullptr)
      return fail(in, pos_,
                  fmt::format("{} is {}, which its map does not have", p_.expressions[in.expr].text, *value));
  }
  const std::int64_t number = shown != nullptr ? shown->number : *value;
  if (in.slot) slots_[in.slot.index()] = number;
  if (in.hidden) return true;
  announce(in);
  if (shown != nullptr && shown->what == view_value::kind::text)
    visitor_.text(shown->text);
  else
    visitor_.integer(number);
  return true;
}

}  // namespace
}  // namespace duplexd::protocol
