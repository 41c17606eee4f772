#include "daemon/control/control_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/control/dashboard_page.hpp"
#include "daemon/control/describe_commands.hpp"
#include "daemon/control/log_change.hpp"
#include "daemon/control/readiness.hpp"
#include "daemon/event/timestamp.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/task_group.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd {

namespace {

using net::refuse;
using net::served_answer;
using nlohmann::ordered_json;

constexpr net::server_limits control_limits{.own_pages = true};
constexpr mode_t socket_mode = 0660;
constexpr unsigned most_a_page = 1000;
constexpr unsigned usual_page = 100;
constexpr unsigned longest_wait = 300;  // seconds
constexpr unsigned usual_wait = 30;
constexpr std::size_t most_of_name = 80;  // bytes of what a client calls itself
served_answer json_answer(const ordered_json& what, unsigned status = 200) {
  served_answer made;
  made.status = status;
  made.body = what.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  return made;
}

/// In a time that says nothing about where they differ.
bool is_same_secret(std::string_view given, std::string_view wanted) noexcept {
  unsigned difference = given.size() == wanted.size() ? 0U : 1U;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(wanted.empty() ? '\0' : wanted[i % wanted.size()]);
  return difference == 0 && !wanted.empty();
}

/// Who asks, for the audit: what the kernel knows, and what the client calls itself.
std::string client_of(const net::served_request& request) {
  const std::string* const name = request.head.first("User-Agent");
  return name == nullptr ? request.who
                         : fmt::format("{} ({})", request.who, protocol::printable(*name, most_of_name));
}

}  // namespace

control_server::control_server(asio::io_context& loop, clock& time, telemetry& log,
                               const secret_index& secrets, control_target& target,
                               const config::control_settings& settings, std::string version)
    : loop_(loop),
      time_(time),
      log_(log),
      secrets_(secrets),
      target_(target),
      settings_(settings),
      version_(std::move(version)),
      noted_(loop.get_executor()),
      local_(loop, settings.hosts, control_limits,
             [this](const net::served_request& request) { return answer(request, api_role::operate); }),
      viewing_(loop, settings.hosts, control_limits,
               [this](const net::served_request& request) { return answer(request, api_role::view); }),
      remote_(loop, settings.hosts, control_limits,
              [this](const net::served_request& request) { return answer_with_token(request); }) {}

std::optional<std::string> control_server::open(session_list sessions,
                                                const std::vector<control_socket>& sockets) {
  sessions_ = std::move(sessions);
  for (const control_socket& each : sockets) {
    const bool is_for_viewers = each.role == api_role::view;
    net::http_server& server = is_for_viewers ? viewing_ : local_;
    if (each.handle >= 0)
      server.listen(each.handle);
    else if (auto why = server.listen(each.path, socket_mode))
      return why;
    addresses_.push_back(each.path + (is_for_viewers ? " (view only)" : ""));
  }
  if (settings_.listen) {
    config::listen_address address = *settings_.listen;
    if (auto why = remote_.listen(address)) return why;
    addresses_.push_back(config::text_of(address));
  }
  return std::nullopt;
}

namespace {

asio::awaitable<int> run_one(net::http_server& server) {
  co_await server.run();
  co_return 0;
}

}  // namespace

asio::awaitable<void> control_server::run() {
  task_group<int> tasks{loop_.get_executor()};
  tasks.spawn(0, run_one(local_));
  tasks.spawn(1, run_one(viewing_));
  tasks.spawn(2, run_one(remote_));
  co_await tasks.next();
  co_await tasks.join();
}

void control_server::note(const std::string& session, const submission& what) {
  ledger_.note(session, what);
  noted_.notify();
}

std::shared_ptr<session> control_server::find(const std::string& name) const {
  const auto found = std::ranges::find(sessions_, name, [](const auto& each) { return each->name(); });
  return found == sessions_.end() ? nullptr : *found;
}

void control_server::update(session_list sessions) {
  for (const auto& each : sessions) {
    if (std::ranges::find(sessions_, each) != sessions_.end()) continue;
    for (event_follower* follower : followers_) each->attach(*follower);
  }
  for (const auto& each : sessions_) {
    if (std::ranges::find(sessions, each) != sessions.end()) continue;
    for (const event_follower* follower : followers_) each->detach(*follower);
  }
  sessions_ = std::move(sessions);
}

asio::awaitable<served_answer> control_server::answer_with_token(const net::served_request& request) {
  constexpr std::string_view scheme = "Bearer ";
  if (auto page = dashboard_page(request.head.method, request.path)) co_return std::move(*page);
  if (!settings_.token) co_return refuse(503, "the configuration has no control.token");
  const std::string* const field = request.head.first("Authorization");
  const bool is_given = field != nullptr && field->starts_with(scheme);
  const std::string_view given = is_given ? std::string_view(*field).substr(scheme.size()) : "";
  const auto fits = [given](const config::resolved<std::string>& wanted) {
    return wanted && is_same_secret(given, wanted.value);
  };
  const auto wanted = settings_.token->resolve();
  bool is_good = is_given && fits(wanted);
  api_role role = api_role::operate;
  if (is_given && !is_good && settings_.view_token) {
    is_good = fits(settings_.view_token->resolve());
    role = api_role::view;
  }
  if (!is_good && !wanted)
    co_return refuse(503, "the token cannot be read: see the configuration's control.token");
  if (!is_good) {
    served_answer refused = refuse(401, "a token is required: Authorization: Bearer TOKEN");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    co_return refused;
  }
  served_answer made = co_await answer(request, role);
  co_return made;
}

asio::awaitable<served_answer> control_server::answer(const net::served_request& request, api_role role) {
  if (auto page = dashboard_page(request.head.method, request.path)) co_return std::move(*page);
  const api_match found = match_api(request.head.method, request.path);
  if (found.route == nullptr) {
    served_answer refused = found.allow.empty()
                                ? refuse(404, "there is no such path: see /api/v1/openapi.json")
                                : refuse(405, "the path does not have this method");
    if (!found.allow.empty()) refused.headers.emplace_back("Allow", found.allow);
    co_return refused;
  }
  if (found.route->role == api_role::operate && role == api_role::view)
    co_return refuse(
        403, fmt::format("{} needs the role operate, and this client has the role view", found.route->id));
  std::string error;
  const parameters query = read_query(*found.route, request.query, error);
  if (!error.empty()) co_return refuse(400, error);
  question asked{request, *found.route, query, role};
  const auto name = found.parts.find("name");
  if (name != found.parts.end()) {
    asked.about = find(name->second);
    if (asked.about == nullptr)
      co_return refuse(404, fmt::format("there is no session '{}'", protocol::printable(name->second, 80)));
  }
  if (const auto id = found.parts.find("id"); id != found.parts.end()) asked.id = id->second;
  if (found.route->what == api_operation::send_command) {
    served_answer sent = co_await send(std::move(asked));
    co_return sent;
  }
  if (found.route->what == api_operation::reload) {
    served_answer reloaded = co_await reload(std::move(asked));
    co_return reloaded;
  }
  co_return act(asked);
}

served_answer control_server::act(const question& asked) {
  const auto acted = [&] {
    log_.record("", happening::operated{client_of(asked.request),
                                        fmt::format("{} {}", asked.route.id, asked.about->name())});
    return json_answer(describe_session(*asked.about, true));
  };
  switch (asked.route.what) {
    case api_operation::list_sessions:
      return list(asked.query, asked.role);
    case api_operation::show_session:
      return json_answer(describe_session(*asked.about, true));
    case api_operation::list_commands:
      return json_answer(
          {{"session", asked.about->name()}, {"commands", describe_commands(asked.about->messages())}});
    case api_operation::show_command:
      return show_command(*asked.about, asked.id);
    case api_operation::cancel_command:
      return cancel_command(asked);
    case api_operation::pause:
      asked.about->pause();
      return acted();
    case api_operation::resume:
      asked.about->resume();
      return acted();
    case api_operation::reconnect:
      asked.about->reconnect();
      return acted();
    case api_operation::drain:
      asked.about->drain();
      return acted();
    case api_operation::follow_events:
      return follow(asked);
    case api_operation::show_log:
      return json_answer(describe(target_.levels()));
    case api_operation::set_log_level:
      return set_log_level(asked);
    case api_operation::describe_api:
      return json_answer(openapi_document(version_));
    case api_operation::send_command:
    case api_operation::reload:
      break;
  }
  return refuse(500, "this operation is not here");
}

ordered_json control_server::describe_session(const session& which, bool whole) const {
  const auto now = time_.now();
  const session_status status = which.status();
  ordered_json report{{"session", which.name()}, {"required", which.required()}};
  report.update(describe(status, now, secrets_));
  if (status.round_trip) report["round_trip_ms"] = static_cast<double>(status.round_trip->count()) / 1000.0;
  if (status.certificate_end) report["certificate_expires"] = timestamp(*status.certificate_end);
  if (which.lag().rule()) report["lag"] = describe_lag(which.lag(), status);
  report["queued"] = status.queued;
  report["unconfirmed"] = status.unconfirmed;
  report["unsent_bytes"] = status.unsent;
  if (!whole) return report;
  const session_counters& counted = which.counters();
  report["counts"] = {{"attempts", counted.attempts},
                      {"connections", counted.connections},
                      {"logins", counted.logins},
                      {"faults", counted.faults},
                      {"undecodable", counted.undecodable},
                      {"received_bytes", counted.received},
                      {"sent_messages", which.given().messages},
                      {"sent_bytes", which.given().bytes},
                      {"commands", counted.submitted},
                      {"commands_unsuccessful", counted.unsuccessful}};
  ordered_json replies = ordered_json::object();
  const auto& types = which.messages().types(protocol::direction::reply);
  for (std::size_t i = 0; i < counted.replies.size(); ++i)
    replies[protocol::name_of(types[i])] = counted.replies[i];
  report["replies"] = std::move(replies);
  return report;
}

served_answer control_server::list(const parameters& query, api_role role) const {
  const auto limit = query_number(query, "limit", 1, most_a_page, usual_page);
  if (!limit) return refuse(400, fmt::format("'limit' is a number from 1 to {}", most_a_page));
  auto at = sessions_.begin();
  if (const auto after = query.find("after"); after != query.end()) {
    at = std::ranges::find(sessions_, after->second, [](const auto& each) { return each->name(); });
    if (at == sessions_.end()) return refuse(400, "'after' names no session");
    ++at;
  }
  ordered_json page{{"sessions", ordered_json::array()}};
  for (unsigned i = 0; i < *limit && at != sessions_.end(); ++i, ++at)
    page["sessions"].push_back(describe_session(**at, false));
  if (at != sessions_.end() && !page["sessions"].empty()) page["next"] = page["sessions"].back()["session"];
  page["role"] = name_of(role);
  return json_answer(page);
}

served_answer control_server::show_command(const session& of, const std::string& id) const {
  const auto* known = ledger_.find_any(of.name(), id);
  if (known == nullptr) return refuse(404, "no command with this id came, or it was forgotten");
  served_answer made;
  made.body = known->json + "\n";
  return made;
}

// A durable command's end is told when it is on the disk: 202 until then.
served_answer control_server::cancel_command(const question& asked) {
  const auto* before = ledger_.find_any(asked.about->name(), asked.id);
  if (before == nullptr) return show_command(*asked.about, asked.id);
  const std::string source = before->source;
  if (!asked.about->cancel(source, asked.id))
    return refuse(409, "the command does not wait: it was sent, or has ended");
  log_.record("", happening::operated{client_of(asked.request),
                                      fmt::format("{} {} (id {})", asked.route.id, asked.about->name(),
                                                  protocol::printable(asked.id, 80))});
  served_answer made = show_command(*asked.about, asked.id);
  const auto* known = ledger_.find_any(asked.about->name(), asked.id);
  if (known != nullptr && !known->has_ended) made.status = 202;
  return made;
}

asio::awaitable<served_answer> control_server::send(question asked) {
  std::string error;
  command_request what;
  if (!read_command_request(asked.request.body, what, error)) co_return refuse(400, error);
  if (!what.session.empty() && what.session != asked.about->name())
    co_return refuse(400, "'session' is another one than the path's");
  const auto limit = query_number(asked.query, "timeout", 0, longest_wait, usual_wait);
  if (!limit)
    co_return refuse(400, fmt::format("'timeout' is a number of seconds from 0 to {}", longest_wait));
  const std::string until = text_in(asked.query, "wait", "end");
  session& to = *asked.about;  // which a reload may remove meanwhile
  co_await to.wait_tried();
  const bool stopped = co_await cancelled();
  if (stopped) co_return refuse(503, "the daemon stops");
  const auto entered = target_.enter(to, what, {});
  if (entered == control_target::entry::too_many) co_return refuse(503, "too many commands are unfinished");
  if (entered == control_target::entry::taken)
    log_.record(
        "", happening::operated{client_of(asked.request), fmt::format("sendCommand {} {} (id {})", to.name(),
                                                                      protocol::printable(what.command, 80),
                                                                      protocol::printable(what.id, 80))});
  const auto deadline = time_.now() + std::chrono::seconds(*limit);
  const auto is_far_enough = [&](const command_ledger::record& known) {
    const bool is_taken = known.state != command_state::received;
    return known.has_ended || (until == "none" && is_taken) ||
           (until == "written" && is_taken && known.state != command_state::queued);
  };
  for (;;) {
    const auto* known = ledger_.find(to.name(), what.id);
    if (known == nullptr) co_return refuse(409, "a command with this id came before, and was forgotten");
    const bool over = is_far_enough(*known) || time_.now() >= deadline;
    if (over) {
      served_answer made;
      made.status = !known->has_ended ? 202 : known->state == command_state::refused ? 409 : 200;
      made.body = known->json + "\n";
      co_return made;
    }
    co_await noted_.wait_until(time_, deadline);
    const bool given_up = co_await cancelled();
    if (given_up) co_return refuse(503, "the daemon stops");
  }
}

asio::awaitable<served_answer> control_server::reload(question asked) {
  const bool dry_run = text_in(asked.query, "dry_run", "false") == "true";
  const reload_report made = co_await target_.reload(dry_run);
  if (!made.error.empty()) co_return refuse(409, made.error);
  if (!dry_run) log_.record("", happening::operated{client_of(asked.request), "reloadConfiguration"});
  co_return json_answer({{"applied", !dry_run},
                         {"added", made.plan.added},
                         {"removed", made.plan.removed},
                         {"reconnect", made.plan.reconnect},
                         {"in_place", made.plan.in_place},
                         {"unchanged", made.plan.unchanged},
                         {"live", made.plan.live}});
}

served_answer control_server::set_log_level(const question& asked) {
  std::string error;
  const auto wanted = read_log_change(asked.request.body, error);
  if (!wanted) return refuse(400, error);
  if (!wanted->session.empty() && find(wanted->session) == nullptr)
    return refuse(404, fmt::format("there is no session '{}'", protocol::printable(wanted->session, 80)));
  const std::string level{wanted->level ? config::name_of(*wanted->level) : "default"};
  const std::string of = wanted->session.empty() ? "" : wanted->session + " ";
  log_.record("", happening::operated{client_of(asked.request), fmt::format("setLogLevel {}{}", of, level)});
  if (!wanted->session.empty())
    target_.levels().set(wanted->session, wanted->level);
  else if (wanted->level)
    target_.levels().set(*wanted->level);
  return json_answer(describe(target_.levels()));
}

}  // namespace duplexd
