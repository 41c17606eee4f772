// The packer, for packer.cpp only: in one unit and without external names the compiler can inline all of it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/codec/packer.hpp"
#include "protocol/codec/unpacker.hpp"

namespace duplexd::protocol {
namespace {

/// How far a packer has come, without the bytes: what is put back when a case was only tried.
struct pack_state {
  using ordered_json = nlohmann::ordered_json;
  enum class slot_state : std::uint8_t { unknown, given, derived };
  /// A place whose bytes are not known yet.
  struct gap {
    enum class kind : std::uint8_t { slot, expr, checksum, label } what = kind::slot;
    const instruction* in = nullptr;
    const bit_member* member = nullptr;
    std::size_t at = 0;
    std::size_t level = 0;
    std::int64_t label = 0;
    bool done = false;
  };
  /// A view that the command gave a value for, to choose a case by.
  struct wish {
    const std::string* expr = nullptr;
    const view_rule* rule = nullptr;
    const ordered_json* value = nullptr;
  };

  /// What is not where its field is. It is put behind everything else of its region.
  struct parked {
    const instruction* in = nullptr;
    std::size_t level = 0;
    std::vector<std::uint8_t> bytes;
    std::optional<std::int64_t> offset;  ///< if that is known
    std::size_t offset_gap = 0;          ///< in `gaps_`, if it is not
  };

  std::size_t packet_ = 0;        ///< where $packet counts from: bytes within bytes are a packet of their own
  std::size_t packet_level_ = 1;  ///< its region
  const ordered_json* current_ = nullptr;  ///< the map or list whose members are being packed
  const ordered_json* element_ = nullptr;  ///< the value of what has no name
  std::size_t consumed_ = 0;
  int position_ = 0;
  int guessing_ = 0;
  std::vector<const std::string*> used_;
  // Of these only as many are set as the program has.
  std::array<std::int64_t, slot_limit> slots_;
  std::array<slot_state, slot_limit> known_;
  std::array<std::size_t, slot_limit> marks_;
  std::vector<std::size_t> regions_;
  std::vector<gap> gaps_;
  std::vector<wish> wishes_;
  std::vector<parked> parked_;  ///< the innermost region's last
};

/// Walks a program and appends bytes. What is only known later (sizes, counts, checksums) leaves a gap that
/// is filled when its region ends. A place is an offset into `out_`. Its parts are in
/// pack_*.ipp.
class packer : private pack_state {
 public:
  packer(const program& layout, std::vector<std::uint8_t>& out, codec_error& error, std::size_t depth)
      : p_(layout), out_(out), error_(error), base_(out.size()), depth_(depth) {
    packet_ = base_;
    std::fill_n(slots_.begin(), p_.slots, 0);
    std::fill_n(known_.begin(), p_.slots, slot_state::unknown);
    std::fill_n(marks_.begin(), p_.slots, 0);
  }

  bool run(const routine& what, const ordered_json& values) {
    element_ = &values;
    return block(what.begin, what.end);
  }

 private:
  // errors
  bool fail_named(name_id name, std::string message) {
    error_.field = name ? p_.names[name].text : std::string();
    error_.offset = out_.size() - base_;
    error_.message = std::move(message);
    return false;
  }
  bool fail(const instruction& in, std::string message) { return fail_named(in.name, std::move(message)); }
  bool under(const instruction& in, bool ok) {
    if (!ok && in.name) prefix_path(error_, p_.names[in.name].text);
    return ok;
  }

  // values
  const ordered_json* look_up(name_id name);
  const ordered_json* given(const instruction& in);
  bool missing(const instruction& in);
  bool needs(expression_id expr);
  std::optional<std::int64_t> eval(expression_id expr, std::size_t rest_from = 0);
  bool no_value(const instruction& in, expression_id expr);
  void set_slot(slot_id slot, std::int64_t value, slot_state how);

  // the walk
  bool block(std::int32_t pc, std::int32_t end);
  bool execute(const instruction& in, std::int32_t pc);

  // numbers
  void put(const instruction& in, std::uint64_t raw);
  void leave_gap(gap::kind what, const instruction& in, const bit_member* member = nullptr);
  // An expression over the whole packet is filled in with the outermost region.
  std::size_t level_for(gap::kind what, const instruction& in) const;
  bool number(const instruction& in);
  void put_variable(const instruction& in, std::uint64_t raw);
  // How many characters a number in digits must have, if that is known; 0: as few as it needs.
  std::size_t digits_wanted(const instruction& in);
  std::string digits(const instruction& in, std::uint64_t raw);
  // Digits may have to be as many as another field says.
  bool settle_digits(const instruction& in, std::uint64_t raw);
  bool fits_variable(const instruction& in, std::uint64_t raw);
  bool fixed_number(const instruction& in);
  bool bits(const instruction& in);
  bool bit(const instruction& in, const bit_member& m, std::uint64_t& raw);
  bool read_bit(const bit_member& m, const ordered_json& value, std::int64_t& number);

  // what is known only later
  void make_room(std::size_t after, std::size_t count);
  bool in_place(const gap& g, bool ok);
  bool fill(gap& g, int128 value);
  // The last place that waits for a slot's value: within an array each element has its own.
  std::optional<std::size_t> newest_gap(slot_id slot) const;
  // The field with this size or count turned out to have `actual`.
  bool settle(const instruction& in, extent_id index, std::size_t actual, const char* what);
  // The innermost region is complete: sizes first, from the back, then the checksums over them.
  bool finish_region();
  bool fill_expression(gap& g);
  bool check_label(gap& g);
  bool fill_checksum(gap& g);

  // texts and bytes
  bool blob_bytes(const instruction& in, const ordered_json& value, std::string& bytes);
  // The bytes of a text or bytes field, or what its constant or standard value says.
  bool contents(const instruction& in, std::string& bytes);
  bool blob(const instruction& in);
  bool zero_text(const instruction& in);
  bool until(const instruction& in);

  // structure
  bool object(const instruction& in, std::int32_t pc);
  // A value that nothing took is a mistake of whoever gave it.
  bool all_used(const instruction& in, std::size_t from);
  bool array(const instruction& in, std::int32_t pc);
  // `begins`: where each is, if not null.
  bool elements(const instruction& in, std::int32_t pc, const ordered_json& values,
                std::vector<std::size_t>* begins);
  bool list(const instruction& in, std::int32_t pc);
  // None but the last may begin with what ends the list.
  bool ends_once(const instruction& in, const std::vector<std::size_t>& begins);
  bool nullable(const instruction& in, std::int32_t pc);
  bool is_null(const instruction& in) const;
  // Each element has values of its own.
  void forget(std::int32_t pc, std::int32_t end);
  bool region(const instruction& in, std::int32_t pc);
  bool put_trailing(const instruction& in);
  bool require(const instruction& in);
  bool view(const instruction& in);
  static const view_value* mapped(const view_rule& rule, std::int64_t key);

  // values elsewhere in the region
  bool placed(const instruction& in, std::int32_t pc);
  bool no_sizes(std::int32_t pc, std::int32_t end);
  bool park(const instruction& in, std::vector<std::uint8_t> bytes);
  bool put_parked();
  bool put_at(const parked& what);

  // cases
  bool choose(const instruction& in);
  // The command may have given a view of the same expression ("mode: ltp"): only those cases come into
  // question.
  bool wished_for(const instruction& in, std::int64_t label) const;
  // What the expression will be is not known yet: take the case that fits and uses most of the values.
  bool guess(const instruction& in, const choice_rule& rule);

  // packets within packets
  bool nested(const instruction& in, std::int32_t pc);
  // Sizes within count the zeros that unpacking restores.
  bool fill_up(const instruction& in, const transform_rule& rule);
  bool frames(const instruction& in);

  const program& p_;
  std::vector<std::uint8_t>& out_;
  codec_error& error_;
  std::size_t base_;
  std::size_t depth_;
};

}  // namespace
}  // namespace duplexd::protocol
