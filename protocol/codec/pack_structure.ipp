// Part of the packer: maps, lists and regions.
#pragma once

#include "protocol/codec/pack_walk.ipp"
#include "protocol/text/printable.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::protocol {
namespace {

inline bool packer::object(const instruction& in, std::int32_t pc) {
  const ordered_json* value = given(in);
  if (value != nullptr && value->is_null()) value = nullptr;
  if (value != nullptr && !(in.positional ? value->is_array() : value->is_object()) && !value->empty())
    return fail(in,
                fmt::format("expected {}, found {}", in.positional ? "a list" : "a map", kind_of(*value)));
  const ordered_json* outer = std::exchange(current_, value);
  const std::size_t outer_consumed = std::exchange(consumed_, 0);
  const int outer_position = std::exchange(position_, 0);
  const std::size_t used = used_.size();
  if (!under(in, block(pc + 1, in.next)) || !all_used(in, used)) return false;
  used_.resize(used);
  current_ = outer;
  consumed_ = outer_consumed;
  position_ = outer_position;
  return true;
}

// A value that nothing took is a mistake of whoever gave it.
inline bool packer::all_used(const instruction& in, std::size_t from) {
  if (current_ == nullptr || consumed_ >= current_->size()) return true;
  if (current_->is_array()) {
    (void)fail_named({}, fmt::format("{} values are given, {} are wanted", current_->size(), consumed_));
    return under(in, false);
  }
  for (const auto& [key, value] : current_->items()) {
    const auto taken = [&](const std::string* name) { return *name == key; };
    if (std::any_of(used_.begin() + static_cast<std::ptrdiff_t>(from), used_.end(), taken)) continue;
    std::vector<std::string> known;
    for (const field_name& name : p_.names) known.push_back(name.text);
    const bool elsewhere = std::find(known.begin(), known.end(), key) != known.end();
    const std::string hint = elsewhere ? std::string() : suggest(key, known);
    error_ = {key, out_.size() - base_,
              elsewhere ? "the field has no place in this packet"
                        : fmt::format("there is no such field{}{}", hint.empty() ? "" : "; ", hint)};
    return under(in, false);
  }
  return true;
}

inline bool packer::array(const instruction& in, std::int32_t pc) {
  const ordered_json* value = given(in);
  if (value == nullptr) return missing(in);
  return elements(in, pc, *value, nullptr) && settle(in, in.count, value->size(), "elements");
}

inline bool packer::elements(const instruction& in, std::int32_t pc, const ordered_json& values,
                             std::vector<std::size_t>* begins) {
  if (!values.is_array()) return fail(in, fmt::format("expected a list, found {}", kind_of(values)));
  const ordered_json* outer = element_;
  const std::size_t wishes = wishes_.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    wishes_.resize(wishes);
    element_ = &values[i];
    if (begins != nullptr) begins->push_back(out_.size());
    forget(pc + 1, in.next);
    if (!block(pc + 1, in.next)) {
      prefix_path(error_, fmt::format("[{}]", i));
      return under(in, false);
    }
  }
  element_ = outer;
  return true;
}

inline bool packer::list(const instruction& in, std::int32_t pc) {
  const ordered_json* value = given(in);
  if (value == nullptr) return missing(in);
  const std::string& end = p_.texts[p_.extents[in.count].end];
  std::vector<std::size_t> begins;
  if (!elements(in, pc, *value, &begins)) return false;
  out_.insert(out_.end(), end.begin(), end.end());
  return ends_once(in, begins);
}

inline bool packer::ends_once(const instruction& in, const std::vector<std::size_t>& begins) {
  const std::string& end = p_.texts[p_.extents[in.count].end];
  const auto refuse = [&](std::size_t index, std::string why) {
    (void)fail_named({}, std::move(why));
    error_.offset = begins[index] - base_;
    prefix_path(error_, fmt::format("[{}]", index));
    return under(in, false);
  };
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const auto is_open = [&](const gap& g) {
      return !g.done && g.at >= begins[i] && g.at < begins[i] + end.size();
    };
    if (std::any_of(gaps_.begin(), gaps_.end(), is_open))
      return refuse(i, "its first bytes are only known later, and might end the list");
    const auto* const at = reinterpret_cast<const char*>(out_.data() + begins[i]);
    if (std::string_view(at, out_.size() - begins[i]).starts_with(end))
      return refuse(i, fmt::format("it begins with \"{}\", which ends the list", one_line(end)));
  }
  return true;
}

inline bool packer::is_null(const instruction& in) const {
  if (!in.name) return element_ != nullptr && element_->is_null();
  if (current_ == nullptr || !current_->is_object()) return false;
  const auto found = current_->find(p_.names[in.name].text);
  return found != current_->end() && found->is_null();
}

inline bool packer::nullable(const instruction& in, std::int32_t pc) {
  const extent& e = p_.extents[in.size];
  const bool null = is_null(in);
  if (!null) {
    if (!block(pc + 1, in.next)) return false;
  } else {
    (void)given(in);
    if (!settle(in, in.size, static_cast<std::size_t>(in.constant * e.factor + e.offset), "bytes"))
      return false;
  }
  // What was said of the size must agree.
  if ((slots_[e.slot.index()] == in.constant) == null) return true;
  return fail(in, null ? fmt::format("it is null, and its size or count is not given as {}", in.constant)
                       : fmt::format("its size or count would be {}, which means null", in.constant));
}

// Each element has values of its own.
inline void packer::forget(std::int32_t pc, std::int32_t end) {
  for (; pc < end; ++pc) {
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    if (in.slot) known_[in.slot.index()] = slot_state::unknown;
    if (in.code == op::number && in.as == form::bits)
      for (const bit_member& m : p_.bits[in.its<bits_rule>()].members)
        if (m.slot) known_[m.slot.index()] = slot_state::unknown;
  }
}

inline bool packer::region(const instruction& in, std::int32_t pc) {
  regions_.push_back(out_.size());
  if (!block(pc + 1, in.next) || !put_parked() || !put_trailing(in) || !finish_region()) return false;
  const extent& e = p_.extents[in.size];
  std::size_t size = out_.size() - regions_.back();
  // A fixed region whose leftover bytes mean nothing is filled up with zeros.
  if (e.what == extent::kind::fixed && in.left == trailing::drop &&
      size < static_cast<std::size_t>(e.value)) {
    out_.resize(regions_.back() + static_cast<std::size_t>(e.value));
    size = static_cast<std::size_t>(e.value);
  }
  regions_.pop_back();
  return settle(in, in.size, size, "bytes");
}

inline bool packer::put_trailing(const instruction& in) {
  if (in.left != trailing::keep) return true;
  const ordered_json* value = look_up(in.name);
  if (value == nullptr) return true;
  const auto bytes = value->is_string() ? parse_hex(value->get_ref<const std::string&>()) : std::nullopt;
  if (!bytes) return fail(in, "expected hex digits, two for each byte");
  out_.insert(out_.end(), bytes->begin(), bytes->end());
  return true;
}

inline bool packer::require(const instruction& in) {
  const auto value = needs(in.expr) ? std::nullopt : eval(in.expr);
  if (!value) return no_value(in, in.expr);
  return *value != 0 || fail_named({}, fmt::format("'{}' does not hold", p_.expressions[in.expr].text));
}

inline bool packer::view(const instruction& in) {
  const ordered_json* value = in.hidden ? nullptr : look_up(in.name);
  const view_rule& rule = p_.views[in.its<view_rule>()];
  if (needs(in.expr)) {
    if (value != nullptr) wishes_.push_back({&p_.expressions[in.expr].text, &rule, value});
    return true;
  }
  const auto result = eval(in.expr);
  if (!result) return no_value(in, in.expr);
  std::int64_t number = *result;
  if (rule.mapped) {
    const view_value* found = mapped(rule, *result);
    if (found == nullptr) return fail(in, fmt::format("{} is not in its map", *result));
    number = found->number;
  }
  set_slot(in.slot, number, slot_state::given);
  return true;
}

inline const view_value* packer::mapped(const view_rule& rule, std::int64_t key) {
  for (const auto& [number, result] : rule.map)
    if (number == key) return &result;
  return rule.otherwise ? &*rule.otherwise : nullptr;
}

}  // namespace
}  // namespace duplexd::protocol
