#include "config/load/session_builder.hpp"

#include <algorithm>

#include "config/load/message_builder.hpp"
#include "config/load/script_builder.hpp"

namespace duplexd::config {

using protocol::direction;

namespace {

std::shared_ptr<const login_settings> build_login(session_draft& draft, script_builder& make) {
  if (!draft.login_written) return nullptr;
  login_draft& written = *draft.login_written;
  login_settings login;
  login.json = std::move(written.json);
  if (login.json) make.use(*login.json, draft.where, "login.json");
  if (written.send) login.send = make.message(*written.send, written.with);
  if (written.steps) login.steps = make.steps(*written.steps, script_part::link);
  if (written.expect) {
    login.expect.emplace();
    login.expect->replies = make.replies(*written.expect);
    login.expect->check = make.condition(std::move(written.match), written.expect->front());
    login.expect->timeout = draft.timeouts.login;
  }
  login.reject = make.replies(written.reject);
  return std::make_shared<const login_settings>(std::move(login));
}

liveness_settings build_liveness(liveness_draft& written, script_builder& make) {
  liveness_settings made;
  made.ping_interval = written.ping_interval;
  made.idle_timeout = written.idle_timeout;
  if (written.heartbeat) {
    heartbeat_draft& beat = *written.heartbeat;
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
      out.expect->where = make.condition(std::move(beat.match), beat.expect->front());
      out.expect->timeout = beat.timeout;
    }
    out.action = beat.action;
    made.heartbeat = std::make_shared<const heartbeat_settings>(std::move(out));
  }
  for (freshness_draft& each : written.fresh) {
    make.replies({each.reply});
    made.fresh.push_back({each.reply.text, each.within, each.action});
  }
  for (sequence_draft& each : written.sequence) {
    make.replies({each.reply});
    made.sequence.push_back({each.reply.text, std::move(each.field), std::move(each.key), each.action});
  }
  return made;
}

std::map<std::string, command_settings> build_commands(session_draft& draft, script_builder& make) {
  std::map<std::string, command_settings> all;
  for (auto& [name, written] : draft.commands_written) {
    make.know_command(name, written.idempotent);
    command_settings& made = all[name.text];
    made.idempotent = written.idempotent;
    made.rate = written.rate;
    made.offline = written.offline;
    made.ttl = written.ttl;
    made.coalesces = written.coalesce.has_value();
    if (written.coalesce) made.coalesce = std::move(*written.coalesce);
    if (!written.confirm) continue;
    made.confirm.emplace();
    made.confirm->replies = make.replies(*written.confirm);
    made.confirm->where = make.condition(std::move(written.match), written.confirm->front());
    made.confirm->correlate = make.pairs(written.correlate, written.where, written.path + ".correlate");
    made.confirm->timeout = written.timeout;
  }
  return all;
}

simulate_settings build_simulation(const simulate_draft& written, message_builder& make) {
  simulate_settings simulate;
  simulate.answer_by_default = written.answer_by_default;
  for (const greeting_draft& each : written.login)
    simulate.login.push_back(make.message(direction::reply, each.send, each.with));
  for (const answer_draft& each : written.answers) {
    auto rule = std::find_if(simulate.answers.begin(), simulate.answers.end(),
                             [&](const simulate_answer& known) { return known.command == each.to.text; });
    if (rule == simulate.answers.end()) {
      make.find(direction::command, each.to);
      rule = simulate.answers.insert(rule, {each.to.text, {}});
    }
    if (each.send) rule->replies.push_back(make.message(direction::reply, *each.send, each.with));
  }
  for (const push_draft& each : written.pushes) {
    send_step what = make.message(direction::reply, each.send, each.with);
    simulate.pushes.push_back({std::move(what.command), std::move(what.with), each.after, each.every});
  }
  return simulate;
}

}  // namespace

session_settings build_session(session_draft draft, reading& in) {
  message_builder messages(draft.protocol, in);
  script_builder make(messages, in);
  draft.commands = build_commands(draft, make);
  draft.before = make.steps(draft.before_written, script_part::before);
  draft.login = build_login(draft, make);
  draft.liveness = build_liveness(draft.liveness_written, make);
  draft.subscribe = make.steps(draft.subscribe_written, script_part::link);
  draft.script = make.steps(draft.script_written, script_part::link);
  for (handler_draft& each : draft.on_written)
    draft.on.push_back({make.replies(each.reply), make.condition(std::move(each.match), each.reply.front()),
                        make.steps(each.body, script_part::handler)});
  for (const text_template& url : draft.urls) make.use(url, draft.where, "url");
  for (const auto& [name, text] : draft.headers) make.use(text, draft.where, "headers." + name);
  if (draft.active_written) {
    std::string error;
    draft.active = active_hours(draft.active_written->time_zone, draft.active_written->windows, error);
    if (!error.empty())
      in.mistakes.push_back({draft.active_written->where, draft.active_written->path, std::move(error), ""});
  }
  if (draft.renew.after) make.use(*draft.renew.after, draft.where, "renew.after");
  if (draft.renew.at) make.use(*draft.renew.at, draft.where, "renew.at");
  make.finish();
  draft.simulate = build_simulation(draft.simulate_written, messages);
  session_settings& whole = draft;  // without what was written in another form
  return std::move(whole);
}

}  // namespace duplexd::config
