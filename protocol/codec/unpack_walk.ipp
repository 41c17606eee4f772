// The unpacker, for unpacker.cpp only: in one unit and without external names the compiler can inline all of
// it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "protocol/codec/checksum.hpp"
#include "protocol/codec/compression.hpp"
#include "protocol/codec/framing.hpp"
#include "protocol/codec/packed_value.hpp"
#include "protocol/codec/pairs.hpp"
#include "protocol/codec/unpacker.hpp"
#include "protocol/codec/value_visitor.hpp"

namespace duplexd::protocol {
namespace {

inline constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

/// Empty room for one text on its way to the visitor. The thread's unpackers share it, so that none has to
/// allocate.
inline std::string& shared_scratch() {
  constexpr std::size_t kept = 64 * 1024;
  thread_local std::string text;
  if (text.capacity() > kept) text = std::string();
  text.clear();
  return text;
}

/// What a measuring unpacker keeps until more bytes arrive, so that none is walked over twice.
struct open_walk {
  struct block_place {
    std::int32_t pc = 0;
    bool begun = false;       // a list or array: `index` and `count` hold
    std::uint64_t index = 0;  // the element that is being walked over
    std::uint64_t count = 0;
  };
  std::vector<block_place> path;  // of the blocks that are open
  std::size_t level = 0;          // blocks entered
  std::size_t closed = 0;         // regions around whose size is known
  std::size_t resume_at = 0;      // where the instruction begins that had too few bytes
  std::size_t searched = 0;       // up to here no end of a text was found
  std::size_t need = 0;           // bytes without which there is nothing to do
  bool more = false;
};

/// Walks a program over one packet. A place is an offset into `data_`, which is the packet, or within
/// `nested` the bytes that came out of it. The parts are in unpack_*.ipp.
template <class Visitor>
class unpacker {
 public:
  unpacker(const program& layout, bytes_view packet, Visitor& visitor, unpack_budget& budget,
           codec_error& error)
      : p_(layout), data_(packet), visitor_(visitor), budget_(budget), error_(error), end_(packet.size()) {}

  bool run(const routine& what) { return block(what.begin, what.end); }

  // Measuring: goes on where the bytes ended, now that there are more. `pos()` is the packet's end.
  bool resume(bytes_view packet) {
    data_ = packet;
    end_ = packet.size();
    pos_ = open_.resume_at;
    open_.level = 0;
    open_.more = false;
    error_ = {};
    return block(p_.routines.front().begin, p_.routines.front().end);
  }
  [[nodiscard]] std::size_t pos() const noexcept { return pos_; }
  [[nodiscard]] const open_walk& open() const noexcept { return open_; }

 private:
  // errors
  bool fail(const instruction& in, std::size_t offset, std::string message) {
    error_.field = in.name ? p_.names[in.name].text : std::string();
    error_.offset = offset;
    error_.message = std::move(message);
    return false;
  }
  bool short_of(const instruction& in, std::uint64_t need) {
    if (wants_more(need)) return false;
    return fail(in, pos_,
                fmt::format("expected {} byte{}, found {}", need, need == 1 ? "" : "s", end_ - pos_));
  }
  bool under(const instruction& in, bool ok) {
    if (!ok && in.name) prefix_path(error_, p_.names[in.name].text);
    return ok;
  }
  bool under_index(const instruction& in, std::size_t index) {
    prefix_path(error_, fmt::format("[{}]", index));
    return under(in, false);
  }

  // measuring a packet whose end is not known: unpack_open.ipp
  [[nodiscard]] bool is_open() const noexcept {
    if constexpr (Visitor::measures)
      return open_.closed == 0;
    else
      return false;
  }
  bool wants_more(std::uint64_t need);
  bool may_begin(const instruction& in);
  [[nodiscard]] std::size_t searched() const noexcept {
    if constexpr (Visitor::measures) return is_open() && open_.searched > pos_ ? open_.searched - pos_ : 0;
    return 0;
  }
  bool open_block(std::int32_t pc, std::int32_t end);
  bool open_region(const instruction& in, std::int32_t pc);
  bool open_array(const instruction& in, std::int32_t pc);
  bool open_list(const instruction& in, std::int32_t pc);
  bool count_of(const instruction& in, std::uint64_t& count);

  // helpers
  void announce(const instruction& in) {
    if (in.name && !in.positional) visitor_.key(p_.names[in.name]);
    if (in.positional) visitor_.element();
  }
  void place(std::size_t begin, const instruction& in) {
    if constexpr (Visitor::wants_places) visitor_.place(data_, begin, pos_, in);
  }
  void keep(const instruction& in, std::int64_t value) {
    if (in.slot) slots_[in.slot.index()] = value;
  }
  std::optional<std::int64_t> eval(expression_id expr) {
    const auto size = static_cast<std::int64_t>(end_ - region_);
    return evaluate(p_.expressions[expr], {slots_, size, static_cast<std::int64_t>(data_.size()),
                                           static_cast<std::int64_t>(end_ - pos_)});
  }
  bool no_value(const instruction& in, expression_id expr) {
    return fail(
        in, pos_,
        fmt::format("'{}' has no value here: it overflows or divides by zero", p_.expressions[expr].text));
  }
  // The number that an extent stands for; what is left of the region for `rest`.
  bool measure(const instruction& in, extent_id index, std::uint64_t& out);
  [[gnu::noinline]] bool negative(const instruction& in, std::int64_t value);
  bool measure_bytes(const instruction& in, extent_id index, std::size_t& out) {
    std::uint64_t size = 0;
    if (!measure(in, index, size)) return false;
    if (size > end_ - pos_) return short_of(in, size);
    out = static_cast<std::size_t>(size);
    return true;
  }

  // The same for what may end in a terminator: `whole` counts it.
  bool measure_text(const instruction& in, std::size_t& size, std::size_t& whole);

  // the walk
  bool block(std::int32_t pc, std::int32_t end);
  bool execute(const instruction& in, std::int32_t pc);
  bool skip(const instruction& in, std::size_t count);

  // numbers
  bool varint(const instruction& in, std::uint64_t& raw);
  bool digits(const instruction& in, std::uint64_t& raw);
  bool simple(const instruction& in);
  bool number(const instruction& in);
  bool check(const instruction& in, std::size_t from, std::int64_t value);
  bool real(const instruction& in, std::size_t from, std::uint64_t raw);
  bool divisor_of(const instruction& in, const scale_rule& rule, std::int64_t& divisor);
  bool scaled(const instruction& in, int128 value);
  bool show(const instruction& in, std::int64_t value, std::uint64_t raw);
  [[nodiscard]] bool is_named(id<names_rule> table, std::int64_t value) const;
  void named(id<names_rule> table, std::int64_t value);
  void flags(const instruction& in, std::uint64_t raw);
  bool special(const instruction& in, std::size_t from, std::uint64_t raw) {
    return in.as == form::bits ? under(in, bits(in, from, raw)) : verify(in, from, raw);
  }
  bool bits(const instruction& in, std::size_t from, std::uint64_t raw);
  bool verify(const instruction& in, std::size_t from, std::uint64_t raw);

  // texts and bytes
  bool blob(const instruction& in);
  bool same_text(const instruction& in, std::size_t from, std::string_view found);
  bool plain_text(const instruction& in, std::size_t from, std::string_view text);
  bool utf16(const instruction& in, std::size_t from, bytes_view bytes);
  bool json(const instruction& in, std::size_t from, std::string_view text);
  bool packed_value(const instruction& in, std::size_t from, bytes_view bytes);
  bool pairs(const instruction& in, std::size_t from, std::string_view text);
  bool message(const instruction& in, std::size_t from, bytes_view bytes);
  bool made(const instruction& in, std::string_view json);
  bool zero_text(const instruction& in);
  bool until(const instruction& in);
  [[gnu::always_inline]] bool contents(const instruction& in, std::size_t from, bytes_view bytes);

  // structure
  bool object(const instruction& in, std::int32_t pc);
  void announce_container(const instruction& in) {
    if (in.name) visitor_.key(p_.names[in.name]);
  }
  bool array(const instruction& in, std::int32_t pc);
  bool list(const instruction& in, std::int32_t pc);
  bool nullable(const instruction& in, std::int32_t pc);
  [[gnu::noinline]] bool placed(const instruction& in,
                                std::int32_t pc);  // or the others would not be inlined
  bool region(const instruction& in, std::int32_t pc);
  bool leftover(const instruction& in);
  [[gnu::noinline]] bool left_over(const instruction& in);
  bool choose(const instruction& in, std::int32_t);
  bool require(const instruction& in);
  bool view(const instruction& in);

  // packets within packets
  bool nested(const instruction& in, std::int32_t pc);
  void inside(std::size_t from, const char* what);
  bool frames(const instruction& in);

  const program& p_;
  bytes_view data_;
  Visitor& visitor_;
  unpack_budget& budget_;
  codec_error& error_;
  std::size_t pos_ = 0;
  std::size_t end_;
  std::size_t region_ = 0;
  std::size_t farthest_ = 0;  // end of what is elsewhere in this region
  std::array<std::int64_t, slot_limit>
      slots_;  // each is written before it is read: the compiler sees to that
  std::array<std::size_t, slot_limit> marks_;

  struct nothing {};
  [[no_unique_address]] std::conditional_t<Visitor::measures, open_walk, nothing> open_;
};

}  // namespace
}  // namespace duplexd::protocol
