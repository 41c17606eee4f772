#include "config/fields/unresolved.hpp"

#include <algorithm>

#include "config/value/quantity.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node_kind;

bool value_parser<unresolved_name>::read(const value_at& at, unresolved_name& out, reading& in) {
  out.where = at.value.where;
  out.path = at.path;
  if (at.value.kind != node_kind::map) return value_parser<std::string>::read(at, out.text, in);
  at.complain(in, expected("a name", at.value), "put values under 'with' or 'where'");
  return false;
}

value_type value_parser<unresolved_names>::type() {
  ordered_json name{{"type", "string"}};
  ordered_json names{{"type", "array"}, {"minItems", 1}, {"items", name}};
  return {"name or list of names", {{"anyOf", {std::move(name), std::move(names)}}}};
}

bool value_parser<unresolved_names>::read(const value_at& at, unresolved_names& out, reading& in) {
  if (at.value.kind != node_kind::list)
    return value_parser<unresolved_name>::read(at, out.emplace_back(), in);
  if (at.value.items.empty()) at.complain(in, "the list of names is empty");
  const bool good = read_list<value_parser<unresolved_name>, unresolved_name>(at, out, in);
  if (!out.empty()) return good;
  out.push_back(
      {"", at.value.where, at.path});  // the builders go on after a mistake: there is always a first
  return false;
}

bool value_parser<unresolved_values>::read(const value_at& at, unresolved_values& out, reading& in) {
  if (at.value.kind != node_kind::map) {
    at.complain(in, expected("a map", at.value), "field: value, as the command's layout names them");
    return false;
  }
  out.source = &at.value;
  out.path = at.path;
  return value_parser<json_template>::read(at, out.values, in);
}

namespace {

/// Calls `visit(source, begin)` for each `source:` of the references in a text, with where the word begins.
template <class Visit>
void for_each_source(std::string_view text, const Visit& visit) {
  for (std::size_t open = text.find("${"); open != std::string_view::npos; open = text.find("${", open)) {
    const std::size_t end = std::min(text.find('}', open), text.size());
    for (std::size_t at = open + 2; at < end;) {
      const std::size_t begin = at;
      while (at < end && text[at] >= 'a' && text[at] <= 'z') ++at;
      const bool starts = std::string_view("{ (+").find(text[begin - 1]) != std::string_view::npos;
      if (starts && at < end && text[at] == ':') visit(text.substr(begin, at - begin), begin);
      if (at == begin) ++at;
    }
    open = end;
  }
}

/// Writes the command as the reply, from the back, so that places stay; false after a complaint.
bool write_as_reply(protocol::node& value, const std::string& path, reading& in) {
  std::vector<std::size_t> commands;
  bool good = true;
  if (value.kind == node_kind::text)
    for_each_source(value.text, [&](std::string_view source, std::size_t begin) {
      if (source == "command") commands.insert(commands.begin(), begin);
      if (source != "reply") return;
      good = false;
      in.mistakes.push_back({value.where, path, "a simulated server receives no replies",
                             "${command:FIELD} is a field of the command that is answered"});
    });
  for (const std::size_t begin : commands)
    value.text.replace(begin, std::string_view("command").size(), "reply");
  for (protocol::node& item : value.items) good &= write_as_reply(item, path, in);
  for (protocol::node_entry& entry : value.entries) good &= write_as_reply(entry.value, path, in);
  return good;
}

}  // namespace

bool value_parser<simulated_values>::read(const value_at& at, simulated_values& out, reading& in) {
  protocol::node written = at.value;
  if (!write_as_reply(written, at.path, in)) return false;
  const bool good = value_parser<unresolved_values>::read({written, at.path}, out, in);
  out.source = good ? &at.value : nullptr;
  return good;
}

bool value_parser<unresolved_match>::read(const value_at& at, unresolved_match& out, reading& in) {
  out.source = &at.value;
  out.path = at.path;
  return value_parser<json_template>::read(at, out.values, in);
}

bool value_parser<unresolved_pairs>::read(const value_at& at, unresolved_pairs& out, reading& in) {
  out.source = &at.value;
  out.where = at.value.where;
  out.path = at.path;
  return value_parser<ordered_json>::read(at, out.map, in);
}

value_type value_parser<duration_template>::type() {
  value_type plain = value_parser<milliseconds>::type();
  plain.name = "duration with references";
  plain.schema["anyOf"].push_back({{"type", "string"}, {"pattern", R"(\$\{)"}});
  return plain;
}

ordered_json value_parser<duration_template>::show(const duration_template& value) {
  return value.text || value.fixed.count() == 0 ? ordered_json()
                                                : value_parser<milliseconds>::show(value.fixed);
}

bool value_parser<duration_template>::read(const value_at& at, duration_template& out, reading& in) {
  const bool is_open = at.value.kind == node_kind::text && at.value.text.find("${") != std::string::npos;
  if (!is_open) return value_parser<milliseconds>::read(at, out.fixed, in);
  return value_parser<text_template>::read(at, out.text.emplace(), in);
}

value_type value_parser<parsed_steps>::type() {
  ordered_json step{{"$ref", "#/$defs/step"}};
  ordered_json list{{"type", "array"}, {"items", step}};
  return {"list of steps", {{"anyOf", {std::move(step), std::move(list)}}}};
}

bool value_parser<parsed_steps>::read(const value_at& at, parsed_steps& out, reading& in) {
  out.clear();
  if (at.value.kind == node_kind::map) return value_parser<parsed_step>::read(at, out.emplace_back(), in);
  return read_list<value_parser<parsed_step>, parsed_step>(at, out, in);
}

value_type value_parser<parsed_on_fault>::type() {
  value_type made = value_parser<parsed_steps>::type();
  made.name = "list of steps, or end_link or keep";
  made.schema["anyOf"].push_back({{"enum", {"end_link", "keep"}}});
  return made;
}

bool value_parser<parsed_on_fault>::read(const value_at& at, parsed_on_fault& out, reading& in) {
  out.where = at.value.where;
  out.path = at.path;
  if (at.value.kind != node_kind::text) return value_parser<parsed_steps>::read(at, out.steps, in);
  out.word = at.value.text;
  const bool known = out.word == "end_link" || out.word == "keep";
  if (!known) complain_of_choice(at, {"end_link", "keep"}, in);
  return known;
}

}  // namespace duplexd::config
