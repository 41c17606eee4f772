// Integers whose values or bits have names: enum, flags, bits.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

// The integer type of bits, enum, flags and crc: one token such as '>H'.
bool layout_compiler::read_number_type(const node* from, const node& whole, instruction& in) {
  if (is_nothing(from) || !from->is_scalar())
    return fail(whole, 0, "expected an integer type, such as B or '>H'");
  notation_fault fault;
  const auto parsed = parse_line(from->text, fault);
  if (!parsed) return fail(*from, fault.at, fault.message, fault.hint);
  const bool single = parsed->tokens.size() == 1 && !parsed->tokens[0].named;
  if (!single ||
      !number_type_of(parsed->tokens[0].type.text, parsed->order != 0 ? parsed->order : env_.order, in) ||
      is_float(in.type) || in.type == number_type::boolean)
    return fail(*from, 0, fmt::format("'{}' is not an integer type", from->text), "such as B, '>H' or u24");
  if (!is_digits(in.type)) return true;
  const token& digits = parsed->tokens[0];
  if (digits.size.what == extent_notation::kind::absent)
    return fail(*from, 0, fmt::format("'{}' needs an end here", from->text),
                fmt::format("such as {}(until \"\\r\\n\") or {}(4)", from->text, from->text));
  return digits_size(digits, *from, env_.order, {}, in);
}

bool layout_compiler::read_names(const node& from, std::vector<std::pair<std::int64_t, std::string>>& out) {
  const node* names = from.find("names");
  if (names == nullptr || (names->kind != node_kind::map && names->kind != node_kind::list))
    return fail(from, 0, "expected 'names'", "names: {1: ready, 2: busy}");
  std::int64_t next = 0;
  for (const node& name : names->items) {
    if (name.kind != node_kind::null) out.emplace_back(next, name.text);
    ++next;
  }
  for (const node_entry& entry : names->entries) {
    const auto number = parse_integer(entry.key);
    node place;
    place.where = entry.where;
    if (!number)
      return fail(place, 0, fmt::format("'{}' is not an integer", entry.key),
                  "the numbers are the keys: {0: off}");
    if (!entry.value.is_scalar() || entry.value.text.empty()) return fail(entry.value, 0, "expected a name");
    out.emplace_back(*number, entry.value.text);
  }
  for (std::size_t i = 0; i < out.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (out[i].second == out[k].second)
        return fail(*names, 0, fmt::format("the name '{}' appears twice", out[i].second));
  return true;
}

void layout_compiler::enum_item(const node& from, name_id name, bool hidden) {
  instruction made;
  names_rule rule;
  if (!known_keys(from, {"enum", "names", "value", "default", "strict"}) ||
      !read_number_type(from.find("enum"), from, made) || !read_names(from, rule.names))
    return;
  made.as = form::names;
  if (const node* strict = from.find("strict")) {
    if (strict->kind != node_kind::boolean) fail(*strict, 0, "expected true or false");
    made.strict = strict->text == "true";
  }
  for (const char* key : {"value", "default"}) {
    const node* fixed = from.find(key);
    if (fixed == nullptr) continue;
    auto number = parse_integer(fixed->text);
    for (const auto& [known, text] : rule.names)
      if (text == fixed->text) number = known;
    if (!number) {
      fail(*fixed, 0, fmt::format("'{}' is not one of the names", fixed->text));
      return;
    }
    made.constant = *number;
    made.from = std::string_view(key) == "value" ? value_source::constant : value_source::standard;
  }
  made.rule = to_->enums.add(std::move(rule));
  made.name = name;
  made.hidden = hidden;
  const std::int32_t at = here();
  emit(op::number) = made;
  close(at);
  if (name) remember(name, at, true);
}

void layout_compiler::flags_item(const node& from, name_id name, bool hidden) {
  instruction made;
  names_rule rule;
  if (!known_keys(from, {"flags", "names"}) || !read_number_type(from.find("flags"), from, made) ||
      !read_names(from, rule.names))
    return;
  const unsigned bits = is_variable(made.type) ? 64 : 8 * width_of(made.type);
  for (const auto& [bit, text] : rule.names)
    if (bit < 0 || bit >= static_cast<std::int64_t>(bits) || is_signed(made.type)) {
      fail(from, 0,
           fmt::format("the flag '{}' has bit {}, outside an unsigned type of {} bits", text, bit, bits),
           "names count from the lowest bit, 0");
      return;
    }
  made.as = form::flags;
  made.rule = to_->enums.add(std::move(rule));
  made.name = name;
  made.hidden = hidden;
  const std::int32_t at = here();
  emit(op::number) = made;
  close(at);
  if (name) remember(name, at, true);
}

// "4", "4=3" (constant), "?" (one bit, a boolean), or {bits: 4, names: {…}}.
bool layout_compiler::read_bit(const node_entry& entry, bit_member& m) {
  m.hidden = entry.key.front() == '_';
  const node& from = entry.value;
  if (from.kind == node_kind::map) {
    if (!known_keys(from, {"bits", "names"})) return false;
    const node* bits = from.find("bits");
    const auto width = bits != nullptr ? parse_integer(bits->text) : std::nullopt;
    names_rule rule;
    if (!width || *width < 1 || *width > 64) return fail(from, 0, "expected 'bits', 1 to 64");
    if (!read_names(from, rule.names)) return false;
    m.width = static_cast<unsigned>(*width);
    for (const auto& [number, text] : rule.names)
      if (number < 0 || (m.width < 63 && number >> m.width != 0))
        return fail(from, 0,
                    fmt::format("the name '{}' has the number {}, outside {} bits", text, number, m.width));
    m.names = to_->enums.add(std::move(rule));
    return true;
  }
  std::string_view text = from.text;
  if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
    const auto value = parse_integer(text.substr(equals + 1));
    if (!value || *value < 0) return fail(from, equals + 1, "expected a number after '='");
    const bool standard = equals > 0 && text[equals - 1] == '?' && equals > 1;
    m.from = standard ? value_source::standard : value_source::constant;
    m.constant = *value;
    text = text.substr(0, standard ? equals - 1 : equals);
  }
  m.boolean = text == "?";
  const auto width = m.boolean ? 1 : parse_integer(text);
  if (!width || *width < 1 || *width > 64)
    return fail(from, 0, "expected a number of bits, or '?' for one as a boolean");
  m.width = static_cast<unsigned>(*width);
  if (m.width < 63 && m.constant >> m.width != 0) return fail(from, 0, "the constant does not fit its bits");
  return true;
}

void layout_compiler::bits_item(const node& from, name_id name, bool hidden, bool spliced) {
  instruction made;
  if (!known_keys(from, {"bits", "fields"}) || !read_number_type(from.find("bits"), from, made)) return;
  const node* fields = from.find("fields");
  if (is_variable(made.type) || is_signed(made.type) || is_nothing(fields) ||
      fields->kind != node_kind::map) {
    fail(from, 0, "bits need an unsigned type of fixed size, and 'fields'",
         "{bits: B, fields: {type: 4, dup: 1, qos: 2, retain: 1}}");
    return;
  }
  if (spliced && !room_for(from, 0, "bits")) return;
  bits_rule rule;
  rule.spliced = spliced;
  const unsigned whole = 8 * width_of(made.type);
  unsigned taken = 0;
  std::set<std::string> names;
  for (const node_entry& entry : fields->entries) {
    node key;
    key.where = entry.where;
    bit_member m;
    if (!is_field_name(entry.key)) {
      fail(key, 0, fmt::format("'{}' is not a valid field name", entry.key));
      return;
    }
    if (!read_bit(entry, m)) return;
    if (spliced ? !declare(entry.key, key, 0, m.name) : !names.insert(entry.key).second) return;
    if (!spliced) m.name = intern(entry.key);
    taken += m.width;
    m.shift = whole - std::min(whole, taken);
    rule.members.push_back(m);
  }
  if (taken != whole) {
    fail(*fields, 0, fmt::format("the fields have {} bits, the type has {}", taken, whole),
         "the first field is the most significant; fill up with a hidden one, such as _: " +
             std::to_string(whole > taken ? whole - taken : 0));
    return;
  }
  made.as = form::bits;
  made.rule = to_->bits.add(rule);
  made.name = name;
  made.hidden = hidden;
  const std::int32_t at = here();
  emit(op::number) = made;
  close(at);
  if (name) remember(name, at, false);
  const std::string before = spliced || !name ? std::string() : to_->names[name].text + ".";
  for (std::size_t i = 0; i < rule.members.size(); ++i)
    symbols_.push_back(
        {before + to_->names[rule.members[i].name].text, at, static_cast<std::int32_t>(i), true, false});
}

}  // namespace duplexd::protocol
