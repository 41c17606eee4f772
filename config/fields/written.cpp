#include "config/fields/written.hpp"

#include <algorithm>

#include "config/value/quantity.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node_kind;

namespace {

const ordered_json step_reference{{"$ref", "#/$defs/step"}};

constexpr std::array<std::pair<wait_until, std::string_view>, 3> ends_of_waiting{
    {{wait_until::all, "all"}, {wait_until::first, "first"}, {wait_until::first_error, "first_error"}}};

bool read_branch(const value_at& at, branch_draft& out, reading& in, bool names_too) {
  if (names_too && at.value.kind == node_kind::text) {
    out.task = at.value.text;
    return true;
  }
  return form<step_drafts>::read(at, out.steps, in);
}

bool read_branches(const value_at& at, std::vector<branch_draft>& out, reading& in, bool names_too) {
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

bool form<written_name>::read(const value_at& at, written_name& out, reading& in) {
  out.where = at.value.where;
  out.path = at.path;
  if (at.value.kind != node_kind::map) return form<std::string>::read(at, out.text, in);
  at.complain(in, expected("a name", at.value), "values stand beside the name, under 'with' or 'where'");
  return false;
}

value_type form<written_names>::type() {
  ordered_json name{{"type", "string"}};
  ordered_json names{{"type", "array"}, {"minItems", 1}, {"items", name}};
  return {"name or list of names", {{"anyOf", {std::move(name), std::move(names)}}}};
}

bool form<written_names>::read(const value_at& at, written_names& out, reading& in) {
  if (at.value.kind != node_kind::list) return form<written_name>::read(at, out.emplace_back(), in);
  if (at.value.items.empty()) at.complain(in, "the list of names is empty");
  const bool good = read_list<form<written_name>, written_name>(at, out, in);
  if (!out.empty()) return good;
  out.push_back(
      {"", at.value.where, at.path});  // the builders go on after a mistake: there is always a first
  return false;
}

bool form<written_values>::read(const value_at& at, written_values& out, reading& in) {
  if (at.value.kind != node_kind::map) {
    at.complain(in, expected("a map", at.value), "field: value, as the command's layout names them");
    return false;
  }
  out.source = &at.value;
  out.path = at.path;
  return form<json_template>::read(at, out.values, in);
}

value_type form<duration_template>::type() {
  value_type plain = form<milliseconds>::type();
  plain.name = "duration with references";
  plain.schema["anyOf"].push_back({{"type", "string"}, {"pattern", R"(\$\{)"}});
  return plain;
}

ordered_json form<duration_template>::show(const duration_template& value) {
  return value.text || value.fixed.count() == 0 ? ordered_json() : form<milliseconds>::show(value.fixed);
}

bool form<duration_template>::read(const value_at& at, duration_template& out, reading& in) {
  const bool is_open = at.value.kind == node_kind::text && at.value.text.find("${") != std::string::npos;
  if (!is_open) return form<milliseconds>::read(at, out.fixed, in);
  return form<text_template>::read(at, out.text.emplace(), in);
}

value_type form<step_drafts>::type() {
  ordered_json list{{"type", "array"}, {"items", step_reference}};
  return {"list of steps", {{"anyOf", {step_reference, std::move(list)}}}};
}

bool form<step_drafts>::read(const value_at& at, step_drafts& out, reading& in) {
  out.clear();
  if (at.value.kind == node_kind::map) return form<step_draft>::read(at, out.emplace_back(), in);
  return read_list<form<step_draft>, step_draft>(at, out, in);
}

value_type branches_form::type() {
  return {"list of steps or lists of steps", branches_schema(false)};
}

bool branches_form::read(const value_at& at, std::vector<branch_draft>& out, reading& in) {
  return read_branches(at, out, in, false);
}

value_type tasks_form::type() {
  return {"list of tasks, steps or lists of steps", branches_schema(true)};
}

bool tasks_form::read(const value_at& at, std::vector<branch_draft>& out, reading& in) {
  return read_branches(at, out, in, true);
}

value_type form<until_draft>::type() {
  ordered_json words = ordered_json::array();
  for (const auto& [end, word] : ends_of_waiting) words.push_back(std::string(word));
  return {"word or map", {{"anyOf", {{{"enum", std::move(words)}}, {{"type", "object"}}}}}};
}

bool form<until_draft>::read(const value_at& at, until_draft& out, reading& in) {
  out.where = at.value.where;
  out.path = at.path;
  if (at.value.kind == node_kind::map) return form<json_template>::read(at, out.match.emplace(), in);
  std::vector<std::string> words;
  for (const auto& [end, word] : ends_of_waiting) {
    if (at.value.text == word) out.word = end;
    words.emplace_back(word);
  }
  if (!out.word) complain_of_choice(at, words, in);
  return out.word.has_value();
}

value_type rounds_form::type() {
  return {"number, or forever",
          {{"anyOf", {{{"const", "forever"}}, {{"type", "integer"}, {"minimum", 1}, {"maximum", 65535}}}}}};
}

bool rounds_form::read(const value_at& at, std::uint16_t& out, reading& in) {
  out = 0;
  if (at.value.kind == node_kind::text && at.value.text == "forever") return true;
  if (!form<std::uint16_t>::read(at, out, in)) return false;
  if (out == 0) at.complain(in, "nothing is repeated 0 times", "allowed: 1 to 65535, or forever");
  return out > 0;
}

}  // namespace duplexd::config
