#include "config/load/session_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/fields/message_builder.hpp"
#include "config/fields/output_checks.hpp"
#include "config/fields/output_fields.hpp"
#include "config/fields/script_builder.hpp"
#include "config/script/match.hpp"
#include "config/value/json_size.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::config {

using protocol::direction;

namespace {

std::shared_ptr<const login_settings> build_login(parsed_session& parsed, script_builder& make) {
  if (!parsed.unresolved_login) return nullptr;
  parsed_login& written = *parsed.unresolved_login;
  login_settings login;
  login.json = std::move(written.json);
  if (login.json) make.use(*login.json, parsed.where, "login.json");
  if (written.send) login.send = make.message(*written.send, written.with);
  if (written.steps) login.steps = make.steps(*written.steps, script_part::link);
  if (written.expect) {
    login.expect.emplace();
    login.expect->replies = make.replies(*written.expect);
    login.expect->check = make.match(written.match, login.expect->replies);
    login.expect->timeout = parsed.timeouts.login;
    make.received(login.expect->replies);
  }
  login.reject = make.replies(written.reject);
  return std::make_shared<const login_settings>(std::move(login));
}

liveness_settings build_liveness(parsed_liveness& written, script_builder& make) {
  liveness_settings made;
  made.ping_interval = written.ping_interval;
  made.idle_timeout = written.idle_timeout;
  made.send_timeout = written.send_timeout;
  if (written.heartbeat) {
    parsed_heartbeat& beat = *written.heartbeat;
    heartbeat_settings out;
    make.use(beat.every, beat.where, beat.path);
    out.every = std::move(beat.every);
    if (beat.json) {
      make.use(*beat.json, beat.where, beat.path);
      out.message = std::move(*beat.json);
    } else if (beat.send) {
      out.message = make.message(*beat.send, beat.with);
    }
    if (beat.expect) {
      out.expect.emplace();
      out.expect->replies = make.replies(*beat.expect);
      out.expect->where = make.match(beat.match, out.expect->replies);
      out.expect->timeout = beat.timeout;
    }
    out.action = beat.action;
    made.heartbeat = std::make_shared<const heartbeat_settings>(std::move(out));
  }
  for (parsed_freshness& each : written.fresh) {
    make.replies({each.reply});
    made.fresh.push_back({each.reply.text, each.within, each.action});
  }
  for (parsed_sequence& each : written.sequence) {
    const auto replies = make.replies({each.reply});
    make.check_path(replies, each.field, each.reply.where, each.reply.path);
    for (const std::string& key : each.key) make.check_path(replies, key, each.reply.where, each.reply.path);
    made.sequence.push_back(
        {each.reply.text, std::move(each.field), std::move(each.key), each.action, each.durable});
  }
  if (written.lag) made.lag = *written.lag;
  return made;
}

std::optional<lag_settings> build_lag(parsed_session& parsed, script_builder& make, reading& in) {
  const std::optional<parsed_lag_limit>& limit = parsed.unresolved_liveness.lag;
  if (!parsed.unresolved_lag) {
    if (limit)
      in.mistakes.push_back({limit->where, limit->path, "the session does not say which field has the time",
                             "add lag: {reply: REPLY, field: FIELD} to the session"});
    return std::nullopt;
  }
  parsed_lag& written = *parsed.unresolved_lag;
  make.check_path(make.replies({written.reply}), written.field, written.reply.where, written.reply.path);
  return lag_settings{written.reply.text, std::move(written.field), written.unit};
}

std::map<std::string, command_settings> build_commands(parsed_session& parsed, script_builder& make,
                                                       reading& in) {
  std::map<std::string, command_settings> all;
  for (auto& [name, written] : parsed.unresolved_commands) {
    make.know_command(name, written.idempotent);
    command_settings& made = all[name.text];
    made.idempotent = written.idempotent;
    made.rate = written.rate;
    made.durable = written.durable;
    made.offline = written.offline.value_or(written.durable ? offline_policy::queue : offline_policy::fail);
    if (made.durable && made.offline != offline_policy::queue)
      in.mistakes.push_back({written.where, written.path + ".offline",
                             "a durable command waits for a connection",
                             "set offline: queue, or leave it out"});
    made.ttl = written.ttl;
    made.coalesces = written.coalesce.has_value();
    if (written.coalesce) made.coalesce = std::move(*written.coalesce);
    for (const std::string& field : made.coalesce)
      make.check_field(name.text, field, written.where, written.path + ".coalesce");
    if (!written.confirm) continue;
    made.confirm.emplace();
    made.confirm->replies = make.replies(*written.confirm);
    made.confirm->where = make.match(written.match, made.confirm->replies);
    made.confirm->correlate = make.correlated(written.correlate, name.text, made.confirm->replies);
    made.confirm->timeout = written.timeout;
  }
  return all;
}

/// A server has no steps: what only they give is none of its values. `command`: what it answers, if it does.
void check_simulated(const simulated_values& with, const std::string& command, message_builder& make,
                     reading& in) {
  for (const reference& each : with.values.references()) {
    if (each.source == reference_source::reply && !command.empty()) {
      make.check_field(command, each.name, with.source->where, with.path);
      continue;
    }
    const bool is_ours = is_outside(each.source) || each.source == reference_source::literal ||
                         each.source == reference_source::nonce || each.source == reference_source::time;
    if (is_ours) continue;
    const std::string text =
        each.source == reference_source::reply ? "${command:" + each.name + "}" : written(each);
    in.mistakes.push_back({with.source->where, with.path,
                           fmt::format("{} has no value in a simulated server", text),
                           "${command:FIELD}, in an answer, is a field of the command that is answered"});
  }
}

simulate_settings build_simulation(const parsed_simulate& written, message_builder& make, reading& in) {
  for (const parsed_greeting& each : written.login) check_simulated(each.with, "", make, in);
  for (const parsed_answer& each : written.answers) check_simulated(each.with, each.to.text, make, in);
  for (const parsed_push& each : written.pushes) check_simulated(each.with, "", make, in);
  simulate_settings simulate;
  simulate.answer_by_default = written.answer_by_default;
  for (const parsed_greeting& each : written.login)
    simulate.login.push_back(make.message(direction::reply, each.send, each.with));
  for (const parsed_answer& each : written.answers) {
    auto rule = std::find_if(simulate.answers.begin(), simulate.answers.end(),
                             [&](const simulate_answer& known) { return known.command == each.to.text; });
    if (rule == simulate.answers.end()) {
      make.find(direction::command, each.to);
      rule = simulate.answers.insert(rule, {each.to.text, {}});
    }
    if (each.send) rule->replies.push_back(make.message(direction::reply, *each.send, each.with));
  }
  for (const parsed_push& each : written.pushes) {
    send_step what = make.message(direction::reply, each.send, each.with);
    simulate.pushes.push_back({std::move(what.command), std::move(what.with), each.after, each.every});
  }
  return simulate;
}

/// The form that an output's records have if a route does not say another.
const record_settings* form_of(const std::string& name, const std::vector<output_settings>& outputs) {
  static const record_settings lines;
  const auto found = std::ranges::find(outputs, name, &output_settings::name);
  if (found != outputs.end()) return &found->record;
  return name == standard_output_name ? &lines : nullptr;
}

std::vector<output_route> build_routes(const std::vector<parsed_route>& written,
                                       const std::vector<output_settings>& outputs, script_builder& make,
                                       reading& in) {
  std::vector<output_route> routes;
  for (const parsed_route& each : written) {
    const auto complain = [&](std::string message, std::string hint) {
      in.mistakes.push_back({each.where_written, each.path, std::move(message), std::move(hint)});
    };
    const record_settings* form = form_of(each.to.text, outputs);
    if (form == nullptr) {
      std::vector<std::string> names{std::string(standard_output_name)};
      for (const output_settings& known : outputs) names.push_back(known.name);
      complain(fmt::format("there is no output '{}'", each.to.text),
               protocol::suggest_or_list(each.to.text, names));
      continue;
    }
    if (auto mistake = condition_mistake(each.where); !mistake.empty()) complain(std::move(mistake), "");
    output_route& route = routes.emplace_back();
    route.to = each.to.text;
    route.replies = make.replies(each.replies);
    route.where = each.where;
    for_each_condition(each.where, [&](const std::string& path, const auto&) {
      make.check_path(route.replies, path, each.where_written, each.path + ".where");
    });
    const auto check_columns = [&](const std::string& column, std::string_view field) {
      make.check_path(route.replies, value_path(column), each.where_written,
                      fmt::format("{}.{}", each.path, field));
    };
    route.record = each.form ? record_settings{*each.form, each.columns, each.parts} : *form;
    if (route.record.form == record_form::csv && !each.columns.empty()) route.record.columns = each.columns;
    for (const std::string& column : route.record.columns) check_columns(column, "columns");
    for (const template_part& part : route.record.parts) check_columns(part.column, "template");
    if (route.record.form == record_form::csv && route.record.columns.empty())
      complain("csv needs its columns", "add columns: [time, FIELD]");
    const auto defined = std::ranges::find(outputs, each.to.text, &output_settings::name);
    if (defined != outputs.end() && defined->type == output_type::http && !is_json(route.record.form))
      complain("an output of type http writes json or ndjson", "");
    if (route.record.form == record_form::text && route.record.parts.empty())
      complain("format: template needs a template", R"(add template: "${time} ${FIELD}\n")");
  }
  return routes;
}

/// After the steps: what none of them sets stays as it is.
std::map<std::string, variable_settings> build_variables(parsed_session& parsed, script_builder& make,
                                                         reading& in) {
  std::map<std::string, variable_settings> all;
  std::uint64_t bytes = 0;
  for (auto& [name, variable] : parsed.unresolved_variables) {
    const auto complain = [&, &at = name](std::string message, std::string hint) {
      in.mistakes.push_back({at.where, at.path, std::move(message), std::move(hint)});
    };
    if (name.text.empty() || name.text.find_first_of(".:") != std::string::npos)
      complain("a variable's name has no '.' and no ':'", "");
    const bool is_set = make.knows_variable(name.text);
    if (!variable.durable && !variable.initial)
      complain("it says nothing", "add initial: VALUE, or durable: true");
    else if (variable.durable && !is_set && !make.knows_counter(name.text))
      complain("it is durable, but no step sets it", "add a step: {set: {" + name.text + ": VALUE}}");
    if (variable.initial) {
      bytes += name.text.size() + size_in_memory(*variable.initial);
      make.know_variable(name.text);
    }
    all[name.text] = std::move(variable);
  }
  if (bytes > parsed.limits.variables)
    in.mistakes.push_back({parsed.where, "sessions." + parsed.name + ".variables",
                           fmt::format("the initial values take {} bytes, limits.variables allows {}", bytes,
                                       parsed.limits.variables),
                           ""});
  if (all.size() > most_variables)
    in.mistakes.push_back(
        {parsed.where, "sessions." + parsed.name + ".variables",
         fmt::format("there are {} variables, at most {} have settings", all.size(), most_variables), ""});
  return all;
}

/// What is acknowledged must be kept somewhere.
void check_handlers(const parsed_session& parsed, const std::vector<output_settings>& outputs, reading& in) {
  const auto gets = [&](const output_route& route, const std::string& reply) {
    return route.replies.empty() || std::ranges::find(route.replies, reply) != route.replies.end();
  };
  const auto keeps = [&](const output_route& route, const std::string& reply) {
    const auto to = std::ranges::find(outputs, route.to, &output_settings::name);
    return to != outputs.end() && to->durable && gets(route, reply);
  };
  const auto complain = [&](const parsed_handler& of, std::string message, std::string hint) {
    in.mistakes.push_back({of.after.output.where, of.path + ".after", std::move(message), std::move(hint)});
  };
  for (const parsed_handler& each : parsed.unresolved_on) {
    if (each.after.when == handler_time::arrival) continue;
    const std::string& name = each.after.output.text;
    const bool waits_for_one = each.after.when == handler_time::taken;
    const auto output = std::ranges::find(outputs, name, &output_settings::name);
    if (waits_for_one && (output == outputs.end() || !output->durable)) {
      if (output == outputs.end() && name != standard_output_name)
        complain(each, fmt::format("there is no output '{}'", name),
                 "arrival, journaled or a durable output");
      else
        complain(each, fmt::format("the output '{}' is not durable: nobody knows what it has taken", name),
                 "add durable: true to it");
      continue;
    }
    for (const unresolved_name& reply : each.reply)
      if (std::ranges::none_of(parsed.outputs, [&](const output_route& route) {
            return waits_for_one ? route.to == name && gets(route, reply.text) : keeps(route, reply.text);
          }))
        complain(each,
                 waits_for_one
                     ? fmt::format("the output '{}' does not get the reply '{}'", name, reply.text)
                     : fmt::format("no durable output of the session gets the reply '{}'", reply.text),
                 waits_for_one ? "add it to the session's outputs"
                               : "add an output with durable: true to the session's outputs");
  }
}

}  // namespace

session_settings build_session(parsed_session parsed, const std::vector<output_settings>& outputs,
                               reading& in) {
  message_builder messages(parsed.protocol, in);
  script_builder make(messages, in);
  for (const auto& [name, variable] : parsed.unresolved_variables)
    if (variable.durable) make.know_durable(name.text);
  parsed.commands = build_commands(parsed, make, in);
  parsed.before = make.steps(parsed.unresolved_before, script_part::before);
  for (const text_template& url : parsed.urls) make.use(url, parsed.where, "url");
  for (const auto& [name, text] : parsed.headers) make.use(text, parsed.where, "headers." + name);
  parsed.login = build_login(parsed, make);
  const last_reply* const of_login = make.last();
  if (parsed.renew.after) make.use(*parsed.renew.after, parsed.where, "renew.after");
  if (parsed.renew.at) make.use(*parsed.renew.at, parsed.where, "renew.at");
  parsed.liveness = build_liveness(parsed.unresolved_liveness, make);
  parsed.lag = build_lag(parsed, make, in);
  parsed.subscribe = make.steps(parsed.unresolved_subscribe, script_part::link);
  parsed.script = make.steps(parsed.unresolved_script, script_part::link);
  const close_settings& written = parsed.unresolved_close;
  parsed.close = written;
  make.go_on_from(of_login);
  parsed.close.steps = make.steps(parsed.unresolved_close.unresolved_steps, script_part::closing);
  for (parsed_handler& each : parsed.unresolved_on) {
    handler made{make.replies(each.reply), {}, {}, each.after.when, {}};
    if (made.after == handler_time::taken) made.taken_by = each.after.output.text;
    make.received(made.replies);
    made.where = make.match(each.match, made.replies);
    made.body = make.steps(each.body, script_part::handler);
    parsed.on.push_back(std::move(made));
  }
  if (parsed.unresolved_active) {
    std::string error;
    parsed.active =
        active_hours(parsed.unresolved_active->time_zone, parsed.unresolved_active->windows, error);
    if (!error.empty())
      in.mistakes.push_back(
          {parsed.unresolved_active->where, parsed.unresolved_active->path, std::move(error), ""});
  }
  parsed.outputs = build_routes(parsed.unresolved_outputs, outputs, make, in);
  check_handlers(parsed, outputs, in);
  parsed.variables = build_variables(parsed, make, in);
  make.finish();
  parsed.simulate = build_simulation(parsed.unresolved_simulate, messages, in);
  session_settings& whole = parsed;  // without what was written in another form
  return std::move(whole);
}

}  // namespace duplexd::config
