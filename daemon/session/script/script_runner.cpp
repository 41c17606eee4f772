#include "daemon/session/script/script_runner.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/script/match.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/within.hpp"
#include "daemon/session/script/awaited_replies.hpp"
#include "daemon/session/script/renewal_time.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd {

using config::fault_class;
using config::liveness_action;
using config::resolved;
using nlohmann::ordered_json;

namespace {

// The longest sleep between two looks at the wall's clock.
constexpr std::chrono::minutes longest_doze{1};

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{} s", static_cast<double>(time.count()) / 1000.0);
}

flow_result ended_by(fault what) {
  return {.failed = std::move(what)};
}

flow_result rejected_by(const arrived_reply& answer) {
  const auto data = answer.values();
  std::string text;
  if (data == nullptr || !protocol::append_json(text, *data, protocol::json_style::python)) text.clear();
  return ended_by(
      {.kind = fault_class::login_rejected,
       .cause = fmt::format("the server answered the login with {} {}", answer.name(), text.substr(0, 200))});
}

}  // namespace

script_runner::script_runner(const config::session_settings& settings, const session_context& context,
                             variables& values, outbox& commands, reply_inbox& replies)
    : settings_(settings),
      context_(context),
      outbox_(commands),
      replies_(replies),
      group_(context.loop),
      tasks_(context.loop, group_),
      shared_{settings,
              context,
              values,
              &commands,
              &replies,
              &tasks_,
              std::make_shared<reply_budget>(context.loop, settings.limits.inbox)},
      login_flow_(shared_),
      handler_ended_(context.loop),
      asked_again_(context.loop) {
  // These settings outlive everything here.
  adopt_handlers(std::shared_ptr<const config::session_settings>(std::shared_ptr<void>{}, &settings));
  replies.on_forgotten([this](std::uint64_t count) {
    context_.telemetry.record(
        settings_.name,
        happening::limit_reached{"limits.inbox",
                                 fmt::format("{} replies that no step took were discarded so far", count)});
  });
  login_flow_.blame(fault_class::login_rejected);
}

asio::awaitable<flow_result> script_runner::send_login(const config::login_settings& login) {
  if (login.send) co_return co_await login_flow_.send(*login.send);
  if (login.json) co_return co_await login_flow_.send_json(*login.json);
  const auto limit = settings_.timeouts.login;
  auto work = login_flow_.run(login.steps);
  auto how = co_await within(context_.loop, context_.time, context_.time.now() + limit, std::move(work));
  if (how) co_return std::move(*how);
  const bool stopped = co_await cancelled();
  if (stopped) co_return flow_result{};
  co_return ended_by(
      {.kind = fault_class::script,
       .cause = fmt::format("the login took longer than {} (timeouts.login)", seconds(limit))});
}

asio::awaitable<flow_result> script_runner::log_in() {
  flow_result how;
  if (settings_.login) {
    const config::login_settings& login = *settings_.login;
    const auto deadline = replies_.patience().now() + settings_.timeouts.login;
    how = co_await send_login(login);
    bool stopped = co_await cancelled();
    if (how.ends_flow() || stopped) co_return how;
    context_.telemetry.record(settings_.name, happening::login_sent{});
    if (login.expect) {
      how = co_await await_login_reply(login, *login.expect, deadline);
      stopped = co_await cancelled();
      if (how.ends_flow() || stopped) co_return how;
    }
    if (login.expect || !login.steps.empty())
      context_.telemetry.record(settings_.name, happening::login_accepted{});
  }
  outbox_.open_gate();
  co_return how;
}

asio::awaitable<flow_result> script_runner::await_login_reply(const config::login_settings& login,
                                                              const config::expectation& what,
                                                              clock::time_point deadline) {
  wanted_reply wanted{what.replies, nullptr};
  wanted.names.insert(wanted.names.end(), login.reject.begin(), login.reject.end());
  wanted.others = other_answers(settings_);
  const kept_reply answer = co_await replies_.take(wanted, deadline - replies_.patience().now());
  const bool stopped = co_await cancelled();
  if (stopped) co_return flow_result{};
  if (!answer)
    co_return ended_by({.kind = fault_class::script,
                        .reason = fault_reason::no_reply,
                        .cause = fmt::format("no reply {} to the login within {}",
                                             fmt::join(what.replies, " or "), seconds(what.timeout))});
  const auto check = what.check.resolve(&login_flow_);
  if (!check) co_return ended_by({.kind = fault_class::secret, .cause = check.error});
  const bool rejected = std::ranges::find(what.replies, answer->name()) == what.replies.end();
  const auto data = answer->values();
  if (rejected || data == nullptr || !config::matches(*data, check.value)) co_return rejected_by(*answer);
  login_flow_.take_over(data);
  co_return flow_result{};
}

// Beside the steps of the login.
asio::awaitable<flow_result> script_runner::await_rejection(std::vector<std::string> names) {
  const wanted_reply wanted{std::move(names), nullptr};
  const kept_reply answer = co_await replies_.take(wanted, reply_inbox::for_ever);
  const bool stopped = co_await cancelled();
  if (stopped || !answer) co_return flow_result{};
  co_return rejected_by(*answer);
}

void script_runner::start_all() {
  group_.spawn(main_script, run_main());
  if (settings_.liveness.heartbeat) group_.spawn(heart, run_heartbeat(*settings_.liveness.heartbeat));
  if ((settings_.renew.after || settings_.renew.at) && !context_.once) group_.spawn(renewal, run_renewal());
  if (!settings_.active.always()) group_.spawn(hours, watch_hours());
  if (!settings_.subscribe.empty()) group_.spawn(subscriber, run_subscriber());
}

// The link stays when all steps have been carried out: then nobody's ending is waited for.
asio::awaitable<flow_result> script_runner::run(std::function<void()> granted) {
  handles_ = true;
  for (auto& [id, each] : boxes_) group_.spawn(id, run_handler(id, each));
  if (auto names = settings_.login ? rejections(*settings_.login) : std::vector<std::string>{};
      !names.empty())
    group_.spawn(rejection, await_rejection(std::move(names)));
  group_.spawn(logging_in, log_in());
  flow_result how;
  for (;;) {
    auto next = co_await group_.next();
    const bool stopped = co_await cancelled();
    if (stopped) break;
    if (tasks_.knows(next.id)) tell_of_kept(tasks_.at(next.id), next.how);
    if (tasks_.knows(next.id) && tasks_.ended(next.id, next.how)) continue;
    how = std::move(next.how);
    if (how.ends_flow() || next.id == lingering) break;
    if (next.id < 0) remove_handler(next.id);
    if (next.id == logging_in) {
      group_.cancel(rejection);
      granted_ = true;
      granted();
      start_all();
    }
    if (next.id != main_script) continue;
    finished_ = true;
    context_.telemetry.record(settings_.name, happening::script_finished{});
    if (context_.once) group_.spawn(lingering, run_linger());
  }
  handles_ = false;
  co_await group_.join();
  co_return how;
}

asio::awaitable<void> script_runner::say_goodbye() {
  flow steps{login_flow_};
  steps.blame(fault_class::script);
  auto work = steps.run(settings_.close.steps);
  const auto deadline = context_.time.now() + settings_.close.within;
  const auto how = co_await within(context_.loop, context_.time, deadline, std::move(work));
  if (how && how->failed)
    context_.telemetry.record(settings_.name, happening::task_failed{"close", text_of(*how->failed)});
  const bool stopped = co_await cancelled();
  if (!how && !stopped)
    context_.telemetry.record(settings_.name,
                              happening::limit_reached{"close.within", "its steps are cancelled"});
}

// Nobody may ever ask for it.
void script_runner::tell_of_kept(const task_registry::task& which, const flow_result& how) const {
  if (how.failed && which.who.keeps_fault && which.waiters == 0)
    context_.telemetry.record(settings_.name, happening::task_failed{which.who.name, text_of(*how.failed)});
}

asio::awaitable<flow_result> script_runner::run_main() {
  flow steps{login_flow_};
  login_flow_.ask_for_nothing();
  steps.blame(fault_class::script);
  flow_result how = co_await steps.run(settings_.subscribe);
  bool stopped = co_await cancelled();
  if (how.ends_flow() || stopped) co_return how;
  how = co_await steps.run(settings_.script);
  stopped = co_await cancelled();
  if (how.ends_flow() || stopped) co_return how;
  co_await outbox_.wait_written();
  co_return how;
}

asio::awaitable<flow_result> script_runner::run_linger() {
  co_await context_.time.sleep_for(settings_.linger);
  co_return flow_result{};
}

// From one beat to the next, however long the answer takes; but never two at once.
asio::awaitable<flow_result> script_runner::run_heartbeat(const config::heartbeat_settings& beat) {
  auto due = context_.time.now();
  for (;;) {
    flow steps{login_flow_};  // each beat starts from the login's reply
    steps.blame(fault_class::liveness);
    const auto interval = beat.every.resolve(&steps);
    if (!interval || interval.value.count() <= 0)
      co_return ended_by({.kind = fault_class::script,
                          .cause = interval ? "heartbeat.every is not positive" : interval.error});
    due = std::max(due + interval.value, context_.time.now());
    co_await context_.time.sleep_until(due);
    const bool stopped = co_await cancelled();
    if (stopped) co_return flow_result{};
    flow_result how;
    if (const auto* command = std::get_if<config::send_step>(&beat.message))
      how = co_await steps.send(*command);
    else
      how = co_await steps.send_json(std::get<config::json_template>(beat.message));
    if (how.ends_flow()) co_return how;
    if (!beat.expect) continue;
    how = co_await steps.expect(*beat.expect, {});
    if (!how.failed) continue;
    how.failed->cause = "heartbeat: " + how.failed->cause;
    if (beat.action == liveness_action::reconnect) co_return how;
    context_.telemetry.record(settings_.name, happening::heartbeat_missed{how.failed->cause});
    if (beat.action == liveness_action::resubscribe) resubscribe();
  }
}

asio::awaitable<flow_result> script_runner::run_renewal() {
  const auto left = time_to_renewal(settings_.renew, login_flow_, context_.time.wall());
  if (!left) co_return ended_by({.kind = fault_class::script, .cause = left.error});
  co_await context_.time.sleep_for(left.value);
  co_return flow_result{.reconnect = "it has reached its age"};
}

// The wall's clock may be set: it is asked again before long.
asio::awaitable<flow_result> script_runner::watch_hours() {
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto now = std::chrono::floor<std::chrono::seconds>(context_.time.wall());
    if (!settings_.active.holds(now)) co_return flow_result{.reconnect = "its hours are over"};
    const auto left = settings_.active.next_change(now) - now;
    co_await context_.time.sleep_for(std::min<clock::duration>(left, longest_doze));
    stopped = co_await cancelled();
  }
  co_return flow_result{};
}

void script_runner::resubscribe() {
  subscriptions_asked_ = true;
  asked_again_.notify();
}

asio::awaitable<flow_result> script_runner::run_subscriber() {
  flow steps{login_flow_};
  steps.blame(fault_class::script);
  bool stopped = co_await cancelled();
  while (!stopped) {
    if (!subscriptions_asked_) {
      co_await asked_again_.wait();
    } else {
      subscriptions_asked_ = false;
      context_.telemetry.record(settings_.name, happening::resubscribed{});
      flow_result how = co_await steps.run(settings_.subscribe);
      if (how.ends_flow()) co_return how;
    }
    stopped = co_await cancelled();
  }
  co_return flow_result{};
}

}  // namespace duplexd
