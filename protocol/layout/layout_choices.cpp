// What expressions decide: let, require, switch, if.
#include <fmt/format.h>

#include <algorithm>

#include "protocol/layout/layout_compiler.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

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

}  // namespace duplexd::protocol
