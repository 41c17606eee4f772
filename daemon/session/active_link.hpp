#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "config/settings/settings.hpp"
#include "daemon/event/event_line.hpp"
#include "daemon/link/transport.hpp"
#include "daemon/runtime/stop_flag.hpp"
#include "daemon/runtime/task_group.hpp"
#include "daemon/session/exchange/outbox.hpp"
#include "daemon/session/exchange/reply_inbox.hpp"
#include "daemon/session/exchange/session_context.hpp"
#include "daemon/session/freshness.hpp"
#include "daemon/session/keepalive.hpp"
#include "daemon/session/lag_watch.hpp"
#include "daemon/session/receiver.hpp"
#include "daemon/session/script/script_runner.hpp"
#include "daemon/session/send_watch.hpp"
#include "daemon/session/sequence_watch.hpp"

namespace duplexd {

/// How one link was left.
struct link_result {
  std::optional<fault> failed{};  ///< empty: closed in order: the script ended (`once`), or the stop flag
  std::optional<std::string> renew{};     ///< closed in order to make a new link; why
  std::chrono::milliseconds patience{0};  ///< for the end of TCP
};

/// A session on one link: sender, receiver and keepalive gathered until the first of them ends, then the
/// close.
class active_link {
 public:
  /// The link keeps these settings, even if the session is given others meanwhile.
  active_link(std::shared_ptr<const config::session_settings> settings, const session_context& context,
              variables& values, outbox& commands, sequence_watch& sequences, lag_watch& lag, stop_flag& stop,
              transport& link);

  /// Other settings that differ only in fields that reloads take at once. To be called between two replies;
  /// the session has adopted its part, sequences and lag among it. Another protocol: between two messages.
  void adopt(std::shared_ptr<const config::session_settings> next);

  /// Whether a message is being handled whose packets belong to one protocol; `act` is then called once when
  /// that has been done. An empty one: nothing is.
  [[nodiscard]] bool in_message() const noexcept { return receiver_.in_message(); }
  void at_message_end(std::function<void()> act) { receiver_.at_message_end(std::move(act)); }

  /// Runs the link from login to the closing handshake. What is left to do is `finish()`.
  asio::awaitable<link_result> run();

 private:
  enum task { receiving, sending, writing, watching, stopping, leaving, closing };
  /// How a task ended, and with it the link if it was the first. A small handle: it goes through many frames.
  struct task_result {
    bool in_order = false;
    bool peer_dead = false;  ///< a close frame would find nobody
    std::optional<fault> failed{};
    std::optional<std::string> renew{};
  };
  using end_of_task = std::unique_ptr<task_result>;  ///< null: cancelled, or nothing that ends the link

  asio::awaitable<end_of_task> receive();
  asio::awaitable<end_of_task> send();
  asio::awaitable<end_of_task> write();
  asio::awaitable<end_of_task> watch();
  asio::awaitable<end_of_task> say_goodbye();
  asio::awaitable<end_of_task> await_close_limit();
  asio::awaitable<void> close(task first);
  void start_all();
  void record_end(task first, const task_result& how);
  [[nodiscard]] std::chrono::milliseconds send_timeout() const;
  [[nodiscard]] end_of_task check(keepalive& decide, send_watch& taken, clock::time_point& check_again);

  [[nodiscard]] end_of_task link_over(const link_end& end) const;
  void observe_watched();
  void see_sequences(offered_reply& reply);
  void see_lag(offered_reply& reply);
  [[nodiscard]] std::optional<fault> act_on(config::liveness_action action, std::string cause);

  std::shared_ptr<const config::session_settings> settings_;
  std::shared_ptr<const config::session_settings> live_;  ///< what counts of the fields taken at once
  const session_context& context_;
  outbox& outbox_;
  stop_flag& stop_;
  transport& link_;
  reply_inbox replies_;
  script_runner script_;
  freshness fresh_;
  event_routes outputs_;
  receiver receiver_;
  sequence_watch& sequences_;
  lag_watch& lag_;
  event_line gap_line_;
  notifier watch_again_;
  task_group<end_of_task> tasks_;
  std::optional<fault> broken_;  ///< what replies say, and that ends the link
};

}  // namespace duplexd
