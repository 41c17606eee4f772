#include "config/fields/script_builder.hpp"

#include <fmt/format.h>

#include "config/fields/step_kind.hpp"
#include "config/script/match.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using protocol::direction;

step_list script_builder::steps(parsed_steps& parsed, script_part part) {
  part_ = part;
  return steps(parsed);
}

step_list script_builder::steps(parsed_steps& parsed) {
  step_list made;
  made.reserve(parsed.size());
  for (parsed_step& each : parsed) made.push_back(step(each));
  gather_bursts(made);
  return made;
}

script_step script_builder::step(parsed_step& from) {
  script_step made;
  made.where = from.where;
  if (from.kind != nullptr) from.kind->build(from, *this, made);
  if (from.timeout) use(*from.timeout, from.where, from.path);
  made.timeout = std::move(from.timeout);
  made.save = pairs(from.save, from.where, from.path + ".save");
  for (const auto& [variable, path] : made.save) know_variable(variable);
  if (from.on_fault) made.on_fault = steps(*from.on_fault);
  return made;
}

send_step script_builder::message(const unresolved_name& name, const unresolved_values& with) {
  use(with.values, name.where, name.path);
  return messages_.message(direction::command, name, with);
}

json_template script_builder::condition(json_template where, const unresolved_name& beside) {
  use(where, beside.where, beside.path);
  if (auto mistake = condition_mistake(where.unresolved()); !mistake.empty())
    in_.mistakes.push_back({beside.where, beside.path, std::move(mistake), ""});
  return where;
}

std::vector<std::pair<std::string, std::string>> script_builder::pairs(const nlohmann::ordered_json& map,
                                                                       protocol::position where,
                                                                       const std::string& path) {
  std::vector<std::pair<std::string, std::string>> made;
  if (!map.is_object()) return made;
  for (const auto& [key, value] : map.items()) {
    if (value.is_string())
      made.emplace_back(key, value.get<std::string>());
    else
      in_.mistakes.push_back(
          {where, path, fmt::format("'{}' names no field", key), "names and paths must be texts"});
  }
  return made;
}

void script_builder::know_command(const unresolved_name& name, bool idempotent) {
  messages_.find(direction::command, name);
  if (idempotent) idempotent_.insert(name.text);
}

void script_builder::use_reference(const reference& what, protocol::position where, const std::string& path) {
  if (what.source != reference_source::var) return;
  variables_used_.push_back({what.name.substr(0, what.name.find('.')), where, path});
}

void script_builder::finish() {
  const auto check = [&](const std::vector<usage>& used, const std::set<std::string>& known,
                         std::string_view what) {
    for (const usage& each : used)
      if (!known.contains(each.name))
        in_.mistakes.push_back({each.where, each.path,
                                fmt::format("no step {} {}", what, in_quotes(each.name)),
                                protocol::suggest_or_list(each.name, {known.begin(), known.end()})});
  };
  check(variables_used_, variables_, "saves or sets the variable");
  check(tasks_used_, tasks_, "spawns the task");
}

}  // namespace duplexd::config
