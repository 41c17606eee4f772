#include "daemon/session/link_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/async/cancelled.hpp"
#include "daemon/script/awaited_replies.hpp"
#include "daemon/session/sentry.hpp"
#include "daemon/telemetry/timestamp.hpp"

namespace duplexd {

namespace {
// A flood on one link must leave turns for the others, the timers and the watchdog.
constexpr int messages_a_turn = 256;
}  // namespace

link_session::link_session(const config::session_settings& settings, const environment& around,
                           variables& values, outbox& commands, stop_flag& stop, transport& link)
    : settings_(settings),
      around_(around),
      outbox_(commands),
      stop_(stop),
      link_(link),
      packets_(settings.protocol, protocol::direction::reply),
      replies_(around.loop, around.time, *settings.protocol, awaited_replies(settings)),
      script_(settings, around, values, commands, replies_),
      fresh_(settings.liveness.fresh, *settings.protocol),
      sequences_(settings.liveness.sequence),
      line_(settings.name),
      watch_again_(around.loop) {
  if (!settings.liveness.sequence.empty())
    replies_.observe([this](const arrived_reply& reply, const protocol::packet&) { see_sequences(reply); });
}

asio::awaitable<link_outcome> link_session::run() {
  task_group<ending> tasks{around_.loop};
  outbox_.attach(&link_);
  tasks.spawn(receiver, receive());
  tasks.spawn(sender, send());
  tasks.spawn(writer, write());
  tasks.spawn(watcher, watch());
  tasks.spawn(stopper, await_stop());

  auto first = co_await tasks.next();
  if (!link_.ended() && !first.how.peer_dead) co_await close(tasks);
  co_await tasks.join();
  outbox_.attach(nullptr);

  if (first.how.in_order) {
    const bool answered = link_.ended() && link_.ended()->closed;
    const bool by_peer = first.id == receiver;
    close_reason said{settings_.close.code, settings_.close.reason};
    if (by_peer && answered) said = *link_.ended()->closed;
    if (!answered) said = {1006, "no close frame came back"};
    around_.tell.record(settings_.name, happening::link_closed{said, by_peer});
  }
  if (first.how.renew) around_.tell.record(settings_.name, happening::link_renewed{*first.how.renew});
  // Who is dead or left our close frame unanswered has had the time for it: the end of TCP is not waited for
  // as well.
  const auto patience = link_.ended() ? settings_.timeouts.close : std::chrono::milliseconds::zero();
  co_await link_.finish(patience);
  link_outcome outcome;
  outcome.failed = std::move(first.how.failed);
  outcome.renew = std::move(first.how.renew);
  co_return outcome;
}

// Our close frame goes out; what is still on its way is read until the peer's comes back.
asio::awaitable<void> link_session::close(task_group<ending>& tasks) {
  tasks.cancel(sender);
  tasks.cancel(watcher);
  tasks.cancel(stopper);
  link_.close(close_reason{settings_.close.code, settings_.close.reason});
  tasks.spawn(closer, await_close_limit());
  for (;;) {
    const auto next = co_await tasks.next();
    if (next.id == receiver || next.id == closer) break;
  }
}

link_session::ending link_session::link_over() const {
  const link_end& end = *link_.ended();
  if (end.failed) return {.failed = end.failed};
  if (script_.finished() && around_.once) return {.in_order = true};
  const close_reason& said = *end.closed;
  return {.failed = fault{.kind = config::fault_class::closed,
                          .cause = fmt::format("the server closed the link with code {}{}{}", said.code,
                                               said.text.empty() ? "" : ", ", said.text),
                          .close_code = said.code}};
}

asio::awaitable<link_session::ending> link_session::receive() {
  protocol::frame_view message;
  while (!link_.ended()) {
    const bool stopped = co_await cancelled();
    if (stopped) break;
    co_await link_.wait_readable();
    const std::string time = timestamp(around_.time.wall());
    int budget = messages_a_turn;
    while (budget > 0 && link_.next(message)) {
      handle(message, time);
      --budget;
    }
    if (!outputs_have_room()) co_await wait_for_outputs();
    if (budget == 0) co_await asio::post(around_.loop, asio::use_awaitable);
  }
  co_return link_.ended() ? link_over() : ending{};
}

bool link_session::outputs_have_room() const noexcept {
  return std::ranges::all_of(around_.outputs, &output::has_room);
}

asio::awaitable<void> link_session::wait_for_outputs() {
  held_back_ = true;
  for (output* out : around_.outputs) co_await out->wait_room();
  held_back_ = false;
  read_again_ = around_.time.now();
}

void link_session::handle(protocol::frame_view message, std::string_view time) {
  packets_.begin(message);
  protocol::packet packet;
  while (packets_.next(packet)) {
    const protocol::codec_error* error = nullptr;
    if (around_.outputs.empty()) {
      error = line_.check(packet);
    } else {
      const std::string_view line = line_.compose(time, packet, &error);
      for (output* out : around_.outputs) out->append(line);
    }
    if (error != nullptr)
      around_.tell.record(settings_.name, happening::undecodable{error->text(), packet.frame.bytes.size()});
    else
      replies_.offer(packet);
    if (packet.type != nullptr && !fresh_.empty()) fresh_.seen(packet.type, link_.last_heard());
  }
}

asio::awaitable<link_session::ending> link_session::send() {
  flow_ending how = co_await script_.log_in();
  bool stopped = co_await cancelled();
  if (!how.ends_flow() && !stopped) {
    fresh_.start(around_.time.now());
    watch_again_.notify();
    how = co_await script_.run();
    stopped = co_await cancelled();
  }
  if (how.failed) co_return ending{.failed = std::move(how.failed)};
  co_return ending{.in_order = !stopped, .renew = std::move(how.reconnect)};
}

asio::awaitable<link_session::ending> link_session::write() {
  co_await outbox_.run_link();
  co_return link_.ended() ? link_over() : ending{};
}

asio::awaitable<link_session::ending> link_session::watch() {
  sentry decide{settings_.liveness, around_.time.now()};
  bool stopped = co_await cancelled();
  while (!stopped) {
    const auto now = around_.time.now();
    // While we do not read, silence says nothing about the peer.
    const auto heard = held_back_ ? now : std::max(link_.last_heard(), read_again_);
    const sentry_step step = decide.step(now, heard);
    if (step.dead) {
      const auto limit = static_cast<double>(settings_.liveness.idle_timeout.count()) / 1000.0;
      co_return ending{
          .peer_dead = true,
          .failed = fault{.kind = config::fault_class::liveness,
                          .cause = fmt::format("nothing was heard from the server for {} s", limit)}};
    }
    if (step.ping) link_.put_ping();
    for (const config::freshness_settings* overdue : fresh_.run_out(now)) {
      if (held_back_) continue;
      around_.tell.record(settings_.name, happening::reply_overdue{overdue->reply, overdue->within});
      const auto limit = static_cast<double>(overdue->within.count()) / 1000.0;
      auto cause = fmt::format("no reply {} for {} s", overdue->reply, limit);
      if (auto failed = act_on(overdue->action, std::move(cause))) broken_ = std::move(failed);
    }
    if (broken_) co_return ending{.failed = std::move(broken_)};
    const auto look_at = std::min(step.look_at, fresh_.look_at());
    co_await watch_again_.wait_until(around_.time, look_at);
    stopped = co_await cancelled();
  }
  co_return ending{};
}

std::optional<fault> link_session::act_on(config::liveness_action action, std::string cause) {
  if (action == config::liveness_action::reconnect)
    return fault{.kind = config::fault_class::liveness, .cause = std::move(cause)};
  if (action == config::liveness_action::resubscribe) script_.resubscribe();
  return std::nullopt;
}

void link_session::see_sequences(const arrived_reply& reply) {
  for (const sequence_gap& gap : sequences_.see(reply.name, reply.data)) {
    const std::string key = gap.key.empty() ? "" : gap.key.dump();
    around_.tell.record(settings_.name, happening::sequence_broken{reply.name, gap.rule->field, key,
                                                                   gap.expected, gap.found});
    const std::string time = timestamp(around_.time.wall());
    const std::string_view line = line_.note(time, "gap",
                                             {{"reply", reply.name},
                                              {"field", gap.rule->field},
                                              {"key", gap.key},
                                              {"expected", gap.expected},
                                              {"found", gap.found}});
    for (output* out : around_.outputs) out->append(line);
    auto cause = fmt::format("gap in {}.{}: expected {}, found {}", reply.name, gap.rule->field, gap.expected,
                             gap.found);
    if (auto failed = act_on(gap.rule->action, std::move(cause))) {
      broken_ = std::move(failed);
      watch_again_.notify();
    }
  }
}

asio::awaitable<link_session::ending> link_session::await_stop() {
  const bool raised = co_await stop_.wait();
  co_return ending{.in_order = raised};
}

asio::awaitable<link_session::ending> link_session::await_close_limit() {
  co_await around_.time.sleep_for(settings_.timeouts.close);
  co_return ending{};
}

}  // namespace duplexd
