#include "daemon/session/session.hpp"

#include <fmt/ranges.h>

#include "daemon/link/cookie_jar.hpp"
#include "daemon/link/dial_request.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/within.hpp"
#include "daemon/session/exchange/start_variables.hpp"
#include "daemon/session/script/flow.hpp"

namespace duplexd {

using std::chrono::milliseconds;

namespace {

using dial_result_pointer = std::shared_ptr<dial_result>;  // null: cancelled or stopped

asio::awaitable<dial_result_pointer> until_raised(stop_flag& stop) {
  co_await stop.wait();
  co_return nullptr;
}

/// Host and port of a URL as configured.
std::string server_of(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const auto begin = scheme + 3;
  return url.substr(begin, url.find_first_of("/?", begin) - begin);
}

}  // namespace

session::session(std::shared_ptr<const config::session_settings> settings, session_context context)
    : settings_(std::move(settings)),
      context_(std::move(context)),
      life_(settings_->reconnect, context_.once),
      values_(settings_->limits.variables),
      outbox_(context_.loop, context_.time, settings_, context_.keeper),
      lag_(settings_->lag),
      stop_(context_.loop),
      since_(context_.time.now()),
      tasks_(context_.loop),
      old_link_(context_.loop) {
  if (settings_->cookies) context_.cookies = std::make_shared<cookie_jar>();
  context_.counters = std::make_shared<session_counters>();
  start_variables(*settings_, values_, context_);
  begin_sequences();
  outbox_.on_open([this] {
    ++context_.counters->logins;
    last_fault_.reset();
    enter(session_phase::up);
    note_tried();
  });
}

void session::enter(session_phase phase) {
  next_attempt_.reset();
  if (std::exchange(phase_, phase) != phase) since_ = context_.time.now();
}

session_status session::status() const {
  session_status now{.phase = phase_,
                     .since = since_,
                     .next_attempt = next_attempt_,
                     .cause = last_fault_,
                     .queued = outbox_.queued(),
                     .unconfirmed = outbox_.awaiting_reply(),
                     .newest_event_age = lag_.newest_age(context_.time.wall().time_since_epoch())};
  if (link_ == nullptr) return now;
  now.unsent = link_->unsent();
  now.round_trip = link_->round_trip();
  now.certificate_end = link_->certificate_end();
  return now;
}

void session::note_tried() {
  if (!std::exchange(tried_, true)) tried_changed_.notify();
}

asio::awaitable<void> session::wait_tried() {
  bool go_on = true;
  while (go_on && !tried_) go_on = co_await tried_changed_.wait();
}

void session::want(wish what) {
  if (wish_ == wish::stop) return;
  wish_ = what;
  stop_.raise();
  wish_changed_.notify();
}

void session::stop() {
  want(wish::stop);
}

void session::pause() {
  want(wish::pause);
}

void session::resume() {
  if (std::exchange(draining_, false)) {
    outbox_.refuse_new({});
    command_ended_.notify();
  }
  if (wish_ == wish::pause) want(wish::reconnect);
}

void session::reconnect() {
  resume();
  want(wish::reconnect);
}

void session::replace(std::shared_ptr<const config::session_settings> settings,
                      std::vector<event_route> outputs) {
  deferred_.reset();
  replacement_ = {std::move(settings), std::move(outputs)};
  if (wish_ != wish::pause) want(wish::reconnect);
}

// No connection is there, and nothing runs that uses the old ones.
void session::take_replacement() {
  if (!replacement_) return;
  settings_ = std::move(replacement_->settings);
  take_outputs(std::move(replacement_->outputs));
  replacement_.reset();
  life_ = life_cycle(settings_->reconnect, context_.once);
  values_.limit(settings_->limits.variables);
  start_variables(*settings_, values_, context_);
  outbox_.replace(settings_);
  begin_sequences();
  lag_.adopt(settings_->lag);
  if (settings_->cookies && context_.cookies == nullptr) context_.cookies = std::make_shared<cookie_jar>();
  if (!settings_->cookies) context_.cookies.reset();
  context_.counters->replies.clear();
  last_fault_.reset();
}

void session::drain() {
  if (!running_ || wish_ == wish::stop) return;
  outbox_.refuse_new("the session is being drained");
  if (!std::exchange(draining_, true)) tasks_.spawn(1, watch_drain());
  pause_if_drained();
}

void session::pause_if_drained() {
  if (draining_ && wish_ == wish::run && outbox_.is_idle()) pause();
}

// The end, a pause, or a new connection. After a pause its hours may be over.
asio::awaitable<void> session::obey() {
  if (wish_ == wish::pause) {
    enter(session_phase::paused);
    note_tried();
  }
  while (wish_ == wish::pause) co_await wish_changed_.wait();
  if (wish_ == wish::stop) {
    next_ = life_.stopped();
    co_return;
  }
  wish_ = wish::run;
  stop_.lower();
  take_replacement();
  next_ = life_.start();
  pause_if_drained();
}

asio::awaitable<session_result> session::run() {
  running_ = true;
  if (looks_after_outbox_) look_after_outbox();
  co_await live();
  running_ = false;
  co_await tasks_.join();
  co_await old_link_.join();
  outbox_.give_up();
  enter(session_phase::ended);
  note_tried();
  context_.telemetry.record(settings_->name, happening::quit{});
  const auto& end = std::get<end_action>(next_);
  co_return session_result{end.why, end.exit_code};
}

asio::awaitable<void> session::live() {
  next_ = life_.start();
  for (;;) {
    if (std::holds_alternative<dial_action>(next_)) co_await await_hours();
    const bool has_ended = std::holds_alternative<end_action>(next_);
    const bool goes_on = !has_ended || replacement_;  // other settings may mend what ended it
    const bool asked = stop_.raised() && (wish_ == wish::stop || goes_on);
    if (asked) co_await obey();
    if (std::holds_alternative<end_action>(next_)) co_return;
    if (asked) continue;
    if (std::holds_alternative<dial_action>(next_))
      co_await dial();
    else if (std::holds_alternative<serve_action>(next_))
      co_await serve();
    else
      co_await wait(std::get<wait_action>(next_).delay);
  }
}

void session::fail(const fault& what, milliseconds lifetime) {
  note_tried();
  next_ = life_.failed(what, lifetime, context_.random());
  ++context_.counters->faults;
  last_fault_ = what;
  std::optional<milliseconds> delay;
  if (const auto* wait = std::get_if<wait_action>(&next_)) delay = wait->delay;
  context_.telemetry.record(settings_->name, happening::attempt_failed{what, delay});
}

// The steps before the dial, and the dial. Null when cancelled.
asio::awaitable<dial_result_pointer> session::attempt(std::size_t index, bool& reached_url) {
  const auto settings = settings_;  // for as long as the steps run
  const std::string url = settings->urls.at(index).display();
  std::unique_ptr<dial_limiter::pass> pass;
  if (context_.limiter != nullptr) {
    pass = co_await context_.limiter->enter(server_of(url));
    if (pass == nullptr) co_return nullptr;
  }
  if (context_.secrets)
    context_.secrets->begin_attempt([this](std::string_view secret) { return values_.mention(secret); });
  ++context_.counters->attempts;
  context_.telemetry.record(settings->name, happening::attempting{url});
  values_.begin_link();
  flow_context context{*settings, context_, values_};
  flow before{context};
  flow_result how = co_await before.run(settings->before);
  const bool stopped = co_await cancelled();
  if (stopped) co_return nullptr;
  if (how.failed) co_return std::make_shared<dial_result>(std::move(*how.failed));
  reached_url = true;
  auto request = resolve_dial_request(*settings, &before, index);
  if (auto* failed = std::get_if<fault>(&request))
    co_return std::make_shared<dial_result>(std::move(*failed));
  auto& what = std::get<dial_request>(request);
  what.cookies = context_.cookies;
  if (what.address.secure && !what.tls.verify)
    context_.telemetry.record(settings->name, happening::certificate_unverified{});
  auto result = co_await context_.links.dial(std::move(what));
  const bool given_up = co_await cancelled();
  if (given_up) co_return nullptr;
  co_return std::make_shared<dial_result>(std::move(result));
}

// The wall's clock may be set: it is asked again before long.
asio::awaitable<void> session::await_hours() {
  constexpr std::chrono::minutes longest_doze{1};
  bool told = false;
  bool stopped = stop_.raised();
  while (!stopped) {
    const auto now = std::chrono::floor<std::chrono::seconds>(context_.time.wall());
    if (settings_->active.holds(now)) break;
    const auto left = settings_->active.next_change(now) - now;
    enter(session_phase::inactive);
    next_attempt_ = context_.time.now() + left;
    note_tried();
    if (!told) context_.telemetry.record(settings_->name, happening::inactive{left});
    told = true;
    const auto deadline = context_.time.now() + std::min<clock::duration>(left, longest_doze);
    auto raised = stop_.wait();
    co_await within(context_.loop, context_.time, deadline, std::move(raised));
    stopped = stop_.raised();
  }
}

// One round over the URLs. What fails before the last of them is followed by the next one at once and counts
// for nothing, unless it ends the session.
asio::awaitable<void> session::dial() {
  enum task { dialing, stopping };
  enter(session_phase::connecting);
  for (std::size_t index = 0;; ++index) {
    bool reached_url = false;
    task_group<dial_result_pointer> tasks{context_.loop};
    tasks.spawn(dialing, attempt(index, reached_url));
    tasks.spawn(stopping, until_raised(stop_));
    auto first = co_await tasks.next();
    co_await tasks.join();
    if (first.how == nullptr) {
      if (!goes_on_later()) next_ = life_.stopped();
      co_return;
    }
    if (auto* made = std::get_if<std::unique_ptr<transport>>(&*first.how)) {
      link_ = std::move(*made);
      if (context_.secrets) context_.secrets->link_stands();
      ++context_.counters->connections;
      context_.telemetry.record(settings_->name, happening::connected{});
      if (!settings_->subprotocols.names.empty() && link_->subprotocol().empty())
        context_.telemetry.record(settings_->name,
                                  happening::subprotocol_ignored{
                                      fmt::format("{}", fmt::join(settings_->subprotocols.names, ", "))});
      next_ = life_.dialed();
      co_return;
    }
    const auto& failed = std::get<fault>(*first.how);
    const bool is_last = !reached_url || index + 1 == settings_->urls.size();
    if (is_last || life_.ends_with(failed)) {
      fail(failed, milliseconds::zero());
      co_return;
    }
    ++context_.counters->faults;
    last_fault_ = failed;
    context_.telemetry.record(settings_->name, happening::attempt_failed{failed, milliseconds::zero()});
  }
}

asio::awaitable<void> session::serve() {
  const auto opened = context_.time.now();
  enter(session_phase::login);
  active_link on_link{settings_, context_, values_, outbox_, sequences_, lag_, stop_, *link_};
  serving_ = &on_link;
  const link_result result = co_await on_link.run();
  serving_ = nullptr;
  take_deferred();
  enter(session_phase::closing);
  leave(result, std::chrono::duration_cast<milliseconds>(context_.time.now() - opened));
  const std::optional<link_end>& end = link_->ended();
  const bool closed = end && end->closed;
  const bool goes_on = !std::holds_alternative<end_action>(next_) && !stop_.raised();
  if (closed && goes_on)
    co_await let_end();
  else
    co_await link_->finish(result.patience);
  link_.reset();
}

namespace {

asio::awaitable<int> end_of(std::unique_ptr<transport> link, milliseconds limit) {
  co_await link->finish(limit);
  co_return 0;
}

}  // namespace

// The closing handshake is done: that the server has not ended TCP yet holds up no new link. One such socket
// is kept at most: the one before is closed.
asio::awaitable<void> session::let_end() {
  if (has_old_link_) {
    old_link_.cancel_all();
    co_await old_link_.next();
  }
  has_old_link_ = true;
  old_link_.spawn(0, end_of(std::move(link_), settings_->timeouts.close));
}

void session::leave(const link_result& how, milliseconds lifetime) {
  if (how.failed)
    fail(*how.failed, lifetime);
  else if (how.renew && !stop_.raised())
    next_ = life_.renewed(lifetime);
  else if (goes_on_later())
    next_ = life_.left(lifetime);
  else
    next_ = life_.finished();
}

asio::awaitable<void> session::wait(milliseconds delay) {
  const auto deadline = context_.time.now() + delay;
  enter(session_phase::waiting);
  next_attempt_ = deadline;
  auto stopped = stop_.wait();
  co_await within(context_.loop, context_.time, deadline, std::move(stopped));
  next_ = life_.waited();
}

}  // namespace duplexd
