#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>

#include "config/settings/settings.hpp"
#include "daemon/link/life_cycle.hpp"
#include "daemon/session/active_link.hpp"
#include "daemon/session/exchange/outbox.hpp"
#include "daemon/session/exchange/session_context.hpp"
#include "daemon/session/exchange/variables.hpp"
#include "daemon/session/sequence_watch.hpp"

namespace duplexd {

/// How a session ended.
struct session_result {
  std::optional<fault> fatal{};              ///< empty: a clean end
  std::optional<std::uint16_t> exit_code{};  ///< that the configuration gives this fault
};

/// One configured session: dials, serves the link, waits, dials again, for ever (see life_cycle).
/// Used from the loop's thread; the context outlives it. An attempt and a link keep the settings they began
/// with.
class session {
 public:
  session(std::shared_ptr<const config::session_settings> settings, session_context context);

  [[nodiscard]] const std::string& name() const noexcept { return settings_->name; }
  [[nodiscard]] link_state state() const noexcept { return life_.state(); }

  /// Runs until the session has ended. Call once. Not to be cancelled: use `stop()`.
  asio::awaitable<session_result> run();

  /// Asks for a clean end: the dial or the wait is given up, an open link is closed in order.
  void stop();

  /// Takes a command for good: it is sent now, waits for a link, or is refused, as the configuration says.
  /// Returns its fate in the making; see outbox. The end of one that has an id is an event of the session.
  std::shared_ptr<const submission> submit(const std::string& command, const nlohmann::ordered_json& values,
                                           std::function<void(const submission&)> on_change = {},
                                           std::string id = {});

  /// Suspends until the first attempt has come to an end: the session is logged in, or it failed, or it is
  /// outside of its hours. A command that comes before that would be refused for no good reason. May be
  /// cancelled.
  asio::awaitable<void> wait_tried();

 private:
  void note_tried();
  void tell_end(const submission& what);
  asio::awaitable<int> keep_outbox();
  void look_after_outbox();
  asio::awaitable<void> live();
  asio::awaitable<void> await_hours();
  asio::awaitable<void> dial();
  asio::awaitable<void> serve();
  asio::awaitable<void> let_end();
  asio::awaitable<void> wait(std::chrono::milliseconds delay);
  asio::awaitable<std::shared_ptr<dial_result>> attempt(std::size_t index, bool& reached_url);
  void fail(const fault& what, std::chrono::milliseconds lifetime);
  void leave(const link_result& how, std::chrono::milliseconds lifetime);

  std::shared_ptr<const config::session_settings> settings_;
  session_context context_;
  life_cycle life_;
  link_action next_;
  variables values_;
  outbox outbox_;
  sequence_watch sequences_;
  stop_flag stop_;
  std::unique_ptr<transport> link_;
  task_group<int> tasks_;
  task_group<int> old_link_;  ///< the link before, whose server has not ended TCP yet
  bool has_old_link_ = false;
  bool running_ = false;
  bool looks_after_outbox_ = false;
  bool tried_ = false;
  notifier tried_changed_{context_.loop};
  event_routes outputs_{context_.outputs};
  event_line line_{settings_->name};
};

}  // namespace duplexd
