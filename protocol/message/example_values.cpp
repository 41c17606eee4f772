#include <algorithm>
#include <cstdlib>

#include "protocol/message/message_type.hpp"
#include "protocol/message/protocol.hpp"
#include "protocol/message/value_shape.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

using nlohmann::ordered_json;

/// Walks a program and makes up the values that packing asks for.
class inventor {
 public:
  explicit inventor(const program& p) : p_(p), slots_(p.slots) {}

  ordered_json object(std::int32_t pc) {
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    ordered_json made = in.positional ? ordered_json::array() : ordered_json::object();
    members(pc + 1, in.next, made);
    return made;
  }

 private:
  const std::string& name(const instruction& in) const { return p_.names[in.name].text; }

  static void put(ordered_json& into, const instruction& in, const std::string& key, ordered_json value) {
    if (into.is_array() || !in.name)
      into.is_array() ? into.push_back(std::move(value)) : void(into = std::move(value));
    else
      into[key] = std::move(value);
  }

  void members(std::int32_t pc, std::int32_t end, ordered_json& into) {
    for (; pc < end; pc = p_.code[static_cast<std::size_t>(pc)].next) member(pc, into);
  }

  void member(std::int32_t pc, ordered_json& into) {
    const instruction& in = p_.code[static_cast<std::size_t>(pc)];
    switch (in.code) {
      case op::number:
        return number(in, into);
      case op::blob:
      case op::zero_text:
      case op::until:
        if (in.from == value_source::given) put(into, in, in.name ? name(in) : "", sample_text(p_, in));
        return;
      case op::object:
        put(into, in, in.name ? name(in) : "", object(pc));
        return;
      case op::array:
      case op::list:
        return array(pc, in, into);
      case op::frames:
        put(into, in, in.name ? name(in) : "", ordered_json::array());
        return;
      case op::region:
      case op::nested:
      case op::nullable:
      case op::placed:
        return members(pc + 1, in.next, into);
      case op::choose:
        return choose(in, into);
      default:
        return;
    }
  }

  void number(const instruction& in, ordered_json& into) {
    if (in.as == form::bits) return bits(in, into);
    if (in.slot) slots_[in.slot.index()] = in.from == value_source::given ? wanted(in.slot) : in.constant;
    if (in.from != value_source::given || in.as == form::checksum) return;
    ordered_json value = 0;
    if (in.as == form::flags) value = ordered_json::array();
    if (in.slot) value = wanted(in.slot);
    if (in.as == form::names) {
      const auto& names = p_.enums[in.its<names_rule>()].names;
      const auto found =
          std::find_if(names.begin(), names.end(), [&](const auto& each) { return value == each.first; });
      if (found != names.end())
        value = found->second;
      else if (in.strict && !names.empty())
        value = names.front().second;
    }
    if (in.type == number_type::boolean) value = value != 0;
    put(into, in, in.name ? name(in) : "", std::move(value));
  }

  void bits(const instruction& in, ordered_json& into) {
    const bits_rule& rule = p_.bits[in.its<bits_rule>()];
    ordered_json own = ordered_json::object();
    ordered_json& to = rule.spliced ? into : own;
    for (const bit_member& m : rule.members)
      if (m.slot) slots_[m.slot.index()] = m.from == value_source::given ? wanted(m.slot) : m.constant;
    for (const bit_member& m : rule.members)
      if (m.from == value_source::given) to[p_.names[m.name].text] = m.slot ? wanted(m.slot) : 0;
    if (!rule.spliced && !own.empty()) put(into, in, in.name ? name(in) : "", std::move(own));
  }

  // A value for which a later switch has a case.
  std::int64_t wanted(slot_id slot) const {
    for (const choice_rule& rule : p_.choices)
      if (rule.key_slot == slot && !rule.is_if && !rule.has_otherwise && !rule.cases.empty())
        return rule.cases.front().label;
    for (const view_rule& rule : p_.views)
      if (rule.mapped && !rule.otherwise && !rule.map.empty()) return rule.map.front().first;
    return 0;
  }

  void array(std::int32_t pc, const instruction& in, ordered_json& into) {
    ordered_json made = ordered_json::array();
    const extent& e = p_.extents[in.count];
    const std::int64_t count = e.what == extent::kind::fixed ? std::min<std::int64_t>(e.value, 1'000) : 0;
    for (std::int64_t i = 0; i < count; ++i) members(pc + 1, in.next, made);
    put(into, in, in.name ? name(in) : "", std::move(made));
  }

  void choose(const instruction& in, ordered_json& into) {
    const choice_rule& rule = p_.choices[in.its<choice_rule>()];
    const choice_case* taken = rule.has_otherwise   ? &rule.otherwise
                               : rule.cases.empty() ? nullptr
                                                    : &rule.cases.front();
    // What the values made up so far lead to; sizes count as 0 and seldom lead anywhere.
    const auto value = evaluate(p_.expressions[in.expr], {slots_, 0, 0, 0});
    for (const choice_case& c : rule.cases)
      if (value && c.label == (rule.is_if ? *value != 0 : *value)) taken = &c;
    if (taken != nullptr) members(taken->begin, taken->end, into);
  }

  const program& p_;
  std::vector<std::int64_t> slots_;
};

ordered_json of_template(const std::vector<json_part>& parts) {
  ordered_json made = ordered_json::object();
  for (const json_part& part : parts)
    if (part.what != json_part::kind::constant && !part.optional)
      made[part.name] = part.parts.empty() ? ordered_json() : of_template(part.parts);
  return made;
}

// A message that is selected by a value has it.
void meet(const condition& c, const message_type& type, ordered_json& values) {
  ordered_json* at = &values;
  const std::vector<json_part>* among = &type.parts;
  for (const std::string& part : c.pointer) {
    // A list's places have names at the top.
    const bool named = type.body == message_type::body_kind::json_list && at == &values;
    const std::size_t index = named ? std::strtoul(part.c_str(), nullptr, 10) : 0;
    const std::string& name = named && index < among->size() ? (*among)[index].name : part;
    const auto known =
        std::find_if(among->begin(), among->end(), [&](const json_part& each) { return each.name == name; });
    if (known != among->end() && known->what == json_part::kind::constant) return;
    if (type.body != message_type::body_kind::json && known == among->end()) return;
    static const std::vector<json_part> none;
    among = known == among->end() ? &none : &known->parts;
    if (!at->is_object()) *at = ordered_json::object();
    at = &(*at)[name];
  }
  *at = c.values.empty() ? ordered_json(1) : c.values.front();
}

// What a schema's message may hold: each single value, and none of those that exclude one another.
ordered_json of_shape(const value_shape& shape, std::size_t depth) {
  constexpr std::size_t deepest = 4;
  if (shape.what == value_shape::kind::list) return ordered_json::array();
  if (shape.what != value_shape::kind::map) return shape.sample;
  ordered_json made = ordered_json::object();
  if (depth == deepest) return made;
  for (const auto& [name, inner] : shape.members) {
    const bool is_left_out = inner.steers || inner.what == value_shape::kind::any ||
                             inner.what == value_shape::kind::list || inner.open;
    if (inner.required || !is_left_out) made[name] = of_shape(inner, depth + 1);
  }
  return made;
}

// The place that a condition on a schema's field looks at.
void meet(const condition& c, const value_shape& whole, ordered_json& values) {
  const value_shape* shape = &whole;
  ordered_json* at = &values;
  for (const std::string& part : c.pointer) {
    shape = shape != nullptr ? shape->at(part) : nullptr;
    if (at->is_array()) {  // an index
      if (at->empty()) at->push_back(shape != nullptr ? of_shape(*shape, 0) : ordered_json(1));
      at = &at->front();
      continue;
    }
    if (!at->is_object()) *at = ordered_json::object();
    if (!at->contains(part)) (*at)[part] = shape != nullptr ? of_shape(*shape, 0) : ordered_json(1);
    at = &(*at)[part];
  }
  if (!c.values.empty()) *at = c.values.front();
}

ordered_json of_schema(const message_type& type) {
  const value_shape shape = type.schema->shape();
  ordered_json made = of_shape(shape, 0);
  for (const condition& c : type.when)
    if (c.schema != nullptr) meet(c, shape, made);
  return made;
}

// What the texts of a message hold.
void fill_in(const text_content& content, ordered_json& values) {
  ordered_json* at = &values;
  for (const std::string& part : content.path) {
    if (at->is_null()) *at = part == "0" ? ordered_json::array() : ordered_json::object();
    if (at->is_array() && part == "0")
      at = &(*at)[0];
    else if (at->is_object())
      at = &(*at)[part];
    else
      return;  // a later place of a list: a template gives it, or an example
  }
  *at = inventor(content.layout).object(0)[content_field];
}

}  // namespace

ordered_json sample_text(const program& p, const instruction& in) {
  const extent& e = p.extents[in.size];
  const bool fixed = e.what == extent::kind::fixed;
  if (in.what == content::json || in.what == content::cbor || in.what == content::msgpack ||
      in.what == content::pairs || in.what == content::message)
    return ordered_json::object();
  if (in.its<names_rule>()) return p.enums[in.its<names_rule>()].names.front().second;  // one_of
  if (in.what == content::base64 && fixed) {
    std::string zeros;
    append_base64(zeros, std::vector<std::uint8_t>(static_cast<std::size_t>(e.value)));
    return zeros;
  }
  if (in.what == content::text && fixed) return std::string(static_cast<std::size_t>(e.value), ' ');
  if (in.what == content::bytes && fixed) return std::string(2 * static_cast<std::size_t>(e.value), '0');
  return "";
}

ordered_json example_values(const message_type& type) {
  if (!type.examples.empty()) return type.examples.front().values;
  if (type.body == message_type::body_kind::layout) return inventor(type.layout).object(0);
  ordered_json made = type.schema ? of_schema(type) : of_template(type.parts);
  for (const condition& c : type.when)
    if (c.what == condition::kind::json && !type.schema) meet(c, type, made);
  for (const text_content& each : type.contents) fill_in(each, made);
  return made;
}

}  // namespace duplexd::protocol
