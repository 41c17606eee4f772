#include "config/load/script_builder.hpp"

#include <fmt/format.h>

#include "config/fields/field.hpp"
#include "config/script/match.hpp"
#include "config/value/suggest.hpp"

namespace duplexd::config {

using protocol::direction;

namespace {
constexpr milliseconds usual_timeout{30'000};  // of a reply
}

step_list script_builder::steps(parsed_steps& written, script_part part) {
  step_list made;
  made.reserve(written.size());
  for (parsed_step& each : written) made.push_back(step(each, part));
  gather_bursts(made);
  return made;
}

void script_builder::complain(const parsed_step& at, std::string message, std::string hint) {
  in_.mistakes.push_back({at.where, at.path, std::move(message), std::move(hint)});
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
                                suggest(each.name, {known.begin(), known.end()})});
  };
  check(variables_used_, variables_, "saves or sets the variable");
  check(tasks_used_, tasks_, "spawns the task");
}

script_step script_builder::step(parsed_step& from, script_part part) {
  script_step made;
  made.where = from.where;
  check_place(from, part);
  build_action(from, part, made);
  if (from.timeout) use(*from.timeout, from.where, from.path);
  made.timeout = std::move(from.timeout);
  made.save = pairs(from.save, from.where, from.path + ".save");
  for (const auto& [variable, path] : made.save) variables_.insert(variable);
  if (from.on_fault) made.on_fault = steps(*from.on_fault, part);
  return made;
}

void script_builder::check_place(const parsed_step& from, script_part part) {
  const bool talks = from.send || from.call || from.json || from.expect || from.echo || from.reconnect;
  if (part == script_part::before && talks)
    complain(from, "this step is not allowed under 'before', when there is no connection yet",
             "put it into the script");
  if (part == script_part::before && (from.spawn || from.every || from.wait || from.cancel))
    complain(from, "background tasks are not allowed before there is a connection", "use gather");
  if (part != script_part::handler && from.echo)
    complain(from, "'echo' is only allowed in a handler", "put it under 'on'");
  const bool needs_body = from.every || from.spawn || from.repeat;
  if (needs_body && from.body.empty()) complain(from, "the field 'do' is missing");
  if (from.condition && from.then.empty() && from.otherwise.empty())
    complain(from, "'if' without 'then' or 'else' does nothing");
  if (from.call && !from.reply)
    complain(from, "the field 'reply' is missing", "the reply that answers the call");
}

expectation script_builder::expected(const unresolved_names& names, parsed_step& from, milliseconds timeout) {
  expectation made;
  made.replies = messages_.replies(names);
  made.where = condition(std::move(from.match), names.front());
  made.check = condition(std::move(from.check), names.front());
  made.correlate = pairs(from.correlate, from.where, from.path + ".correlate");
  made.count = from.count;
  made.timeout = timeout;
  if (!from.timeout) return made;
  // What is waited for has the time itself, so that its absence can be told from other faults.
  made.timeout = from.timeout->text ? milliseconds{0} : from.timeout->fixed;
  if (!from.timeout->text) from.timeout.reset();
  return made;
}

call_step script_builder::call(parsed_step& from, const unresolved_name& command) {
  call_step made;
  made.command = message(command, from.with);
  if (from.reply) made.answer = expected(*from.reply, from, usual_timeout);
  made.retries = from.retries;
  if (made.retries > 0 && !idempotent_.contains(made.command.command))
    complain(from, fmt::format("'{}' cannot be retried", made.command.command),
             fmt::format("if sending it twice is harmless, set commands: {{{}: {{idempotent: true}}}}",
                         made.command.command));
  return made;
}

std::vector<step_list> script_builder::branches(std::vector<parsed_branch>& from, script_part part) {
  std::vector<step_list> made;
  for (parsed_branch& each : from)
    if (each.task.empty()) made.push_back(steps(each.steps, part));
  return made;
}

wait_step script_builder::wait(parsed_step& from, std::vector<parsed_branch>& awaited, script_part part) {
  wait_step made;
  for (const parsed_branch& each : awaited) {
    if (each.task.empty()) continue;
    made.tasks.push_back(each.task);
    tasks_used_.push_back({each.task, from.where, from.path + ".wait"});
  }
  made.branches = branches(awaited, part);
  if (from.until && from.until->match)
    in_.mistakes.push_back({from.until->where, from.until->path,
                            "'until' must be a word when used with 'wait'", "all, first or first_error"});
  if (from.until) made.until = from.until->word.value_or(wait_until::all);
  return made;
}

repeat_step script_builder::repeat(parsed_step& from, std::uint16_t times, script_part part) {
  repeat_step made;
  made.times = times;
  if (from.until && from.until->word)
    in_.mistakes.push_back({from.until->where, from.until->path,
                            "'until' must be a map when used with 'repeat'",
                            "variables, or reply.FIELD, and their values"});
  if (from.until && from.until->match)
    made.until = condition(std::move(*from.until->match), {"", from.until->where, from.until->path});
  made.body = steps(from.body, part);
  return made;
}

http_step script_builder::http(parsed_http& from) {
  use(from.url, from.where, from.path + ".url");
  for (const auto& [name, text] : from.headers) use(text, from.where, from.path + ".headers");
  if (from.json) use(*from.json, from.where, from.path + ".json");
  if (from.body) use(*from.body, from.where, from.path + ".body");
  if (from.json && from.body)
    in_.mistakes.push_back({from.where, from.path, "'json' and 'body' cannot be used together", ""});
  return {from.method,          std::move(from.url),  std::move(from.headers),
          std::move(from.json), std::move(from.body), from.timeout};
}

// Not what is made with a key: only the secret itself.
void script_builder::warn_of_visible(const std::vector<text_template>& command_line, const parsed_step& at) {
  for (const text_template& part : command_line)
    for (const reference& what : part.references()) {
      const bool secret =
          what.source == reference_source::credential || what.source == reference_source::file;
      const std::string text = written(what);
      if (!secret || part.display().find(text.substr(0, text.size() - 1)) == std::string::npos) continue;
      in_.warnings.push_back(
          {at.where, at.path + ".exec",
           fmt::format("everybody on the machine can see {} in a program's arguments", text),
           "give it by 'input' or 'env'"});
    }
}

exec_step script_builder::exec(parsed_step& from, std::vector<text_template>& command_line) {
  for (const text_template& part : command_line) use(part, from.where, from.path + ".exec");
  warn_of_visible(command_line, from);
  use(from.input, from.where, from.path + ".input");
  for (const auto& [name, text] : from.environment) use(text, from.where, from.path + ".env." + name);
  if (command_line.empty()) complain(from, "the program is missing");
  exec_step made{std::move(command_line), std::move(from.input), usual_timeout, std::move(from.environment)};
  if (from.timeout && !from.timeout->text) made.timeout = from.timeout->fixed;
  return made;
}

void script_builder::build_action(parsed_step& from, script_part part, script_step& out) {
  if (from.sleep) {
    use(*from.sleep, from.where, from.path);
    out.action = sleep_step{std::move(*from.sleep)};
  } else if (from.send) {
    out.action = message(*from.send, from.with);
  } else if (from.call) {
    out.action = call(from, *from.call);
  } else if (from.json) {
    use(*from.json, from.where, from.path);
    out.action = json_step{std::move(*from.json)};
  } else if (from.echo) {
    out.action = echo_step{};
  } else if (from.expect) {
    out.action = expect_step{expected(*from.expect, from, usual_timeout)};
  } else if (from.every) {
    use(*from.every, from.where, from.path);
    if (!from.every->text && from.every->fixed.count() == 0)
      complain(from, "'every' needs an interval above 0", "use repeat, or at least 1ms");
    out.action = every_step{std::move(*from.every), from.jitter, steps(from.body, part)};
  } else if (from.gather) {
    out.action = gather_step{branches(*from.gather, part)};
  } else if (from.race) {
    out.action = race_step{branches(*from.race, part)};
  } else if (from.wait) {
    out.action = wait(from, *from.wait, part);
  } else if (from.spawn) {
    if (!tasks_.insert(*from.spawn).second)
      complain(from, fmt::format("there is already a task {}", in_quotes(*from.spawn)),
               "give it another name");
    out.action = spawn_step{*from.spawn, steps(from.body, part)};
  } else if (from.cancel) {
    tasks_used_.push_back({*from.cancel, from.where, from.path + ".cancel"});
    out.action = cancel_step{*from.cancel};
  } else if (from.set) {
    use(*from.set, from.where, from.path);
    for (const auto& [variable, value] : from.set->unresolved().items()) variables_.insert(variable);
    out.action = set_step{std::move(*from.set)};
  } else if (from.http) {
    out.action = http(*from.http);
  } else if (from.exec) {
    out.action = exec(from, *from.exec);
  } else if (from.condition) {
    auto condition_of = condition(std::move(*from.condition), {"", from.where, from.path + ".if"});
    auto then = steps(from.then, part);
    auto otherwise = steps(from.otherwise, part);
    out.action = if_step{std::move(condition_of), std::move(then), std::move(otherwise)};
  } else if (from.repeat) {
    out.action = repeat(from, *from.repeat, part);
  } else if (from.fail) {
    use(*from.fail, from.where, from.path);
    out.action = fail_step{std::move(*from.fail)};
  } else if (from.reconnect) {
    use(*from.reconnect, from.where, from.path);
    out.action = reconnect_step{std::move(*from.reconnect)};
  }
}

}  // namespace duplexd::config
