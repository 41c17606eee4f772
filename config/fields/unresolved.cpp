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

}  // namespace duplexd::config
