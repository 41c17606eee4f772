// The structure of a layout: lines, tokens, and layouts within layouts.
#include "protocol/layout/layout_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/codec/struct_code.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

bool layout_compiler::compile(const node& from, const std::string& path, trailing left, program& to) {
  to_ = &to;
  path_ = path;
  mistakes_ = 0;
  to.limits = env_.limits;
  to.style = env_.style;
  to.framing = env_.framing;
  const auto routine_of = [&](const node& body, trailing over) {
    routine made{here(), 0};
    containers_.assign(1, container{});
    containers_.back().at = here();
    filled_by_.clear();
    visible_from_ = symbols_.size();
    emit(op::object);
    const std::int32_t region = here();
    const extent_id rest = rest_extent();
    instruction& in = emit(op::region);
    in.size = rest;
    in.left = over;
    if (over == trailing::keep) to.code.back().name = intern("trailing");
    layout(body);
    close(region);
    close(made.begin);
    if (static_cast<std::size_t>(made.begin) < to.code.size())
      to.code[static_cast<std::size_t>(made.begin)].positional = containers_.back().values > 0;
    made.end = here();
    return made;
  };
  to.routines.assign(1, routine{});
  to.routines[0] = routine_of(from, left);
  to.min_size = shortest(to.routines[0].begin, to.routines[0].end);
  while (!pending_routines_.empty() && mistakes_ == 0) {
    const auto [name, index] = pending_routines_.back();
    pending_routines_.pop_back();
    unfolding_.assign(1, name);
    to.routines[index] = routine_of(*find_layout(name), trailing::refuse);
  }
  // Writing out stops at the limit, so what has reached it may be incomplete.
  if (to.code.size() >= program_limit && mistakes_ == 0)
    fail(from, 0,
         fmt::format("the layout is too large: more than {} fields once written out", program_limit));
  if (mistakes_ == 0) check_checksums();
  mark_simple();
  return mistakes_ == 0;
}

void layout_compiler::layout(const node& from) {
  switch (from.kind) {
    case node_kind::null:
      return;
    case node_kind::text:
      return line(from);
    case node_kind::list:
      for (const node& each : from.items) layout(each);
      return;
    case node_kind::map:
      return item(from);
    default:
      fail(from, 0, fmt::format("expected a layout, found {}", describe(from.kind)),
           "a layout is a line such as '= code:i rest:bytes', or a list of lines and items");
  }
}

void layout_compiler::line(const node& from) {
  notation_fault fault;
  const auto parsed = parse_line(from.text, fault);
  if (!parsed) {
    fail(from, fault.at, fault.message, fault.hint);
    return;
  }
  const char order = parsed->order != 0 ? parsed->order : env_.order;
  for (const token& t : parsed->tokens) {
    if (t.named) {
      named_token(t, from, t.order != 0 ? t.order : order);
      continue;
    }
    const bool known = find_layout(t.type.text) != nullptr;
    const bool codes = !known && is_struct_group(t.type.text);
    if (t.size.what != extent_notation::kind::absent || t.count.what != extent_notation::kind::absent ||
        t.value != token::value_kind::absent || t.has_scale() || !t.unit.text.empty())
      fail(from, t.at,
           fmt::format("'{}' has no name, so it cannot have a size, count, value or scale", t.type.text),
           fmt::format("write name:{}…, or _name:{}… to leave it out of the JSON", t.type.text, t.type.text));
    else if (known)
      splice(t.type.text, from, t.at);
    else if (codes && !t.spread)
      group(t, from, order, false);
    else
      fail(from, t.at, fmt::format("'{}' is neither a layout nor a struct group", t.type.text),
           suggest(t.type.text, type_names()));
  }
}

// A word of another notation that says its byte order, or a word that is nearly one of ours.
std::string layout_compiler::hint_for_type(const std::string& word) const {
  if (word == "utf16le" || word == "utf16be")
    return fmt::format("write {}utf16: the byte order stands in front", word.ends_with("le") ? '<' : '>');
  for (const auto& [ending, order] : {std::pair{"le", '<'}, {"be", '>'}}) {
    if (!word.ends_with(ending)) continue;
    std::string base = word.substr(0, word.size() - 2);
    if (base.ends_with('_')) base.pop_back();
    const std::string_view type = canonical_type(base);
    if (type != base) return fmt::format("write {}{}: the byte order stands in front", order, type);
  }
  if (word == "until") return "what ends it stands behind the type: str(until \"\\r\\n\")";
  return suggest(word, type_names());
}

// Writing a layout out within itself would not end.
bool layout_compiler::may_unfold(const std::string& name, const node& from, std::size_t at) {
  if (++unfolded_ > program_limit)
    return fail(from, at, "the layout is too large: layouts within layouts multiply");
  if (std::find(unfolding_.begin(), unfolding_.end(), name) == unfolding_.end()) return true;
  return fail(from, at, fmt::format("the layout '{}' contains itself", name),
              "only 'frames:' may lead back to a layout, because its bytes are a packet of their own");
}

void layout_compiler::splice(const std::string& name, const node& from, std::size_t at) {
  const node& body = *find_layout(name);
  if (is_message(body) || (is_type(body) && body.find("bits") == nullptr)) {
    fail(from, at, fmt::format("'{}' is one value, so it needs a name", name),
         fmt::format("write name:{}", name));
    return;
  }
  if (!may_unfold(name, from, at)) return;
  unfolding_.push_back(name);
  if (to_->code.size() < program_limit) layout(body);
  unfolding_.pop_back();
}

// Values by position, as in struct; pad bytes may stand anywhere.
void layout_compiler::group(const token& t, const node& from, char order, bool inside_list) {
  const std::string& text = t.type.text;
  const bool native = order == '@';
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t digits = 0;
    while (text[i + digits] >= '0' && text[i + digits] <= '9') ++digits;
    std::int64_t count = 1;
    const std::size_t at = t.type.at + i;
    if (digits > 0) {
      const auto read = parse_integer(std::string_view(text).substr(i, digits));
      if (!read || *read > static_cast<std::int64_t>(env_.limits.packet)) {
        fail(from, at, "the count exceeds the limit of a packet");
        return;
      }
      count = *read;
    }
    i += digits;
    const auto code = find_struct_code(text[i], native);
    if (!code) {
      fail(from, at, fmt::format("'{}' exists only in native mode", text[i]),
           "start the line with '@', or use q or Q");
      return;
    }
    if (code->alignment > 1) emit(op::align).constant = code->alignment;
    if (code->what == struct_code::kind::pad) {
      if (count > 0 && room_for(from, at, "padding")) emit(op::pad).constant = count;
      continue;
    }
    if (!inside_list && containers_.back().named) {
      fail(from, at, fmt::format("'{}' has no name beside named fields", text),
           fmt::format("write name:{}", text[i]));
      return;
    }
    const bool whole = code->what == struct_code::kind::bytes || code->what == struct_code::kind::pascal;
    for (std::int64_t k = 0; k < (whole ? 1 : count) && to_->code.size() < program_limit; ++k) {
      room_for(from, at, text);
      const name_id name = intern(std::to_string(containers_.back().values++));
      const extent_id size =
          code->what == struct_code::kind::number ? extent_id() : fixed_extent(whole ? count : 1);
      instruction& in = emit(code->what == struct_code::kind::number ? op::number : op::blob);
      in.type = code->type;
      in.big = order_is_big(order);
      in.what = code->what == struct_code::kind::pascal ? content::pascal : content::bytes;
      in.positional = true;
      in.name = name;
      in.size = size;
    }
  }
}

void layout_compiler::named_token(const token& t, const node& from, char order) {
  name_id id;
  if (!declare(t.name.text, from, t.name.at, id) || !room_for(from, t.at, t.name.text)) return;
  const bool hidden = t.name.text.front() == '_';
  const std::size_t first = symbols_.size();
  if (t.count.what != extent_notation::kind::absent) {
    array(t, from, order, id, hidden);
    retire(first + 1);
    return;
  }
  value(t, from, order, id, hidden);
}

void layout_compiler::array(const token& t, const node& from, char order, name_id name, bool hidden) {
  if (hidden) {
    fail(from, t.at, "a list cannot be hidden", "use bytes to skip, or a name without '_'");
    return;
  }
  extent_id count;
  if (t.count.what == extent_notation::kind::prefix)
    count = prefix(t.count, from, order, name);
  else if (t.count.what == extent_notation::kind::to_end)
    count = rest_extent();
  else if (t.count.what == extent_notation::kind::until)
    count = terminator(t.count, from, t.type.text, order);
  else
    count = extent_of(t.count.text.text, from, t.count.text.at);
  if (!count) return;
  const bool ends = t.count.what == extent_notation::kind::until;
  const std::int32_t whole = open_nullable(count, name, false);
  const std::int32_t at = here();
  instruction& in = emit(ends ? op::list : op::array);
  in.name = name;
  in.count = count;
  remember(name, at, false);
  const std::string filled = std::exchange(filled_by_, {});
  value(t, from, order, {}, false);
  if (ends && !filled_by_.empty())
    fail(from, t.at, "an element takes the rest, so nothing ends the list", "give the element a size");
  filled_by_ = filled;
  if (t.count.what == extent_notation::kind::to_end) filled_by_ = to_->names[name].text;
  close(at);
  if (whole >= 0) close(whole);
}

// One value of any type; `name` is none for an array's element.
void layout_compiler::value(const token& t, const node& from, char order, name_id name, bool hidden) {
  if (const node* named = find_layout(t.type.text))
    return is_message(*named) ? message(t, from, *named, order, name, hidden)
                              : sized_object(t, from, order, name, hidden);
  const std::string word(canonical_type(t.type.text));
  const bool codes = is_struct_group(word);
  static const std::pair<std::string_view, content> blobs[] = {
      {"str", content::text},   {"bytes", content::bytes},     {"hex", content::bytes},
      {"b64", content::base64}, {"base64", content::base64},   {"json", content::json},
      {"cbor", content::cbor},  {"msgpack", content::msgpack}, {"utf16", content::utf16},
  };
  for (const auto& [type, what] : blobs)
    if (word == type) return blob(t, from, order, what, name, hidden);
  if (codes && word.size() > 1) {
    const std::string_view digits = std::string_view(word).substr(0, word.size() - 1);
    const bool counted =
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!counted || (word.back() != 's' && word.back() != 'p'))
      return list_of_codes(t, from, order, name, hidden);
  }
  if (word == "zstr" || word == "c" || (codes && (word.back() == 's' || word.back() == 'p')))
    return blob(t, from, order, word.back() == 'p' ? content::pascal : content::text, name, hidden);
  instruction basis;
  if (number_type_of(word, order, basis)) return number(t, from, order, basis, name, hidden);
  if (word == "x")
    fail(from, t.type.at, "pad bytes have no value", "leave the name out: '3x'");
  else if (codes)
    fail(from, t.type.at, fmt::format("'{}' exists only in native mode", word),
         "start the line with '@', or use q or Q");
  else
    fail(from, t.type.at, fmt::format("unknown type '{}'", word), hint_for_type(word));
}

// A named layout; with "(size)" in a region of its own.
void layout_compiler::sized_object(const token& t, const node& from, char order, name_id name, bool hidden) {
  const std::string& word = t.type.text;
  if (t.value != token::value_kind::absent || t.has_scale() || !t.unit.text.empty()) {
    fail(from, t.at, fmt::format("the layout '{}' cannot have a value, scale or unit", word));
    return;
  }
  const node& body = *find_layout(word);
  if (is_type(body) && t.size.what == extent_notation::kind::absent) {
    if (!may_unfold(word, from, t.type.at)) return;
    unfolding_.push_back(word);
    any_value(body, name, hidden);
    unfolding_.pop_back();
    return;
  }
  if (t.size.what == extent_notation::kind::absent) return object_of(*find_layout(word), word, name, hidden);
  if (t.size.what == extent_notation::kind::until) {
    fail(from, t.size.text.at, fmt::format("the layout '{}' cannot go on until a text", word),
         "only texts, bytes and numbers in digits can");
    return;
  }
  const extent_id size = size_extent(t.size, from, order, name);
  if (!size) return;
  const std::string filled = std::exchange(filled_by_, {});
  const std::int32_t whole = open_nullable(size, name, hidden);
  const std::int32_t at = here();
  emit(op::region).size = size;
  object_of(*find_layout(word), word, name, hidden);
  close(at);
  if (whole >= 0) close(whole);
  filled_by_ = filled;
}

void layout_compiler::object_of(const node& body, const std::string& layout_name, name_id name, bool hidden) {
  null_ = nullptr;  // what is within has its own
  if (hidden) {
    fail(body, 0, "a layout cannot be hidden as a whole", "hide its fields, or use bytes");
    return;
  }
  if (!layout_name.empty() && !may_unfold(layout_name, body, 0)) return;
  const std::int32_t at = here();
  emit(op::object).name = name;
  if (name) remember(name, at, false);
  const std::size_t first = symbols_.size();
  containers_.emplace_back();
  containers_.back().at = at;
  if (!layout_name.empty()) unfolding_.push_back(layout_name);
  if (to_->code.size() < program_limit) layout(body);
  if (!layout_name.empty()) unfolding_.pop_back();
  if (static_cast<std::size_t>(at) < to_->code.size())
    to_->code[static_cast<std::size_t>(at)].positional = containers_.back().values > 0;
  containers_.pop_back();
  close(at);
  if (name)
    for (std::size_t i = first; i < symbols_.size(); ++i)
      symbols_[i].name = to_->names[name].text + "." + symbols_[i].name;
}

// "pos:3f" is a list of values.
void layout_compiler::list_of_codes(const token& t, const node& from, char order, name_id name, bool hidden) {
  if (hidden) {
    fail(from, t.type.at, "a list cannot be hidden", "use bytes to skip, or a name without '_'");
    return;
  }
  if (t.size.what != extent_notation::kind::absent)
    fail(from, t.size.text.at, fmt::format("'{}' has its own size", t.type.text));
  const std::int32_t at = here();
  instruction& in = emit(op::object);
  in.name = name;
  in.positional = true;
  containers_.emplace_back();
  group(t, from, order, true);
  containers_.pop_back();
  close(at);
}

}  // namespace duplexd::protocol
