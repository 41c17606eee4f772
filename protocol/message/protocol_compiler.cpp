// Commands and replies: what frame each has, and what is in it.
#include "protocol/message/protocol_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/codec/struct_code.hpp"
#include "protocol/document/node_json.hpp"
#include "protocol/layout/endless.hpp"
#include "protocol/message/carried_text.hpp"
#include "protocol/text/suggest.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

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

bool protocol_compiler::compile(const node& definition, protocol::state& to) {
  to_ = &to;
  if (!is_map(definition, "a map")) return false;
  known_keys(definition,
             {"byte_order", "layouts", "commands", "replies", "framing", "limits", "opcode", "json"});
  env_.embedded = [this](const node& layout, const std::string& path) { return schema_as(layout, path); };
  settings(definition);
  if (const node* from = definition.find("layouts")) layouts(*from);
  if (const node* from = definition.find("commands")) commands(*from);
  if (const node* from = definition.find("replies")) replies(*from);
  followers();
  if (mistakes_ == 0 && to_->framing && !to_->framing->delimiter.empty() && to_->commands.empty() &&
      to_->replies.empty())
    fail(*definition.find("framing"), "a delimiter cuts packets, and there are no commands and no replies",
         "replies: [{as: message, frame: text}]");
  return mistakes_ == 0;
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

void protocol_compiler::followers() {
  const std::string here = path_;
  for (const auto& [where, name, way, path] : followed_) {
    path_ = path;
    const std::vector<message_type>& all = way == direction::command ? to_->commands : to_->replies;
    std::vector<std::string> names;
    for (const message_type& each : all) names.push_back(each.name);
    if (std::find(names.begin(), names.end(), name) == names.end())
      fail(*where, fmt::format("there is no {} '{}'", way == direction::command ? "command" : "reply", name),
           suggest(name, names));
  }
  path_ = here;
}

void protocol_compiler::message(const node& from, message_type& type) {
  type.style = env_.style;
  if (env_.framing && !env_.framing->delimiter.empty()) type.layout.framing = env_.framing;  // of JSON, too
  type.json_depth = env_.limits.json_depth;
  if (from.kind == node_kind::map) {
    known_keys(from, type.way == direction::reply
                         ? std::vector<std::string>{"as", "when", "frame", "layout", "json", "contents",
                                                    "trailing", "examples", "description"}
                         : std::vector<std::string>{"when", "frame", "layout", "json", "contents", "trailing",
                                                    "examples", "description"});
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
  if (to_->framing && to_->framing->layouts && mistakes_ == 0) ends_itself(from, type);
  if (from.kind != node_kind::map) return;
  if (const node* given = from.find("contents")) contents(*given, type);
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
  if (const node* schema = schema_of(layout)) return schema_body(from, *schema, type);
  if (const node* when = whole ? nullptr : from.find("when"); when != nullptr && when->find("protobuf"))
    fail(*when->find("protobuf"), "'protobuf' is only allowed with a layout of Protocol Buffers");
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
  if (layout != nullptr && asks_to_carry(type.layout)) {
    std::string why;
    type.carried_from = carried_from(type.layout, type.frame, why);
    if (!type.carried_from)
      fail(*layout, "'invalid: carry' cannot be here: " + why,
           "it is for a str that takes the rest of a binary packet, behind fields of a fixed size");
  }
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

// What is cut out of a stream by its layout: the layout has to say where it ends, and its first bytes what it
// is.
void protocol_compiler::ends_itself(const node& from, const message_type& type) {
  if (type.frame != frame_kind::binary) return;
  if (type.schema != nullptr) {
    fail(from,
         fmt::format("framing: layouts cannot tell where '{}' ends: a message of Protocol Buffers has no end "
                     "of its own",
                     type.name),
         "");
    return;
  }
  for (const condition& c : type.when)
    if (c.what != condition::kind::opcode && c.what != condition::kind::starts)
      fail(from, "with framing: layouts a packet is chosen by its first bytes, before its end is known",
           "write 'starts', 'opcode' or 'after' in its 'when'");
  if (const std::string why = why_endless(type.layout); !why.empty())
    fail(from, fmt::format("framing: layouts cannot tell where '{}' ends: {}", type.name, why),
         "give it a size or a count, or let it end at a text: str(until \"\\n\")");
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
