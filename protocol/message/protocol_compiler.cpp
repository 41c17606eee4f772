#include "protocol/message/protocol_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/codec/struct_code.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

namespace {

bool holds_slot(const node& from) {
  return from.kind == node_kind::null || std::ranges::any_of(from.items, holds_slot) ||
         std::ranges::any_of(from.entries, [](const node_entry& each) { return holds_slot(each.value); });
}

// The mark of what may be left out.
bool take_mark(std::string& name) {
  if (!name.ends_with('?')) return false;
  name.pop_back();
  return true;
}

}  // namespace

protocol_compiler::protocol_compiler(std::string path, diagnostics& out)
    : path_(std::move(path)), out_(out) {}

bool protocol_compiler::fail(const node& from, std::string message, std::string hint, std::size_t at) {
  ++mistakes_;
  out_.push_back({place_in(from, at), path_, std::move(message), std::move(hint)});
  return false;
}

bool protocol_compiler::fail_key(const node_entry& entry, std::string message, std::string hint) {
  node place;
  place.where = entry.where;
  return fail(place, std::move(message), std::move(hint));
}

bool protocol_compiler::known_keys(const node& from, const std::vector<std::string>& keys) {
  bool ok = true;
  for (const node_entry& entry : from.entries)
    if (std::find(keys.begin(), keys.end(), entry.key) == keys.end())
      ok = fail_key(entry, fmt::format("unknown key '{}'", entry.key), suggest(entry.key, keys));
  return ok;
}

bool protocol_compiler::is_map(const node& from, const char* what) {
  if (from.kind == node_kind::map) return true;
  return fail(from, fmt::format("expected {}, found {}", what, describe(from.kind)));
}

bool protocol_compiler::natural(const node& from, std::size_t& out, std::size_t top) {
  const auto value = from.is_scalar() ? parse_integer(from.text) : std::nullopt;
  if (!value || *value < 0 || static_cast<std::uint64_t>(*value) > top)
    return fail(from, fmt::format("expected an integer from 0 to {}", top));
  out = static_cast<std::size_t>(*value);
  return true;
}

// 'B', '>I', 'varint', 'varint(4)'
bool protocol_compiler::integer_type(const node& from, number_type& type, bool& big, std::uint8_t& limit) {
  notation_fault fault;
  const auto parsed = parse_line(from.text, fault);
  if (!parsed) return fail(from, fault.message, fault.hint, fault.at);
  const std::string word = parsed->tokens.size() == 1 && !parsed->tokens[0].named
                               ? std::string(canonical_type(parsed->tokens[0].type.text))
                               : "";
  const char order = parsed->order != 0 ? parsed->order : env_.order;
  big = order_is_big(order);
  if (word == "varint") {
    type = number_type::varint;
    limit = 10;
    if (const auto& size = parsed->tokens[0].size; size.what == extent_notation::kind::expression) {
      const auto bytes = parse_integer(size.text.text);
      if (!bytes || *bytes < 1 || *bytes > 10) return fail(from, "a varint takes 1 to 10 bytes");
      limit = static_cast<std::uint8_t>(*bytes);
    }
    return true;
  }
  if (word == "u24") {
    type = number_type::u24;
    return true;
  }
  const auto code = word.size() == 1 ? find_struct_code(word[0], order == '@') : std::nullopt;
  if (!code || code->what != struct_code::kind::number || is_float(code->type) ||
      code->type == number_type::boolean)
    return fail(from, fmt::format("'{}' is not an integer type", from.text),
                "such as B, '>H', '<I' or varint");
  type = code->type;
  return true;
}

bool protocol_compiler::compile(const node& definition, protocol::state& to) {
  to_ = &to;
  if (!is_map(definition, "a map")) return false;
  known_keys(definition,
             {"byte_order", "layouts", "commands", "replies", "framing", "limits", "opcode", "json"});
  settings(definition);
  if (const node* from = definition.find("layouts")) layouts(*from);
  if (const node* from = definition.find("commands")) commands(*from);
  if (const node* from = definition.find("replies")) replies(*from);
  if (mistakes_ == 0 && to_->framing && !to_->framing->delimiter.empty() && to_->commands.empty() &&
      to_->replies.empty())
    fail(*definition.find("framing"), "a delimiter cuts packets, and there are no commands and no replies",
         "replies: [{as: message, frame: text}]");
  return mistakes_ == 0;
}

void protocol_compiler::settings(const node& from) {
  if (const node* order = from.find("byte_order")) {
    const step in(*this, "byte_order");
    static const std::vector<std::string> names{"native", "little", "big", "network"};
    const auto found = std::find(names.begin(), names.end(), order->text);
    if (found == names.end())
      fail(*order, fmt::format("unknown byte order '{}'", order->text), "native, little, big or network");
    else
      env_.order = "=<>!"[found - names.begin()];
  }
  if (const node* style = from.find("json")) {
    const step in(*this, "json");
    if (style->text == "compact")
      env_.style = json_style::compact;
    else if (style->text != "python")
      fail(*style, fmt::format("unknown form of JSON '{}'", style->text), "python or compact");
  }
  if (const node* given = from.find("limits")) limits(*given);
  if (const node* given = from.find("framing")) framing(*given);
  if (const node* given = from.find("opcode")) {
    const step in(*this, "opcode");
    opcode_rule rule;
    if (opcode(*given, rule, false, nullptr)) opcode_ = rule;
  }
  to_->limits = env_.limits;
  to_->framing = env_.framing;
}

void protocol_compiler::limits(const node& from) {
  const step in(*this, "limits");
  if (!is_map(from, "a map") || !known_keys(from, {"count", "inflate", "nesting", "json_depth", "packet"}))
    return;
  const std::pair<const char*, std::size_t*> fields[] = {{"count", &env_.limits.elements},
                                                         {"inflate", &env_.limits.inflated},
                                                         {"nesting", &env_.limits.nesting},
                                                         {"json_depth", &env_.limits.json_depth},
                                                         {"packet", &env_.limits.packet}};
  for (const auto& [name, field] : fields) {
    const node* given = from.find(name);
    const step at(*this, name);
    const bool deep = field == &env_.limits.nesting || field == &env_.limits.json_depth;
    if (given != nullptr) natural(*given, *field, deep ? 200 : std::size_t{1} << 31);
  }
}

void protocol_compiler::framing(const node& from) {
  const step in(*this, "framing");
  if (from.kind == node_kind::null) return;
  framing_rule rule;
  if (from.text == "lines") {
    rule.delimiter = "\n";
    rule.lines = true;
    env_.framing = rule;
    return;
  }
  if (!is_map(from, "a map, or lines") ||
      !known_keys(from, {"length", "at", "counts", "add", "mode", "strip", "delimiter"}))
    return;
  if (const node* delimiter = from.find("delimiter")) return delimited(from, *delimiter, rule);
  const node* length = from.find("length");
  if (length == nullptr) {
    fail(from, "'length' is missing",
         "the type of the length field, such as '>I' or varint; or 'delimiter', the text behind each packet");
    return;
  }
  if (!integer_type(*length, rule.type, rule.big, rule.limit)) return;
  if (const node* at = from.find("at"); at != nullptr && !natural(*at, rule.at, 65'536)) return;
  if (const node* counts = from.find("counts")) {
    if (counts->text != "all" && counts->text != "after")
      fail(*counts, fmt::format("'{}' is unknown", counts->text),
           "all: the length counts the whole packet; after: what follows it");
    rule.counts_all = counts->text == "all";
  }
  if (const node* add = from.find("add")) {
    const auto value = parse_integer(add->text);
    if (!value || std::abs(*value) > 1'000'000) fail(*add, "expected a small integer");
    rule.add = value.value_or(0);
  }
  read_mode(from, rule);
  if (const node* strip = from.find("strip")) {
    rule.strip = strip->text == "true";
    if (strip->kind != node_kind::boolean) fail(*strip, "expected true or false");
    if (rule.strip && rule.at != 0) fail(*strip, "'strip' takes the length off the front, so 'at' must be 0");
  }
  env_.framing = rule;
}

void protocol_compiler::read_mode(const node& from, framing_rule& rule) {
  const node* mode = from.find("mode");
  if (mode == nullptr) return;
  if (mode->text != "message" && mode->text != "stream")
    fail(*mode, fmt::format("'{}' is unknown", mode->text), "message or stream");
  rule.stream = mode->text == "stream";
}

void protocol_compiler::delimited(const node& from, const node& delimiter, framing_rule& rule) {
  constexpr std::size_t longest = 16;
  for (const node_entry& entry : from.entries)
    if (entry.key != "delimiter" && entry.key != "mode")
      fail_key(entry, fmt::format("'{}' belongs to a length, and 'delimiter' takes its place", entry.key));
  if (delimiter.kind != node_kind::text || delimiter.text.empty() || delimiter.text.size() > longest)
    fail(delimiter, fmt::format("a delimiter is a text of 1 to {} bytes", longest),
         "such as \"\\r\\n\" or lines");
  read_mode(from, rule);
  rule.delimiter = delimiter.text;
  rule.lines = rule.delimiter == "\n";
  env_.framing = rule;
}

void protocol_compiler::layouts(const node& from) {
  const step in(*this, "layouts");
  if (from.kind == node_kind::null || !is_map(from, "a map of layouts")) return;
  static const std::set<std::string> types{"u24",     "i24",    "varint", "zigzag", "zstr", "str",
                                           "bytes",   "hex",    "b64",    "base64", "json", "cbor",
                                           "msgpack", "decnum", "hexnum", "utf16"};
  for (const node_entry& entry : from.entries) {
    const step at(*this, entry.key);
    if (!is_field_name(entry.key))
      fail_key(entry, fmt::format("'{}' is not a valid name for a layout", entry.key),
               "a letter or '_', then letters, digits and '_'");
    if (types.contains(entry.key) || (entry.key.size() == 1 && is_struct_group(entry.key)))
      fail_key(entry, fmt::format("'{}' is already the name of a type", entry.key));
  }
  env_.layouts = &from;
}

void protocol_compiler::commands(const node& from) {
  const step in(*this, "commands");
  if (from.kind == node_kind::null || !is_map(from, "a map of commands")) return;
  to_->commands.reserve(from.entries.size());
  for (const node_entry& entry : from.entries) {
    const step at(*this, entry.key);
    message_type& type = to_->commands.emplace_back();
    type.way = direction::command;
    type.name = entry.key;
    if (!is_field_name(entry.key))
      fail_key(entry, fmt::format("'{}' is not a valid name for a command", entry.key),
               "a letter or '_', then letters, digits and '_'");
    message(entry.value, type);
  }
}

void protocol_compiler::replies(const node& from) {
  const step in(*this, "replies");
  if (from.kind == node_kind::null) return;
  if (from.kind != node_kind::list) {
    fail(from, fmt::format("expected a list of replies, found {}", describe(from.kind)),
         "replies: [{when: {frame: binary}, layout: '…', as: name}]");
    return;
  }
  to_->replies.reserve(from.items.size());
  for (std::size_t i = 0; i < from.items.size(); ++i) {
    const step at(*this, fmt::format("[{}]", i));
    const node& item = from.items[i];
    if (!is_map(item, "a map with 'as' and 'layout'")) continue;
    message_type& type = to_->replies.emplace_back();
    places_.push_back(&item);
    type.way = direction::reply;
    const node* name = item.find("as");
    if (name == nullptr || !is_field_name(name->text)) {
      fail(name != nullptr ? *name : item,
           name == nullptr ? "'as' is missing"
                           : fmt::format("'{}' is not a valid name for a reply", name->text),
           "as: the reply's name in events");
    } else {
      type.name = name->text;
      for (std::size_t k = 0; k + 1 < to_->replies.size(); ++k)
        if (to_->replies[k].name == type.name)
          fail(*name, fmt::format("a reply is named '{}' already", type.name));
    }
    message(item, type);
  }
  unreachable();
}

void protocol_compiler::message(const node& from, message_type& type) {
  type.style = env_.style;
  if (env_.framing && !env_.framing->delimiter.empty()) type.layout.framing = env_.framing;  // of JSON, too
  type.json_depth = env_.limits.json_depth;
  if (from.kind == node_kind::map) {
    known_keys(from, type.way == direction::reply
                         ? std::vector<std::string>{"as", "when", "frame", "layout", "json", "trailing",
                                                    "examples", "description"}
                         : std::vector<std::string>{"when", "frame", "layout", "json", "trailing", "examples",
                                                    "description"});
    bool text = from.find("json") != nullptr;
    if (const node* when = from.find("when"); when != nullptr && when->kind == node_kind::map) {
      const bool about_text =
          when->find("json") != nullptr || when->find("slot") != nullptr || when->find("starts") != nullptr;
      const bool bytes = when->find("opcode") != nullptr || from.find("layout") != nullptr;
      text = text || (about_text && !bytes);
      if (const node* frame = when->find("frame")) text = frame->text == "text";
    }
    if (const node* frame = from.find("frame")) {
      text = frame->text == "text";
      if (frame->text != "text" && frame->text != "binary")
        fail(*frame, fmt::format("unknown frame '{}'", frame->text), "text or binary");
    }
    type.frame = text ? frame_kind::text : frame_kind::binary;
    if (const node* when = from.find("when")) selection(*when, type);
  }
  body(from, type);
  if (from.kind == node_kind::map)
    if (const node* given = from.find("examples")) examples(*given, type);
}

void protocol_compiler::body(const node& from, message_type& type) {
  const bool whole = from.kind != node_kind::map;
  const node* layout = whole ? &from : from.find("layout");
  const node* json = whole ? nullptr : from.find("json");
  if (json != nullptr) {
    if (layout != nullptr) fail(*json, "'json' and 'layout' cannot be used together");
    if (type.frame != frame_kind::text)
      fail(*json, "'json' makes text frames", "for JSON within a binary frame write a layout with name:json");
    return json_body(*json, type);
  }
  if (layout == nullptr && type.frame == frame_kind::text) {
    type.body = message_type::body_kind::json;
    return;
  }
  trailing left = trailing::refuse;
  if (const node* given = whole ? nullptr : from.find("trailing")) {
    if (given->text == "drop" || given->text == "keep")
      left = given->text == "drop" ? trailing::drop : trailing::keep;
    else if (given->text != "error")
      fail(*given, fmt::format("'{}' is not a valid policy", given->text), "trailing is error, drop or keep");
  }
  // Without a layout the bytes themselves are the value.
  node raw;
  raw.kind = node_kind::text;
  raw.text = "bytes:bytes";
  layout_compiler compiler(env_, out_);
  if (!compiler.compile(layout != nullptr ? *layout : raw, path_, left, type.layout)) {
    ++mistakes_;
    return;
  }
  if (env_.framing && env_.framing->delimiter.empty() && !env_.framing->strip &&
      type.frame == frame_kind::binary && layout != nullptr)
    tie_length(*env_.framing, *layout, type);
}

// Framing knows where the length is; the field that stands there is filled in when packing.
void protocol_compiler::tie_length(const framing_rule& rule, const node& where, message_type& type) {
  program& p = type.layout;
  std::size_t at = 0;
  for (std::size_t pc = 2; pc < p.code.size(); ++pc) {
    instruction& in = p.code[pc];
    if (at == rule.at && in.code == op::number && in.type == rule.type) {
      if (in.from != value_source::given || in.as != form::plain) return;
      expression e;
      e.text = rule.counts_all ? "$size" : "$rest";
      e.steps = {{rule.counts_all ? expression_step::kind::size : expression_step::kind::rest, 0},
                 {expression_step::kind::constant, rule.add},
                 {expression_step::kind::subtract, 0}};
      in.from = value_source::computed;
      in.simple = false;
      in.expr = p.expressions.add(std::move(e));
      return;
    }
    if (in.code == op::require || in.code == op::view) continue;  // they take no bytes
    const bool plain = (in.code == op::number && !is_variable(in.type)) || in.code == op::pad;
    if (!plain || at > rule.at) break;
    at += in.code == op::pad ? static_cast<std::size_t>(in.constant) : width_of(in.type);
  }
  if (type.way == direction::command)
    fail(where,
         fmt::format("framing wants a length at byte {}, and no field of this layout stands there", rule.at),
         "put a field of that type there, or let framing add it with 'strip: true'");
}

// A ~ anywhere in it is a slot; what holds none is constant.
void protocol_compiler::json_place(const node& from, json_part& part) {
  part.what = json_part::kind::slot;
  if (from.kind == node_kind::null) return;
  part.what = json_part::kind::constant;
  if (!holds_slot(from)) {
    part.value = to_json(from);
    return;
  }
  part.what = from.kind == node_kind::map ? json_part::kind::map : json_part::kind::list;
  for (const node_entry& entry : from.entries) {
    json_part inner;
    inner.name = entry.key;
    inner.optional = holds_slot(entry.value) && take_mark(inner.name);
    json_place(entry.value, inner);
    add_part(entry.where, std::move(inner), part.parts);
  }
  for (const node& item : from.items) {
    json_part inner;
    inner.name = std::to_string(part.parts.size());
    json_place(item, inner);
    part.parts.push_back(std::move(inner));
  }
}

void protocol_compiler::add_part(position where, json_part part, std::vector<json_part>& to) {
  node place;
  place.where = where;
  if (part.name.empty()) fail(place, "expected a name");
  for (const json_part& other : to)
    if (other.name == part.name) fail(place, fmt::format("'{}' is already defined", part.name));
  to.push_back(std::move(part));
}

void protocol_compiler::json_body(const node& from, message_type& type) {
  const step in(*this, "json");
  if (from.kind != node_kind::map && from.kind != node_kind::list) {
    fail(from, fmt::format("expected a map or a list, found {}", describe(from.kind)),
         "json: {a: subscribe, v: ~} or json: [{type: 2}, id, action, payload]; ~ and plain names are given "
         "by the command");
    return;
  }
  const auto add = [&](position where, const std::string& name, const node* value) {
    json_part part;
    part.name = name;
    part.optional = take_mark(part.name);
    if (value != nullptr) json_place(*value, part);
    add_part(where, std::move(part), type.parts);
  };
  if (from.kind == node_kind::map) {
    type.body = message_type::body_kind::json_map;
    for (const node_entry& entry : from.entries) add(entry.where, entry.key, &entry.value);
    return;
  }
  type.body = message_type::body_kind::json_list;
  for (const node& slot : from.items) {
    if (slot.kind == node_kind::map && slot.entries.size() == 1)
      add(slot.where, slot.entries[0].key, &slot.entries[0].value);
    else if (slot.kind == node_kind::text)
      add(slot.where, slot.text, nullptr);
    else
      fail(slot, "expected a slot's name, or {name: constant}");
  }
}

void protocol_compiler::examples(const node& from, message_type& type) {
  const step in(*this, "examples");
  if (from.kind != node_kind::list) {
    fail(from, fmt::format("expected a list, found {}", describe(from.kind)),
         "examples: [{hex: '0200…', values: {…}}]");
    return;
  }
  for (std::size_t i = 0; i < from.items.size(); ++i) {
    const step at(*this, fmt::format("[{}]", i));
    const node& item = from.items[i];
    if (!is_map(item, "a map with 'hex' and 'values'") ||
        !known_keys(item, {"hex", "text", "values", "decode_only"}))
      continue;
    message_example made;
    made.where = item.where;
    made.path = path_;
    const node* hex = item.find("hex");
    const node* text = item.find("text");
    const node* values = item.find("values");
    if ((hex == nullptr) == (text == nullptr) || values == nullptr) {
      fail(item, "expected 'hex' or 'text', and 'values'", "{hex: '0200 0000', values: {code: 2}}");
      continue;
    }
    if (hex != nullptr) {
      std::string digits = hex->text;
      std::erase_if(digits, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
      const auto bytes = parse_hex(digits);
      if (!bytes) {
        fail(*hex, "expected hex digits, two for each byte; spaces are allowed between them");
        continue;
      }
      made.bytes = *bytes;
    } else {
      made.bytes.assign(text->text.begin(), text->text.end());
    }
    made.values = to_json(*values);
    if (const node* only = item.find("decode_only")) {
      if (only->kind != node_kind::boolean) fail(*only, "expected true or false");
      made.decode_only = only->text == "true";
    }
    type.examples.push_back(std::move(made));
  }
}

}  // namespace duplexd::protocol
