#include "protocol/codec/packer.hpp"

#include "protocol/codec/pack_cases.ipp"
#include "protocol/codec/pack_gaps.ipp"
#include "protocol/codec/pack_nested.ipp"
#include "protocol/codec/pack_numbers.ipp"
#include "protocol/codec/pack_placed.ipp"
#include "protocol/codec/pack_structure.ipp"
#include "protocol/codec/pack_texts.ipp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

inline const ordered_json* packer::look_up(name_id name) {
  if (current_ == nullptr || !current_->is_object()) return nullptr;
  const auto found = current_->find(p_.names[name].text);
  if (found == current_->end()) return nullptr;
  ++consumed_;
  used_.push_back(&p_.names[name].text);
  return &*found;
}

inline const ordered_json* packer::given(const instruction& in) {
  if (in.helper) return nullptr;
  if (!in.name) return element_;
  if (!in.positional || in.code == op::object) return look_up(in.name);
  const auto index = static_cast<std::size_t>(position_++);
  if (current_ == nullptr || !current_->is_array() || index >= current_->size()) return nullptr;
  ++consumed_;
  return &(*current_)[index];
}

inline bool packer::missing(const instruction& in) {
  if (in.positional) return fail(in, "a value is missing");
  return fail(in, "the field is missing");
}

inline bool packer::needs(expression_id expr) {
  for (const expression_step& s : p_.expressions[expr].steps) {
    if (s.what == expression_step::kind::slot &&
        known_[static_cast<std::size_t>(s.value)] == slot_state::unknown)
      return true;
    if (s.what == expression_step::kind::size || s.what == expression_step::kind::packet ||
        s.what == expression_step::kind::rest)
      return true;
  }
  return false;
}

inline std::optional<std::int64_t> packer::eval(expression_id expr, std::size_t rest_from) {
  const std::size_t region = regions_.empty() ? packet_ : regions_.back();
  return evaluate(p_.expressions[expr], {slots_, static_cast<std::int64_t>(out_.size() - region),
                                         static_cast<std::int64_t>(out_.size() - packet_),
                                         static_cast<std::int64_t>(out_.size() - rest_from)});
}

inline bool packer::no_value(const instruction& in, expression_id expr) {
  const std::string& text = p_.expressions[expr].text;
  if (needs(expr))
    return fail(in, fmt::format("'{}' is not known yet when packing; give the fields in it", text));
  return fail(in, fmt::format("'{}' has no value: it overflows or divides by zero", text));
}

inline void packer::set_slot(slot_id slot, std::int64_t value, slot_state how) {
  if (!slot) return;
  slots_[slot.index()] = value;
  known_[slot.index()] = how;
}

inline bool packer::block(std::int32_t pc, std::int32_t end) {
  while (pc < end) {
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    if (in.begin_mark) marks_[in.begin_mark.index()] = out_.size();
    if (!execute(in, pc)) return false;
    if (in.end_mark) marks_[in.end_mark.index()] = out_.size();
    pc = in.next;
  }
  return true;
}

inline bool packer::execute(const instruction& in, std::int32_t pc) {
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
      out_.resize(out_.size() + static_cast<std::size_t>(in.constant));
      return true;
    case op::align: {
      const auto unit = static_cast<std::size_t>(in.constant);
      const std::size_t past = (out_.size() - regions_.back()) % unit;
      if (past != 0) out_.resize(out_.size() + unit - past);
      return true;
    }
    case op::object:
      return object(in, pc);
    case op::array:
      return array(in, pc);
    case op::region:
      return region(in, pc);
    case op::choose:
      return choose(in);
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

}  // namespace

std::optional<codec_error> pack_layout(const program& layout, const ordered_json& values,
                                       std::vector<std::uint8_t>& out) {
  const std::size_t before = out.size();
  codec_error error;
  packer walk(layout, out, error, 0);
  if (walk.run(layout.routines.front(), values)) return std::nullopt;
  out.resize(before);
  return error;
}

}  // namespace duplexd::protocol
