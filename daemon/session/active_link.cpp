#include "daemon/session/active_link.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/runtime/cancelled.hpp"
#include "daemon/session/script/awaited_replies.hpp"

namespace duplexd {

namespace {

/// Whether a server that closes like this has no complaint: done, going away, or without a word (RFC 6455,
/// 7.4.1).
bool is_farewell(std::uint16_t code) {
  return code == 1000 || code == 1001 || code == 1005;
}

}  // namespace

active_link::active_link(std::shared_ptr<const config::session_settings> settings,
                         const session_context& context, variables& values, outbox& commands,
                         sequence_watch& sequences, lag_watch& lag, stop_flag& stop, transport& link)
    : settings_(std::move(settings)),
      live_(settings_),
      context_(context),
      outbox_(commands),
      stop_(stop),
      link_(link),
      replies_(context.loop, context.time, settings_->protocol, awaited_replies(*settings_),
               settings_->limits.inbox),
      script_(*settings_, context, values, commands, replies_),
      fresh_(settings_->liveness.fresh, *settings_->protocol),
      outputs_(context.outputs),
      receiver_(*settings_, context, link, outputs_, replies_, script_, fresh_),
      sequences_(sequences),
      lag_(lag),
      gap_line_(settings_->name),
      watch_again_(context.loop),
      tasks_(context.loop) {
  sequences_.begin_link();
  lag_.begin_link();
  observe_watched();
}

void active_link::adopt(std::shared_ptr<const config::session_settings> next) {
  const auto changed = live_->digest.differences(next->digest);
  const auto has_changed = [&](const char* field) {
    return std::ranges::find(changed, field) != changed.end();
  };
  const bool has_other_types = live_->protocol != next->protocol;
  live_ = std::move(next);
  if (has_other_types) {
    replies_.adopt(live_->protocol);
    receiver_.adopt(live_->protocol);
    fresh_.adopt(*live_->protocol);
  }
  if (has_changed("liveness.fresh"))
    fresh_.adopt(live_->liveness.fresh, *live_->protocol, receiver_.reading().now());
  replies_.limit(live_->limits.inbox);
  script_.adopt_limits(live_->limits);
  replies_.await_also(awaited_replies(*live_));
  if (has_changed("on"))
    script_.adopt_handlers(live_);
  else
    script_.observe();
  observe_watched();
  receiver_.adopt(live_->limits.inbox);
  watch_again_.notify();
}

void active_link::start_all() {
  outbox_.attach(&link_, [this] { tasks_.spawn(writing, write()); });
  tasks_.spawn(receiving, receive());
  tasks_.spawn(sending, send());
  tasks_.spawn(watching, watch());
  const auto stop = [this] {
    tasks_.put(stopping, std::make_unique<task_result>(task_result{.in_order = true}));
  };
  if (stop_.raised()) stop();
  stop_.on_raise(stop);
}

asio::awaitable<link_result> active_link::run() {
  start_all();
  auto first = co_await tasks_.next();
  while (first.id == writing) first = co_await tasks_.next();
  stop_.on_raise({});
  if (first.how == nullptr) first.how = std::make_unique<task_result>();
  if (!link_.ended() && !first.how->peer_dead) co_await close(static_cast<task>(first.id));
  co_await tasks_.join();
  outbox_.attach(nullptr);
  record_end(static_cast<task>(first.id), *first.how);
  // Who is dead or left our close frame unanswered has had the time for it: the end of TCP is not waited for
  // as well.
  link_result result;
  if (link_.ended()) result.patience = settings_->timeouts.close;
  result.failed = std::move(first.how->failed);
  result.renew = std::move(first.how->renew);
  co_return result;
}

void active_link::record_end(task first, const task_result& how) {
  if (how.in_order) {
    const std::optional<link_end>& end = link_.ended();
    const bool answered = end && end->closed;
    const bool by_peer = first == receiving;
    close_reason said{settings_->close.code, settings_->close.reason};
    if (by_peer && end && end->closed) said = *end->closed;
    if (!answered) said = {1006, "no close frame came back"};
    context_.telemetry.record(settings_->name, happening::link_closed{said, by_peer});
  }
  if (how.renew) context_.telemetry.record(settings_->name, happening::link_renewed{*how.renew});
}

// Steps come to their end and may still send, then come those of `close`, then our close frame goes out; what
// is still on its way is read until the peer's comes back.
asio::awaitable<void> active_link::close(task first) {
  tasks_.cancel(sending);
  tasks_.cancel(watching);
  outbox_.close_gate();
  bool steps_run = first != sending;
  while (steps_run) {
    const auto next = co_await tasks_.next();
    if (next.id == receiving) co_return;
    steps_run = next.id != sending;
  }
  bool leaves = script_.has_goodbye();
  if (leaves) tasks_.spawn(leaving, say_goodbye());
  while (leaves) {
    const auto next = co_await tasks_.next();
    if (next.id == receiving) co_return;
    leaves = next.id != leaving;
  }
  link_.close(close_reason{settings_->close.code, settings_->close.reason});
  tasks_.spawn(closing, await_close_limit());
  for (;;) {
    const auto next = co_await tasks_.next();
    if (next.id == receiving || next.id == closing) break;
  }
}

active_link::end_of_task active_link::link_over(const link_end& end) const {
  auto how = std::make_unique<task_result>();
  if (end.failed) {
    how->failed = end.failed;
  } else if (end.closed && script_.finished() && context_.once && is_farewell(end.closed->code)) {
    how->in_order = true;
  } else if (end.closed) {
    how->failed = closed_by_server(*end.closed);
  }
  return how;
}

asio::awaitable<active_link::end_of_task> active_link::receive() {
  co_await receiver_.run();
  const std::optional<link_end>& end = link_.ended();
  co_return end ? link_over(*end) : nullptr;
}

asio::awaitable<active_link::end_of_task> active_link::send() {
  std::function<void()> granted = [this] {
    fresh_.start(receiver_.reading().now());
    watch_again_.notify();
  };
  flow_result how = co_await script_.run(std::move(granted));
  const bool stopped = co_await cancelled();
  auto end = std::make_unique<task_result>();
  end->in_order = !how.failed && !stopped;
  end->failed = std::move(how.failed);
  end->renew = std::move(how.reconnect);
  co_return end;
}

asio::awaitable<active_link::end_of_task> active_link::write() {
  co_await outbox_.run_link();
  co_return nullptr;
}

std::chrono::milliseconds active_link::send_timeout() const {
  return live_->liveness.send_timeout.value_or(live_->liveness.idle_timeout);
}

asio::awaitable<active_link::end_of_task> active_link::watch() {
  keepalive decide{live_->liveness, context_.time.now()};
  send_watch taken{send_timeout(), context_.time.now()};
  bool stopped = co_await cancelled();
  while (!stopped) {
    decide.adopt(live_->liveness);
    taken.limit(send_timeout());
    clock::time_point check_again{};
    end_of_task over = check(decide, taken, check_again);
    if (over != nullptr) co_return over;
    co_await watch_again_.wait_until(context_.time, check_again);
    stopped = co_await cancelled();
  }
  co_return nullptr;
}

// One check of all that must happen in time; not null: the link is to be left.
active_link::end_of_task active_link::check(keepalive& decide, send_watch& taken,
                                            clock::time_point& check_again) {
  const auto now = context_.time.now();
  // While we do not read, silence says nothing about the peer.
  const reading_clock& reading = receiver_.reading();
  const auto heard = reading.held() ? now : std::max(link_.last_heard(), receiver_.read_again());
  const keepalive_step step = decide.step(now, heard);
  if (step.dead) {
    const auto limit = static_cast<double>(live_->liveness.idle_timeout.count()) / 1000.0;
    fault gone{.kind = config::fault_class::liveness,
               .cause = fmt::format("nothing was heard from the server for {} s", limit)};
    return std::make_unique<task_result>(task_result{.peer_dead = true, .failed = std::move(gone)});
  }
  if (taken.is_stuck(now, link_.sending())) {
    const auto limit = static_cast<double>(send_timeout().count()) / 1000.0;
    fault gone{.kind = config::fault_class::liveness,
               .cause = fmt::format("the server took nothing of what was sent for {} s", limit)};
    return std::make_unique<task_result>(task_result{.peer_dead = true, .failed = std::move(gone)});
  }
  if (step.ping) link_.put_ping();
  for (const config::freshness_settings* overdue : fresh_.run_out(reading.now())) {
    context_.telemetry.record(settings_->name, happening::reply_overdue{overdue->reply, overdue->within});
    const auto limit = static_cast<double>(overdue->within.count()) / 1000.0;
    auto cause = fmt::format("no reply {} for {} s", overdue->reply, limit);
    if (auto failed = act_on(overdue->action, std::move(cause))) broken_ = std::move(failed);
  }
  if (broken_) return std::make_unique<task_result>(task_result{.failed = std::move(broken_)});
  check_again = std::min({step.check_at, taken.check_at(now), reading.when(fresh_.check_at())});
  return nullptr;
}

asio::awaitable<active_link::end_of_task> active_link::say_goodbye() {
  co_await script_.say_goodbye();
  co_return nullptr;
}

asio::awaitable<active_link::end_of_task> active_link::await_close_limit() {
  co_await context_.time.sleep_for(settings_->timeouts.close);
  co_return nullptr;
}

}  // namespace duplexd
