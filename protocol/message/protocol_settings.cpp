// What the messages of a protocol have in common: byte order, limits, framing.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/codec/struct_code.hpp"
#include "protocol/message/protocol_compiler.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

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
  if (!to_->framing) to_->framing = env_.framing;
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
  if (from.text == "layouts") {  // what is in a packet does not know of it
    rule.layouts = rule.stream = true;
    to_->framing = rule;
    return;
  }
  if (!is_map(from, "a map, lines or layouts") ||
      !known_keys(from, {"length", "at", "counts", "add", "mode", "strip", "delimiter"}))
    return;
  if (const node* delimiter = from.find("delimiter")) return delimited(from, *delimiter, rule);
  const node* length = from.find("length");
  if (length == nullptr) {
    fail(from, "'length' is missing",
         "the type of the length field, such as '>I' or varint; or 'delimiter', the text behind each packet; "
         "framing: layouts is for packets that have neither");
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

}  // namespace duplexd::protocol
