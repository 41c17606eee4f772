#include <fmt/format.h>

#include <algorithm>

#include "protocol/codec/checksum.hpp"
#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

bool is_nothing(const node* from) {
  return from == nullptr || from->kind == node_kind::null;
}

}  // namespace

// A map among a list's items, or a whole layout: let, switch, if, or fields by name.
void layout_compiler::item(const node& from) {
  if (from.find("let") != nullptr && from.find("let")->kind == node_kind::map) return let_item(from);
  if (from.find("require") != nullptr && from.find("require")->is_scalar()) return require_item(from);
  if (from.find("cases") != nullptr || from.find("then") != nullptr) return choose_item(from);
  if (from.find("size") != nullptr && from.find("type") != nullptr) return region_item(from, {}, false, true);
  if (const node* bits = from.find("bits"); bits != nullptr && from.find("fields") != nullptr)
    return bits_item(from, {}, false, true);
  for (const node_entry& entry : from.entries) {
    node key;
    key.kind = node_kind::text;
    key.text = entry.key;
    key.where = entry.where;
    if (is_field_name(entry.key))
      field_item(entry.key, key, entry.value);
    else
      fail(key, 0, fmt::format("'{}' is not a valid field name", entry.key),
           "a name is a letter or '_', then letters, digits or '_'");
  }
}

void layout_compiler::field_item(const std::string& name, const node& name_node, const node& from) {
  name_id id;
  if (!declare(name, name_node, 0, id) || !room_for(name_node, 0, name)) return;
  const std::size_t first = symbols_.size();
  const bool list = from.kind == node_kind::map && from.find("array") != nullptr;
  any_value(from, id, name.front() == '_');
  if (list) retire(first + 1);
}

// A value's type: a token without name, a typed map, or a layout written in place.
void layout_compiler::any_value(const node& from, name_id name, bool hidden) {
  if (from.kind == node_kind::map) {
    if (from.find("bits") != nullptr) return bits_item(from, name, hidden, false);
    if (from.find("enum") != nullptr) return enum_item(from, name, hidden);
    if (from.find("flags") != nullptr) return flags_item(from, name, hidden);
    if (from.find("array") != nullptr) return array_item(from, name, hidden);
    if (from.find("inflate") != nullptr || from.find("fill") != nullptr || from.find("frames") != nullptr)
      return nested_item(from, name, hidden);
    if (from.find("crc") != nullptr) return checksum_item(from, name, hidden);
    if (from.find("size") != nullptr) return region_item(from, name, hidden, false);
    if (from.find("type") != nullptr || from.find("of") != nullptr) return typed_item(from, name, hidden);
  }
  if (from.kind == node_kind::text) {
    notation_fault fault;
    const auto parsed = parse_line(from.text, fault);
    if (!parsed) {
      fail(from, fault.at, fault.message, fault.hint);
      return;
    }
    if (parsed->tokens.size() == 1 && !parsed->tokens[0].named) {
      const char order = parsed->order != 0 ? parsed->order : env_.order;
      const token& t = parsed->tokens[0];
      if (t.count.what == extent_notation::kind::absent) return value(t, from, order, name, hidden);
      if (name) return array(t, from, order, name, hidden);
      fail(from, t.count.text.at, "a list of lists needs a layout for its elements");
      return;
    }
  }
  if (from.kind != node_kind::text && from.kind != node_kind::list && from.kind != node_kind::map) {
    fail(from, 0, fmt::format("expected a type or a layout, found {}", describe(from.kind)));
    return;
  }
  object_of(from, "", name, hidden);
}

// Whether a named layout is a type of one value, such as {enum: …}, rather than the members of a map.
bool layout_compiler::is_type(const node& from) {
  if (from.kind != node_kind::map) return false;
  for (const char* key : {"enum", "flags", "bits", "inflate", "fill", "none", "one_of", "invalid"})
    if (from.find(key) != nullptr && (from.find(key)->is_scalar() || from.find(key)->kind == node_kind::null))
      return true;
  return false;
}

// {type: …, none: …, one_of: […]}
void layout_compiler::typed_item(const node& from, name_id name, bool hidden) {
  if (!known_keys(from, {"type", "of", "none", "one_of", "invalid"})) return;
  const node* type = from.find("type") != nullptr ? from.find("type") : from.find("of");
  any_value(*type, name, hidden);
  if (const node* allowed = from.find("one_of"); allowed != nullptr && !to_->code.empty()) one_of(*allowed);
  if (const node* what = from.find("invalid"); what != nullptr && !to_->code.empty()) invalid(*what);
  const node* none = from.find("none");
  if (none == nullptr || to_->code.empty()) return;
  const auto value = parse_integer(none->text);
  instruction& in = to_->code.back();
  if (!value)
    fail(*none, 0, "expected an integer", "'none' is the number on the wire that means null");
  else if (in.code != op::number || is_float(in.type))
    fail(*none, 0, "'none' requires an integer type");
  else
    in.none = value;
}

// The texts that a field may hold.
void layout_compiler::one_of(const node& from) {
  instruction& in = to_->code.back();
  const bool text = (in.code == op::blob || in.code == op::zero_text || in.code == op::until) &&
                    (in.what == content::text || in.what == content::padded_text);
  if (!text || from.kind != node_kind::list || from.items.empty()) {
    fail(from, 0, "'one_of' is a list of texts, for a text type");
    return;
  }
  names_rule rule;
  for (const node& item : from.items) rule.names.emplace_back(0, item.text);
  in.rule = to_->enums.add(std::move(rule));
}

// What becomes of bytes that are not text: {type: str, invalid: replace}
void layout_compiler::invalid(const node& from) {
  instruction& in = to_->code.back();
  const bool text = (in.code == op::blob || in.code == op::zero_text || in.code == op::until) &&
                    (in.what == content::text || in.what == content::padded_text ||
                     in.what == content::pascal || in.what == content::utf16);
  if (!text || from.text != "replace") {
    fail(from, 0, "'invalid' is 'replace', for a text type",
         "what is not UTF-8 becomes '?', half of a pair of UTF-16 U+FFFD");
    return;
  }
  // What stands in for a byte must not be taken for the end.
  if (in.code == op::until && to_->texts[to_->extents[in.size].end].find('?') != std::string::npos) {
    fail(from, 0, "what is not UTF-8 becomes '?', which is in the text that ends it");
    return;
  }
  in.replaces = true;
}

bool layout_compiler::read_view_value(const node& from, view_value& out) {
  if (!from.is_scalar() || from.kind == node_kind::null)
    return fail(from, 0, fmt::format("expected a text or an integer, found {}", describe(from.kind)));
  const auto number = from.kind == node_kind::integer ? parse_integer(from.text) : std::nullopt;
  out.what = number ? view_value::kind::number : view_value::kind::text;
  out.number = number.value_or(0);
  out.text = from.text;
  return true;
}

// {let: {name: expr | {of: expr, map: {…}, else: …}}}
void layout_compiler::let_item(const node& from) {
  if (!known_keys(from, {"let"})) return;
  for (const node_entry& entry : from.find("let")->entries) {
    node key;
    key.kind = node_kind::text;
    key.text = entry.key;
    key.where = entry.where;
    name_id id;
    if (!is_field_name(entry.key)) {
      fail(key, 0, fmt::format("'{}' is not a valid field name", entry.key));
      continue;
    }
    if (!declare(entry.key, key, 0, id)) continue;
    view_rule rule;
    const node* of = &entry.value;
    bool number = true;
    if (entry.value.kind == node_kind::map) {
      of = entry.value.find("of");
      const node* map = entry.value.find("map");
      if (!known_keys(entry.value, {"of", "map", "else"})) continue;
      if (of == nullptr || map == nullptr || map->kind != node_kind::map) {
        fail(entry.value, 0, "expected 'of' and 'map'", "write {of: expression, map: {1: a, 2: b}, else: c}");
        continue;
      }
      rule.mapped = true;
      for (const node_entry& pair : map->entries) {
        const auto label = parse_integer(pair.key);
        node place;
        place.where = pair.where;
        view_value result;
        if (!label) {
          fail(place, 0, fmt::format("'{}' is not an integer", pair.key),
               "a map's keys are the numbers: {0: off}");
          continue;
        }
        if (!read_view_value(pair.value, result)) continue;
        number = number && result.what == view_value::kind::number;
        rule.map.emplace_back(*label, std::move(result));
      }
      if (const node* otherwise = entry.value.find("else")) {
        rule.otherwise.emplace();
        if (!read_view_value(*otherwise, *rule.otherwise)) continue;
        number = number && rule.otherwise->what == view_value::kind::number;
      }
    }
    if (!of->is_scalar() || of->kind == node_kind::null) {
      fail(*of, 0, "expected an expression");
      continue;
    }
    const expression_id expr = expression_of(of->text, *of, 0);
    if (!expr) continue;
    const std::int32_t at = here();
    instruction& in = emit(op::view);
    in.expr = expr;
    in.name = id;
    in.hidden = entry.key.front() == '_';
    in.rule = to_->views.add(std::move(rule));
    close(at);
    remember(id, at, number);
  }
}

// {require: expr}: what must hold beyond the types, in both directions.
void layout_compiler::require_item(const node& from) {
  if (!known_keys(from, {"require"})) return;
  const node& of = *from.find("require");
  const expression_id expr = expression_of(of.text, of, 0);
  if (!expr) return;
  if (to_->expressions[expr].uses_region()) {
    fail(of, 0, "'require' cannot use $size, $packet or $rest",
         "compare fields; a constant such as =$size checks sizes");
    return;
  }
  const std::int32_t at = here();
  emit(op::require).expr = expr;
  close(at);
}

void layout_compiler::branch(const node* body, choice_case& into) {
  const std::size_t first = symbols_.size();
  into.begin = here();
  if (!is_nothing(body)) layout(*body);
  into.end = here();
  retire(first);
}

// {switch: expr, cases: {…}} and {if: expr, then: …, else: …}
void layout_compiler::choose_item(const node& from) {
  const bool is_if = from.find("if") != nullptr;
  if (!known_keys(from, is_if ? std::vector<std::string>{"if", "then", "else"}
                              : std::vector<std::string>{"switch", "cases"}))
    return;
  const node* of = from.find(is_if ? "if" : "switch");
  if (of == nullptr || !of->is_scalar() || of->kind == node_kind::null) {
    fail(of != nullptr ? *of : from, 0,
         is_if ? "expected an expression after 'if'" : "expected 'switch: expression' beside 'cases'");
    return;
  }
  const expression_id expr = expression_of(of->text, *of, 0);
  if (!expr) return;
  const std::int32_t at = here();
  const id<choice_rule> in_table = to_->choices.add({});
  instruction& in = emit(op::choose);
  in.expr = expr;
  in.rule = in_table;
  choice_rule rule;
  rule.is_if = is_if;
  const auto& steps = to_->expressions[expr].steps;
  if (steps.size() == 1 && steps[0].what == expression_step::kind::slot)
    rule.key_slot = slot_id(static_cast<std::size_t>(steps[0].value));
  const std::set<std::string> outside = containers_.back().names;
  std::set<std::string> all = outside;
  const std::string filled = filled_by_;
  std::string filled_after = filled;
  const auto one = [&](const node* body, choice_case& into) {
    containers_.back().names = outside;
    filled_by_ = filled;
    branch(body, into);
    all.insert(containers_.back().names.begin(), containers_.back().names.end());
    if (!filled_by_.empty()) filled_after = filled_by_;
  };
  if (is_if) {
    choice_case then;
    then.label = 1;
    one(from.find("then"), then);
    rule.cases.push_back(then);
    one(from.find("else"), rule.otherwise);
    rule.has_otherwise = true;
  } else if (const node* cases = from.find("cases"); cases->kind != node_kind::map) {
    fail(*cases, 0, fmt::format("expected a map of cases, found {}", describe(cases->kind)));
  } else {
    for (const node_entry& entry : cases->entries) {
      node place;
      place.where = entry.where;
      if (entry.key == "else") {
        one(&entry.value, rule.otherwise);
        rule.has_otherwise = true;
        continue;
      }
      // "1, 2": several labels for one body
      std::vector<std::int64_t> labels;
      std::string_view left = entry.key;
      while (!left.empty()) {
        const std::size_t comma = std::min(left.find(','), left.size());
        std::string_view label = left.substr(0, comma);
        while (!label.empty() && label.front() == ' ') label.remove_prefix(1);
        while (!label.empty() && label.back() == ' ') label.remove_suffix(1);
        const auto number = parse_integer(label);
        if (!number)
          fail(place, 0, fmt::format("'{}' is not an integer", label),
               "a case is a number, several with commas, or else");
        labels.push_back(number.value_or(0));
        left.remove_prefix(std::min(comma + 1, left.size()));
      }
      choice_case made;
      one(&entry.value, made);
      for (const std::int64_t label : labels) {
        made.label = label;
        for (const choice_case& other : rule.cases)
          if (other.label == label) fail(place, 0, fmt::format("the case {} appears twice", label));
        rule.cases.push_back(made);
      }
    }
    if (rule.cases.empty() && !rule.has_otherwise) fail(*cases, 0, "there is no case");
  }
  containers_.back().names = std::move(all);
  filled_by_ = filled_after;
  to_->choices[in_table] = std::move(rule);
  close(at);
}

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

trailing layout_compiler::read_trailing(const node& from, trailing standard) {
  const node* left = from.find("trailing");
  if (left == nullptr) return standard;
  if (left->text == "drop") return trailing::drop;
  if (left->text == "keep") return trailing::keep;
  if (left->text != "error")
    fail(*left, 0, fmt::format("'{}' is not a valid policy", left->text), "trailing is error, drop or keep");
  return trailing::refuse;
}

// {array: layout, count: expr, each: type}
void layout_compiler::array_item(const node& from, name_id name, bool hidden) {
  if (!known_keys(from, {"array", "count", "each", "trailing"})) return;
  if (hidden) {
    fail(from, 0, "a list cannot be hidden");
    return;
  }
  const node* count_node = from.find("count");
  extent_id count;
  if (is_nothing(count_node) || count_node->text == "*") {
    count = rest_extent();
  } else if (count_node->text.starts_with(':')) {
    extent_notation notation{extent_notation::kind::prefix, {count_node->text.substr(1), 1}};
    count = prefix(notation, *count_node, env_.order, name);
  } else {
    count = extent_of(count_node->text, *count_node, 0);
  }
  if (!count) return;
  const bool to_end = to_->extents[count].what == extent::kind::rest;
  const std::int32_t at = here();
  instruction& in = emit(op::array);
  in.name = name;
  in.count = count;
  remember(name, at, false);
  const std::string filled = std::exchange(filled_by_, {});
  if (const node* each = from.find("each")) {
    std::string text = each->text;
    char order = env_.order;
    const std::size_t skip =
        !text.empty() && std::string_view("<>=!@").find(text[0]) != std::string_view::npos ? 1 : 0;
    if (skip == 1) order = text[0];
    const bool own = text.starts_with(":");
    extent_notation notation{extent_notation::kind::prefix, {text.substr(own ? 1 : 0), own ? 1u : 0u}};
    const extent_id size = prefix(notation, *each, order, name);
    const std::int32_t region = here();
    if (size) {
      instruction& bounds = emit(op::region);
      bounds.size = size;
      bounds.left = read_trailing(from, trailing::drop);
      if (bounds.left == trailing::keep) fail(from, 0, "'trailing: keep' is not allowed with elements");
      any_value(*from.find("array"), {}, false);
      close(region);
    }
  } else {
    any_value(*from.find("array"), {}, false);
  }
  filled_by_ = to_end && name ? to_->names[name].text : filled;
  close(at);
}

// {size: expr, type: layout}; spliced: without a name, its fields belong to the surrounding map
void layout_compiler::region_item(const node& from, name_id name, bool hidden, bool spliced) {
  if (!known_keys(from, {"size", "type", "trailing", "inflate", "none"})) return;
  const node* type = from.find("type");
  const node* size_node = from.find("size");
  if (is_nothing(type) || !size_node->is_scalar()) {
    fail(from, 0, "expected 'size' and 'type'", "{size: expression, type: layout}");
    return;
  }
  extent_id size;
  if (size_node->text.starts_with(':'))
    size =
        prefix({extent_notation::kind::prefix, {size_node->text.substr(1), 1}}, *size_node, env_.order, name);
  else
    size = extent_of(size_node->text, *size_node, 0);
  if (!size) return;
  const std::int32_t at = here();
  instruction& in = emit(op::region);
  in.size = size;
  in.left = read_trailing(from, trailing::refuse);
  if (in.left == trailing::keep)
    fail(from, 0, "'trailing: keep' belongs to the message, or to a layout's own fields as bytes");
  const std::string filled = std::exchange(filled_by_, {});
  if (spliced)
    layout(*type);
  else
    any_value(*type, name, hidden);
  filled_by_ = filled;
  close(at);
}

// {inflate: zlib, frames: layout} and {fill: 28, type: layout}, each with 'size' if it is not the rest
void layout_compiler::nested_item(const node& from, name_id name, bool hidden) {
  if (!known_keys(from, {"inflate", "fill", "frames", "type", "layout", "size", "trailing"})) return;
  static const std::vector<std::string> kinds{"zlib", "gzip", "deflate", "brotli", "zstd"};
  const node* inflate = from.find("inflate");
  const node* fill_node = from.find("fill");
  const node* frames = from.find("frames");
  const node* type = from.find("type") != nullptr ? from.find("type") : from.find("layout");
  if ((frames == nullptr) == is_nothing(type) || (inflate != nullptr && fill_node != nullptr)) {
    fail(from, 0, "expected 'frames' or 'type'",
         "{inflate: zlib, frames: packet}, or {inflate: gzip, type: json}");
    return;
  }
  const node* size_node = from.find("size");
  extent_id size;
  if (size_node == nullptr)
    size = rest_extent();
  else if (size_node->text.starts_with(':'))
    size =
        prefix({extent_notation::kind::prefix, {size_node->text.substr(1), 1}}, *size_node, env_.order, name);
  else
    size = extent_of(size_node->text, *size_node, 0);
  if (!size) return;
  const std::int32_t region = here();
  emit(op::region).size = size;
  const std::int32_t at = here();
  const bool transformed = inflate != nullptr || fill_node != nullptr;
  if (transformed) {
    transform_rule rule;
    if (inflate != nullptr) {
      const auto found = std::find(kinds.begin(), kinds.end(), inflate->text);
      if (found == kinds.end()) {
        fail(*inflate, 0, fmt::format("unknown compression '{}'", inflate->text),
             suggest_or_list(inflate->text, kinds));
        return;
      }
      rule.kind = static_cast<transform_kind>(found - kinds.begin());
    } else {
      const auto count = parse_integer(fill_node->text);
      if (!count || *count < 1 || *count > static_cast<std::int64_t>(env_.limits.packet)) {
        fail(*fill_node, 0, "expected a number of bytes");
        return;
      }
      rule.kind = transform_kind::fill;
      rule.fill = *count;
    }
    instruction& in = emit(op::nested);
    in.name = name;
    in.left = read_trailing(from, fill_node != nullptr ? trailing::drop : trailing::refuse);
    if (in.left == trailing::keep) fail(from, 0, "'trailing: keep' is not allowed with nested bytes");
    in.rule = to_->transforms.add(rule);
  }
  const std::string filled = std::exchange(filled_by_, {});
  const std::size_t first = symbols_.size();
  if (frames != nullptr) {
    id<routine> frame;
    if (!framed_layout(frames->text, *frames, 0, frame)) return;
    if (hidden) fail(from, 0, "a list cannot be hidden");
    const std::int32_t list = here();
    instruction& in = emit(op::frames);
    in.name = name;
    in.rule = frame;
    close(list);
  } else {
    any_value(*type, name, hidden);
  }
  // Offsets within other bytes mean nothing outside them.
  for (std::size_t i = first; i < symbols_.size(); ++i) symbols_[i].dead = true;
  if (name) remember(name, region, false);
  if (transformed) close(at);
  close(region);
  filled_by_ = size_node == nullptr && name ? to_->names[name].text : filled;
}

slot_id layout_compiler::mark(const node& name, bool at_end) {
  for (std::size_t i = symbols_.size(); i > visible_from_; --i) {
    const symbol& s = symbols_[i - 1];
    if (s.name != name.text || s.dead || s.member >= 0) continue;
    instruction& in = to_->code[static_cast<std::size_t>(s.at)];
    slot_id& slot = at_end ? in.end_mark : in.begin_mark;
    if (!slot) slot = new_slot();
    return slot;
  }
  fail(name, 0, fmt::format("no field '{}' comes before the checksum", name.text),
       suggest(name.text, known_names()));
  return {};
}

// {crc: x25, type: '<H', over: [from, to], extra: expr}
void layout_compiler::checksum_item(const node& from, name_id name, bool hidden) {
  if (!known_keys(from, {"crc", "type", "over", "extra"})) return;
  const node* kind_node = from.find("crc");
  const auto kind = checksum_from(kind_node->text);
  if (!kind) {
    fail(*kind_node, 0, fmt::format("unknown checksum '{}'", kind_node->text),
         suggest_or_list(kind_node->text, checksum_names()));
    return;
  }
  instruction made;
  made.big = env_.order == '>' || env_.order == '!' || (env_.order != '<' && native_is_big);
  made.type = checksum_width(*kind) == 4   ? number_type::u32
              : checksum_width(*kind) == 2 ? number_type::u16
                                           : number_type::u8;
  if (from.find("type") != nullptr && !read_number_type(from.find("type"), from, made)) return;
  if (is_variable(made.type) || width_of(made.type) < checksum_width(*kind)) {
    fail(*from.find("type"), 0, fmt::format("'{}' needs {} bytes", kind_node->text, checksum_width(*kind)));
    return;
  }
  checksum_rule rule;
  rule.kind = *kind;
  if (const node* over = from.find("over")) {
    if (over->kind == node_kind::list && over->items.size() == 2) {
      rule.from_mark = mark(over->items[0], false);
      rule.to_mark = mark(over->items[1], true);
      if (!rule.from_mark || !rule.to_mark) return;
    } else if (over->text == "rest") {
      rule.over_rest = true;
    } else {
      fail(*over, 0, "expected [first field, last field] or rest",
           "without 'over' it covers the region up to itself");
      return;
    }
  }
  if (const node* extra = from.find("extra")) {
    rule.extra_expr = expression_of(extra->text, *extra, 0);
    if (!rule.extra_expr) return;
  }
  made.as = form::checksum;
  made.rule = to_->checksums.add(rule);
  made.name = name;
  made.hidden = hidden;
  const std::int32_t at = here();
  emit(op::number) = made;
  close(at);
  if (name) remember(name, at, true);
  checksums_.emplace_back(at, &from);
}

}  // namespace duplexd::protocol
