#include "protocol/codec/unpacker.hpp"

#include "protocol/codec/packet_measure.hpp"
#include "protocol/codec/unpack_nested.ipp"
#include "protocol/codec/unpack_numbers.ipp"
#include "protocol/codec/unpack_open.ipp"
#include "protocol/codec/unpack_structure.ipp"
#include "protocol/codec/unpack_texts.ipp"

namespace duplexd::protocol {

void prefix_path(codec_error& error, std::string_view name) {
  if (name.empty()) return;
  const bool dot = !error.field.empty() && error.field.front() != '[';
  error.field = fmt::format("{}{}{}", name, dot ? "." : "", error.field);
}

namespace {

// The number that an extent stands for; what is left of the region for `rest`.
template <class Visitor>
inline bool unpacker<Visitor>::measure(const instruction& in, extent_id index, std::uint64_t& out) {
  const extent& e = p_.extents[index];
  if (e.what == extent::kind::rest) {
    out = end_ - pos_;
    return true;
  }
  if (e.what == extent::kind::fixed) {
    out = static_cast<std::uint64_t>(e.value);
    return true;
  }
  std::int64_t value = 0;
  if (e.what == extent::kind::linear && !e.expr) {
    value = slots_[e.slot.index()];
  } else {
    const auto result = eval(e.expr);
    if (!result) return no_value(in, e.expr);
    value = *result;
  }
  if (value < 0) return negative(in, value);
  out = static_cast<std::uint64_t>(value);
  return true;
}

template <class Visitor>
bool unpacker<Visitor>::negative(const instruction& in, std::int64_t value) {
  const char* const what = in.code == op::placed ? "offset" : "size or count";
  return fail(in, pos_, fmt::format("its {} would be {}", what, value));
}

template <class Visitor>
inline bool unpacker<Visitor>::block(std::int32_t pc, std::int32_t end) {
  if constexpr (Visitor::measures)
    if (is_open()) return open_block(pc, end);
  while (pc < end) {
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    if (in.simple && !in.begin_mark && !in.end_mark) {
      if (!simple(in)) return false;
      ++pc;
      continue;
    }
    if (in.begin_mark) marks_[in.begin_mark.index()] = pos_;
    if (!execute(in, pc)) return false;
    if (in.end_mark) marks_[in.end_mark.index()] = pos_;
    pc = in.next;
  }
  return true;
}

template <class Visitor>
inline bool unpacker<Visitor>::execute(const instruction& in, std::int32_t pc) {
  switch (in.code) {
    case op::number:
      return number(in);
    case op::blob:
      return blob(in);
    case op::zero_text:
      return zero_text(in);
    case op::until:
      return until(in);
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
    case op::nullable:
      return nullable(in, pc);
    case op::list:
      return list(in, pc);
    case op::placed:
      return placed(in, pc);
  }
  return false;
}

template <class Visitor>
inline bool unpacker<Visitor>::skip(const instruction& in, std::size_t count) {
  if (end_ - pos_ < count) return short_of(in, count);
  const std::size_t from = pos_;
  pos_ += count;
  place(from, in);
  return true;
}

}  // namespace

template <class Visitor>
bool unpack(const program& layout, bytes_view packet, Visitor& visitor, codec_error& error) {
  unpack_budget budget;
  unpacker<Visitor> walk(layout, packet, visitor, budget, error);
  return walk.run(layout.routines.front());
}

struct packet_measure::state {
  explicit state(const program& layout) : walk(layout, {}, nothing, budget, error) {}
  measuring_visitor nothing;
  unpack_budget budget;
  codec_error error;
  unpacker<measuring_visitor> walk;
};

packet_measure::packet_measure(const program& layout) : state_(std::make_unique<state>(layout)) {}
packet_measure::packet_measure(packet_measure&&) noexcept = default;
packet_measure& packet_measure::operator=(packet_measure&&) noexcept = default;
packet_measure::~packet_measure() = default;

packet_measure::outcome packet_measure::go_on(bytes_view all) {
  if (all.size() < state_->walk.open().need) return outcome::more;
  if (state_->walk.resume(all)) return outcome::whole;
  return state_->walk.open().more ? outcome::more : outcome::wrong;
}

std::size_t packet_measure::size() const noexcept {
  return state_->walk.pos();
}

std::size_t packet_measure::need() const noexcept {
  return state_->walk.open().need;
}

const codec_error& packet_measure::error() const noexcept {
  return state_->error;
}

template bool unpack(const program&, bytes_view, json_writer&, codec_error&);
template bool unpack(const program&, bytes_view, null_visitor&, codec_error&);
template bool unpack(const program&, bytes_view, value_visitor&, codec_error&);

}  // namespace duplexd::protocol
