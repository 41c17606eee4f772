#include "config/fields/unresolved.hpp"

#include <algorithm>

#include "config/value/quantity.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node_kind;

namespace {

const ordered_json step_reference{{"$ref", "#/$defs/step"}};

constexpr std::array<std::pair<wait_until, std::string_view>, 3> ends_of_waiting{
    {{wait_until::all, "all"}, {wait_until::first, "first"}, {wait_until::first_error, "first_error"}}};

bool read_branch(const value_at& at, parsed_branch& out, reading& in, bool names_too) {
  if (names_too && at.value.kind == node_kind::text) {
    out.task = at.value.text;
    return true;
  }
  return value_parser<parsed_steps>::read(at, out.steps, in);
}

bool read_branches(const value_at& at, std::vector<parsed_branch>& out, reading& in, bool names_too) {
  if (at.value.kind != node_kind::list || at.value.items.empty()) {
    at.complain(in, expected("a list of steps or lists of steps", at.value));
    return false;
  }
  out.clear();
  bool good = true;
  for (std::size_t i = 0; i < at.value.items.size(); ++i)
    good &= read_branch(at.item(i), out.emplace_back(), in, names_too);
  return good;
}

ordered_json branches_schema(bool names_too) {
  ordered_json any{step_reference, {{"type", "array"}, {"items", step_reference}}};
  if (names_too) any.push_back({{"type", "string"}});
  return {{"type", "array"}, {"minItems", 1}, {"items", {{"anyOf", std::move(any)}}}};
}

}  // namespace

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
  ordered_json list{{"type", "array"}, {"items", step_reference}};
  return {"list of steps", {{"anyOf", {step_reference, std::move(list)}}}};
}

bool value_parser<parsed_steps>::read(const value_at& at, parsed_steps& out, reading& in) {
  out.clear();
  if (at.value.kind == node_kind::map) return value_parser<parsed_step>::read(at, out.emplace_back(), in);
  return read_list<value_parser<parsed_step>, parsed_step>(at, out, in);
}

value_type branches_parser::type() {
  return {"list of steps or lists of steps", branches_schema(false)};
}

bool branches_parser::read(const value_at& at, std::vector<parsed_branch>& out, reading& in) {
  return read_branches(at, out, in, false);
}

value_type tasks_parser::type() {
  return {"list of tasks, steps or lists of steps", branches_schema(true)};
}

bool tasks_parser::read(const value_at& at, std::vector<parsed_branch>& out, reading& in) {
  return read_branches(at, out, in, true);
}

value_type value_parser<parsed_until>::type() {
  ordered_json words = ordered_json::array();
  for (const auto& [end, word] : ends_of_waiting) words.push_back(std::string(word));
  return {"word or map", {{"anyOf", {{{"enum", std::move(words)}}, {{"type", "object"}}}}}};
}

bool value_parser<parsed_until>::read(const value_at& at, parsed_until& out, reading& in) {
  out.where = at.value.where;
  out.path = at.path;
  if (at.value.kind == node_kind::map) return value_parser<json_template>::read(at, out.match.emplace(), in);
  std::vector<std::string> words;
  for (const auto& [end, word] : ends_of_waiting) {
    if (at.value.text == word) out.word = end;
    words.emplace_back(word);
  }
  if (!out.word) complain_of_choice(at, words, in);
  return out.word.has_value();
}

value_type rounds_parser::type() {
  return {"number, or forever",
          {{"anyOf", {{{"const", "forever"}}, {{"type", "integer"}, {"minimum", 1}, {"maximum", 65535}}}}}};
}

bool rounds_parser::read(const value_at& at, std::uint16_t& out, reading& in) {
  out = 0;
  if (at.value.kind == node_kind::text && at.value.text == "forever") return true;
  if (!value_parser<std::uint16_t>::read(at, out, in)) return false;
  if (out == 0) at.complain(in, "0 repetitions are not allowed", "allowed: 1 to 65535, or forever");
  return out > 0;
}

}  // namespace duplexd::config
