#include "daemon/session/session.hpp"

#include <boost/system/system_error.hpp>

#include "daemon/async/cancelled.hpp"
#include "daemon/async/within.hpp"
#include "daemon/script/flow.hpp"
#include "daemon/session/dial_request.hpp"

namespace duplexd {

using std::chrono::milliseconds;

namespace {

using dial_ending = std::shared_ptr<dial_result>;  // null: cancelled or stopped

asio::awaitable<dial_ending> until_raised(stop_flag& stop) {
  co_await stop.wait();
  co_return nullptr;
}

}  // namespace

session::session(const config::session_settings& settings, environment around)
    : settings_(settings),
      around_(std::move(around)),
      life_(settings.reconnect, around_.once),
      outbox_(around_.loop, around_.time, settings),
      stop_(around_.loop) {}

void session::stop() {
  stop_.raise();
}

std::shared_ptr<const submission> session::submit(const std::string& command,
                                                  const nlohmann::ordered_json& values,
                                                  std::function<void(const submission&)> on_change) {
  return outbox_.submit(command, values, [this, tell = std::move(on_change)](const submission& what) {
    const auto settings = settings_.commands.find(what.command);
    const bool is_quiet = what.state == command_state::refused && settings != settings_.commands.end() &&
                          settings->second.offline == config::offline_policy::drop;
    if (what.has_ended && !is_quiet)
      around_.tell.record(settings_.name,
                          happening::command_ended{what.command, name_of(what.state), what.why});
    if (tell) tell(what);
  });
}

asio::awaitable<int> session::keep_outbox() {
  co_await outbox_.run();
  co_return 0;
}

asio::awaitable<session_result> session::run() {
  task_group<int> tasks{around_.loop};
  tasks.spawn(0, keep_outbox());
  session_result result = co_await live();
  co_await tasks.join();
  outbox_.give_up();
  around_.tell.record(settings_.name, happening::quit{});
  co_return result;
}

asio::awaitable<session_result> session::live() {
  link_action next = life_.start();
  for (;;) {
    if (std::holds_alternative<dial_action>(next)) co_await await_hours();
    if (stop_.raised()) next = life_.stopped();
    if (const auto* end = std::get_if<end_action>(&next)) co_return session_result{end->why, end->exit_code};
    if (std::holds_alternative<dial_action>(next))
      next = co_await dial();
    else if (std::holds_alternative<serve_action>(next))
      next = co_await serve();
    else
      next = co_await wait(std::get<wait_action>(next).delay);
  }
}

link_action session::fail(const fault& what, milliseconds lifetime) {
  link_action next = life_.failed(what, lifetime, around_.random());
  std::optional<milliseconds> delay;
  if (const auto* wait = std::get_if<wait_action>(&next)) delay = wait->delay;
  around_.tell.record(settings_.name, happening::attempt_failed{what, delay});
  return next;
}

// The steps before the dial, and the dial. Null when cancelled.
asio::awaitable<dial_ending> session::attempt(std::size_t index, bool& reached_url) {
  flow_context context{settings_, around_, values_};
  flow before{context};
  flow_ending how = co_await before.run(settings_.before);
  const bool stopped = co_await cancelled();
  if (stopped) co_return nullptr;
  if (how.failed) co_return std::make_shared<dial_result>(std::move(*how.failed));
  reached_url = true;
  auto request = resolve_dial_request(settings_, &before, index);
  if (auto* failed = std::get_if<fault>(&request))
    co_return std::make_shared<dial_result>(std::move(*failed));
  auto& what = std::get<dial_request>(request);
  if (what.address.secure && !what.tls.verify)
    around_.tell.record(settings_.name, happening::certificate_unverified{});
  try {
    auto result = co_await around_.links.dial(std::move(what));
    co_return std::make_shared<dial_result>(std::move(result));
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  }
  co_return nullptr;
}

// One round over the URLs. What fails before the last of them is followed by the next one at once and counts
// for nothing, unless it ends the session.
// The wall's clock may be set: it is asked again before long.
asio::awaitable<void> session::await_hours() {
  constexpr std::chrono::minutes longest_doze{1};
  bool told = false;
  bool stopped = stop_.raised();
  while (!stopped) {
    const auto now = std::chrono::floor<std::chrono::seconds>(around_.time.wall());
    if (settings_.active.holds(now)) break;
    const auto left = settings_.active.next_change(now) - now;
    if (!told) around_.tell.record(settings_.name, happening::inactive{left});
    told = true;
    const auto deadline = around_.time.now() + std::min<clock::duration>(left, longest_doze);
    auto raised = stop_.wait();
    co_await within(around_.loop, around_.time, deadline, std::move(raised));
    stopped = stop_.raised();
  }
}

asio::awaitable<link_action> session::dial() {
  enum task { dialing, stopping };
  for (std::size_t index = 0;; ++index) {
    around_.tell.record(settings_.name, happening::attempting{settings_.urls.at(index).display()});
    bool reached_url = false;
    task_group<dial_ending> tasks{around_.loop};
    tasks.spawn(dialing, attempt(index, reached_url));
    tasks.spawn(stopping, until_raised(stop_));
    auto first = co_await tasks.next();
    co_await tasks.join();
    if (first.how == nullptr) co_return life_.stopped();
    if (const auto* failed = std::get_if<fault>(&*first.how)) {
      const bool is_last = !reached_url || index + 1 == settings_.urls.size();
      if (is_last || life_.ends_with(*failed)) co_return fail(*failed, milliseconds::zero());
      around_.tell.record(settings_.name, happening::attempt_failed{*failed, milliseconds::zero()});
      continue;
    }
    link_ = std::get<std::unique_ptr<transport>>(std::move(*first.how));
    around_.tell.record(settings_.name, happening::connected{});
    co_return life_.dialed();
  }
}

asio::awaitable<link_action> session::serve() {
  const auto opened = around_.time.now();
  link_session on_link{settings_, around_, values_, outbox_, stop_, *link_};
  const link_outcome outcome = co_await on_link.run();
  link_.reset();
  const auto lifetime = std::chrono::duration_cast<milliseconds>(around_.time.now() - opened);
  if (outcome.failed) co_return fail(*outcome.failed, lifetime);
  if (outcome.renew && !stop_.raised()) co_return life_.renewed(lifetime);
  co_return life_.finished();
}

asio::awaitable<link_action> session::wait(milliseconds delay) {
  const auto deadline = around_.time.now() + delay;
  auto stopped = stop_.wait();
  co_await within(around_.loop, around_.time, deadline, std::move(stopped));
  co_return life_.waited();
}

}  // namespace duplexd
