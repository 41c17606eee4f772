#include "config/fields/script_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/fields/step_kind.hpp"
#include "config/script/match.hpp"
#include "config/value/json_path.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using protocol::direction;

namespace {

// Not what is below a value that a reference gives.
bool is_left_out(const nlohmann::ordered_json& values, const std::string& path) {
  return find_path(values, path) == nullptr &&
         !(values.is_object() && values.contains(path.substr(0, path.find('.'))));
}

// Starting a task takes no time and does not fail: what stands beside it is meant for the task.
void give_to_task(script_step& step, spawn_step& task) {
  if (!step.timeout && !step.on_fault && !step.finally) return;
  script_step whole{step.where, repeat_step{1, {}, std::move(task.body)}};
  whole.timeout = std::exchange(step.timeout, {});
  whole.on_fault = std::exchange(step.on_fault, {});
  whole.finally = std::exchange(step.finally, {});
  task.body = {std::move(whole)};
}

}  // namespace

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
  const last_reply* before = last_;
  if (from.kind != nullptr) from.kind->build(from, *this, made);
  if (from.timeout) use(*from.timeout, from.where, from.path);
  made.timeout = std::move(from.timeout);
  made.save = pairs(from.save);
  for (const auto& [variable, path] : made.save) know_variable(variable);
  check_savings(from.save, made);
  if (from.on_fault) {
    const last_reply* done = last_;
    either(before, done);
    handle_faults(*from.on_fault, made);
    either(done, last_);
  }
  if (from.finally) {
    const last_reply* done = last_;
    either(before, done);
    made.finally = steps(*from.finally);
    last_ = done;
  }
  if (auto* task = std::get_if<spawn_step>(&made.action)) give_to_task(made, *task);
  return made;
}

step_list script_builder::repeated(parsed_steps& parsed) {
  last_reply& first = states_.emplace_back(last_reply{{}, false, {last_}});
  last_ = &first;
  step_list made = steps(parsed);
  first.others.push_back(last_);
  return made;
}

void script_builder::check_savings(const unresolved_pairs& from, const script_step& step) {
  const auto* call = std::get_if<call_step>(&step.action);
  const auto* expect = std::get_if<expect_step>(&step.action);
  const expectation* what = call != nullptr ? &call->answer : expect != nullptr ? &expect->what : nullptr;
  static const std::vector<std::string> of_http{"status", "headers", "body"};
  for (const auto& [variable, path] : step.save) {
    const protocol::node* value = from.source->find(variable);
    const protocol::position where = value != nullptr ? value->where : from.where;
    const std::string head = path.substr(0, path.find('.'));
    if (std::holds_alternative<http_step>(step.action) && path != "*" &&
        std::ranges::find(of_http, head) == of_http.end())
      in_.mistakes.push_back({where, from.path, fmt::format("the result of 'http' has no field '{}'", head),
                              protocol::suggest_or_list(head, of_http)});
    if (what == nullptr) continue;
    if (what->count == 1)
      messages_.check_path(what->replies, path, where, from.path);
    else if (const auto dot = path.find('.'); dot != std::string::npos)  // a list of replies
      messages_.check_path(what->replies, path.substr(dot + 1), where, from.path);
  }
}

void script_builder::handle_faults(parsed_on_fault& from, script_step& step) {
  auto* task = std::get_if<spawn_step>(&step.action);
  if (from.word.empty()) {
    ++catching_;
    step.on_fault = steps(from.steps);
    --catching_;
  } else if (task != nullptr) {
    task->keeps_fault = from.word == "keep";
  } else {
    complain(from, fmt::format("'on_fault: {}' is only allowed with 'spawn'", from.word),
             "give a list of steps");
  }
}

send_step script_builder::message(const unresolved_name& name, const unresolved_values& with) {
  use(with.values, name.where, name.path);
  return messages_.message(direction::command, name, with);
}

json_template script_builder::condition(json_template where, const unresolved_name& beside) {
  use(where, beside.where, beside.path);
  constexpr std::string_view reply = "reply.";
  for_each_condition(where.unresolved(), [&](const std::string& path, const auto&) {
    if (path.starts_with(reply)) use_reply(path.substr(reply.size()), beside.where, beside.path);
  });
  if (auto mistake = condition_mistake(where.unresolved()); !mistake.empty())
    in_.mistakes.push_back({beside.where, beside.path, std::move(mistake), ""});
  return where;
}

json_template script_builder::match(unresolved_match& where, const std::vector<std::string>& replies) {
  if (where.source == nullptr) return {};
  use(where.values, where.source->where, where.path);
  if (auto mistake = condition_mistake(where.values.unresolved()); !mistake.empty())
    in_.mistakes.push_back({where.source->where, where.path, std::move(mistake), ""});
  messages_.check_match(replies, where);
  return std::move(where.values);
}

std::vector<std::pair<std::string, std::string>> script_builder::correlated(
    const unresolved_pairs& from, const std::string& command, const std::vector<std::string>& replies,
    const unresolved_values* with) {
  auto made = pairs(from);
  for (const auto& [ours, theirs] : made) {
    const protocol::node* value = from.source->find(ours);
    const protocol::position where = value != nullptr ? value->where : from.where;
    const bool exists = messages_.check_field(command, ours, where, from.path);
    if (exists && with != nullptr && is_left_out(with->values.unresolved(), ours))
      in_.mistakes.push_back(
          {where, from.path, fmt::format("'with' has no '{}' to correlate with", ours), "give it a value"});
    messages_.check_path(replies, theirs, where, from.path);
  }
  return made;
}

std::vector<std::pair<std::string, std::string>> script_builder::pairs(const unresolved_pairs& from) {
  std::vector<std::pair<std::string, std::string>> made;
  if (!from.map.is_object()) return made;
  for (const auto& [key, value] : from.map.items()) {
    if (value.is_string())
      made.emplace_back(key, value.get<std::string>());
    else
      in_.mistakes.push_back(
          {from.where, from.path, fmt::format("'{}' names no field", key), "names and paths must be texts"});
  }
  return made;
}

void script_builder::know_command(const unresolved_name& name, bool idempotent) {
  messages_.find(direction::command, name);
  if (idempotent) idempotent_.insert(name.text);
}

void script_builder::use_reference(const reference& what, protocol::position where, const std::string& path) {
  if (what.source == reference_source::reply) return use_reply(what.name, where, path);
  if (what.source == reference_source::fault && catching_ == 0)
    in_.mistakes.push_back({where, path, fmt::format("{} has no value here", written(what)),
                            "it has one in the steps of 'on_fault'"});
  if (what.source == reference_source::counter) counters_.insert(what.name);
  if (what.source != reference_source::var) return;
  variables_used_.push_back({what.name.substr(0, what.name.find('.')), where, path});
}

void script_builder::use_reply(std::string field, protocol::position where, const std::string& path) {
  replies_used_.push_back({{std::move(field), where, path}, last_});
}

void script_builder::check_uses_of_replies() {
  for (const reply_usage& each : replies_used_) {
    std::vector<const last_reply*> all{each.of};
    std::vector<std::string> replies;
    bool unknown = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      unknown |= all[i]->unknown;
      replies.insert(replies.end(), all[i]->replies.begin(), all[i]->replies.end());
      for (const last_reply* other : all[i]->others)
        if (std::ranges::find(all, other) == all.end()) all.push_back(other);
    }
    if (unknown) continue;
    std::ranges::sort(replies);
    replies.erase(std::ranges::unique(replies).begin(), replies.end());
    if (replies.empty())
      in_.mistakes.push_back(
          {each.where, each.path,
           fmt::format("${{reply:{}}} has no value here: no step before it receives a reply", each.name),
           "'save' keeps a value in a variable"});
    else
      messages_.check_path(replies, each.name, each.where, each.path);
  }
}

void script_builder::finish() {
  check_uses_of_replies();
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
