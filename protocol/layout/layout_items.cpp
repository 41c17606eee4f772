// What a line cannot say: fields by name, lists and sized regions, and what a map says of a type.
#include <fmt/format.h>

#include <utility>

#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
// A map among a list's items, or a whole layout: let, switch, if, or fields by name.
void layout_compiler::item(const node& from) {
  if (from.find("let") != nullptr && from.find("let")->kind == node_kind::map) return let_item(from);
  if (from.find("require") != nullptr && from.find("require")->is_scalar()) return require_item(from);
  if (from.find("cases") != nullptr || from.find("then") != nullptr) return choose_item(from);
  if (from.find("size") != nullptr && from.find("type") != nullptr) return region_item(from, {}, false, true);
  if (const node* bits = from.find("bits"); bits != nullptr && from.find("fields") != nullptr)
    return bits_item(from, {}, false, true);
  if (from.find("protobuf") != nullptr) {
    fail(from, 0, "a message of Protocol Buffers needs a name within a layout",
         "[data: {protobuf: …}], or data:NAME");
    return;
  }
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

namespace {

// A map of fields may have one that is called 'at'.
bool may_be_placed(const node& from) {
  return from.find("type") != nullptr || from.find("of") != nullptr || from.find("array") != nullptr;
}

}  // namespace

// A value's type: a token without name, a typed map, or a layout written in place.
void layout_compiler::any_value(const node& from, name_id name, bool hidden) {
  if (from.kind == node_kind::map) {
    if (from.find("at") != nullptr && &from != placing_ && may_be_placed(from))
      return placed_item(from, name, hidden);
    if (is_message(from)) return message_of(from, rest_extent(), name, hidden);
    if (from.find("bits") != nullptr) return bits_item(from, name, hidden, false);
    if (from.find("enum") != nullptr) return enum_item(from, name, hidden);
    if (from.find("flags") != nullptr) return flags_item(from, name, hidden);
    if (from.find("array") != nullptr) return array_item(from, name, hidden);
    if (from.find("inflate") != nullptr || from.find("decode") != nullptr || from.find("fill") != nullptr ||
        from.find("frames") != nullptr)
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

bool layout_compiler::is_nothing(const node* from) noexcept {
  return from == nullptr || from->kind == node_kind::null;
}

// Whether a named layout is a type of one value, such as {enum: …}, rather than the members of a map.
bool layout_compiler::is_type(const node& from) {
  if (from.kind != node_kind::map) return false;
  for (const char* key :
       {"enum", "flags", "bits", "inflate", "decode", "fill", "none", "one_of", "invalid", "pairs"})
    if (from.find(key) != nullptr && (from.find(key)->is_scalar() || from.find(key)->kind == node_kind::null))
      return true;
  const node* pairs = from.find("pairs");  // a map, which a field's layout may be, too
  return pairs != nullptr && pairs->find("separator") != nullptr && pairs->find("equals") != nullptr;
}

// {type: …, none: …, one_of: […], pairs: {…}}
void layout_compiler::typed_item(const node& from, name_id name, bool hidden) {
  if (!known_keys(from, {"type", "of", "none", "one_of", "invalid", "pairs", "at"})) return;
  const node* type = from.find("type") != nullptr ? from.find("type") : from.find("of");
  const node* none = from.find("at") == nullptr ? from.find("none") : nullptr;
  const auto value = none != nullptr ? parse_integer(none->text) : std::nullopt;
  null_mark mark{none, value.value_or(0)};
  null_ = value && type->kind != node_kind::list ? &mark : nullptr;
  any_value(*type, name, hidden);
  null_ = nullptr;
  if (const node* allowed = from.find("one_of"); allowed != nullptr && !to_->code.empty()) one_of(*allowed);
  if (const node* what = from.find("invalid"); what != nullptr && !to_->code.empty()) invalid(*what);
  if (const node* how = from.find("pairs"); how != nullptr && !to_->code.empty()) pairs(*how);
  if (none == nullptr || to_->code.empty() || mark.taken) return;
  instruction& in = to_->code.back();
  if (!value)
    fail(*none, 0, "expected an integer", "'none' is the number on the wire that means null");
  else if (in.code != op::number || is_float(in.type))
    fail(*none, 0, "'none' requires an integer type, or a size or count that is a field");
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

// What becomes of bytes that are not text: {type: str, invalid: replace}. Whether a character that is cut can
// go on in the next packet is for the message to say.
void layout_compiler::invalid(const node& from) {
  instruction& in = to_->code.back();
  const bool text = (in.code == op::blob || in.code == op::zero_text || in.code == op::until) &&
                    (in.what == content::text || in.what == content::padded_text ||
                     in.what == content::pascal || in.what == content::utf16);
  const bool carries = from.text == "carry" && in.code == op::blob && in.what == content::text;
  if (!text || (from.text != "replace" && !carries)) {
    fail(from, 0, "'invalid' is 'replace', for a text type, or 'carry', for a str that takes the rest",
         "what is not UTF-8 becomes '?', half of a pair of UTF-16 U+FFFD");
    return;
  }
  // What stands in for a byte must not be taken for the end.
  if (in.code == op::until && to_->texts[to_->extents[in.size].end].find('?') != std::string::npos) {
    fail(from, 0, "what is not UTF-8 becomes '?', which is in the text that ends it");
    return;
  }
  in.replaces = true;
  in.carries = carries;
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
  if (!known_keys(from, {"array", "count", "each", "trailing", "at"})) return;
  if (hidden) {
    fail(from, 0, "a list cannot be hidden");
    return;
  }
  const node* count_node = from.find("count");
  extent_id count;
  if (is_nothing(count_node) || count_node->text == "*") {
    count = rest_extent();
  } else if (count_node->text.starts_with("until ")) {
    notation_fault fault;
    const std::string around = "B[";
    const auto parsed = parse_line(around + count_node->text + "]", fault);
    if (!parsed || parsed->tokens[0].count.what != extent_notation::kind::until) {
      fail(*count_node, 0,
           fault.message.empty() ? "expected a text or a number after 'until'" : fault.message, fault.hint);
      return;
    }
    const node& element = *from.find("array");
    count =
        terminator(parsed->tokens[0].count, *count_node, element.is_scalar() ? element.text : "", env_.order);
  } else if (count_node->text.starts_with(':')) {
    extent_notation notation{extent_notation::kind::prefix, {count_node->text.substr(1), 1}};
    count = prefix(notation, *count_node, env_.order, name);
  } else {
    count = extent_of(count_node->text, *count_node, 0);
  }
  if (!count) return;
  const bool to_end = to_->extents[count].what == extent::kind::rest;
  const bool ends = to_->extents[count].what == extent::kind::until;
  const std::int32_t whole = open_nullable(count, name, hidden);
  const std::int32_t at = here();
  instruction& in = emit(ends ? op::list : op::array);
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
  if (ends && !filled_by_.empty())
    fail(from, 0, "an element takes the rest, so nothing ends the list",
         "give the element a size, or 'each'");
  filled_by_ = to_end && name ? to_->names[name].text : filled;
  close(at);
  if (whole >= 0) close(whole);
}

// {size: expr, type: layout}; spliced: without a name, its fields belong to the surrounding map
void layout_compiler::region_item(const node& from, name_id name, bool hidden, bool spliced) {
  if (!known_keys(from, {"size", "type", "trailing", "at"})) return;
  if (spliced && from.find("at") != nullptr) {
    fail(*from.find("at"), 0, "what is elsewhere in the packet needs a name",
         "[data: {type: …, at: offset}]");
    return;
  }
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
  const std::int32_t whole = open_nullable(size, name, hidden);
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
  if (whole >= 0) close(whole);
}

}  // namespace duplexd::protocol
