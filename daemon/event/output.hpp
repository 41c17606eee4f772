#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/event/session_event.hpp"

namespace duplexd {

namespace asio = boost::asio;

/// Where events go. Used from the loop's thread. An output that breaks says so once, through `run()`.
class output {
 public:
  output() = default;
  output(const output&) = delete;
  output& operator=(const output&) = delete;
  virtual ~output() = default;

  /// Takes one event; `record` is what it becomes in the form that was asked for, a line with its newline if
  /// the form has lines. Never blocks; whoever produces events asks `wait_room()` between messages, so that
  /// memory stays bounded.
  virtual void append(const session_event& happened, std::string_view record) = 0;

  /// Whether `wait_room()` would return at once.
  [[nodiscard]] virtual bool has_room() const noexcept = 0;

  /// Suspends while too much is waiting to be written. May be cancelled.
  virtual asio::awaitable<void> wait_room() = 0;

  /// Writes what is appended, one write for all of a turn, until it is cancelled or the output breaks.
  /// Returns why it broke; empty when cancelled.
  virtual asio::awaitable<std::string> run() = 0;

  /// Suspends until everything appended was written or the output is broken. May be cancelled.
  virtual asio::awaitable<void> wait_written() = 0;

  /// No more will be appended: what was is written, and what serves the output comes to its end, if it can by
  /// `until`. May be cancelled.
  virtual asio::awaitable<void> finish(std::chrono::steady_clock::time_point /*until*/) {
    co_await wait_written();
  }

  /// The process ends now: what would outlive it is killed.
  virtual void kill() noexcept {}

  /// Files that were renamed meanwhile are let go of, soon.
  virtual void reopen() {}

  /// Bytes that are not written yet; of a broken output none.
  [[nodiscard]] virtual std::size_t waiting() const noexcept { return 0; }

  /// Whether a call that blocks is on its way; one that hangs is not waited for.
  [[nodiscard]] virtual bool at_work() const noexcept { return false; }

  /// Why nothing is written at present, in words; empty: it goes on.
  [[nodiscard]] virtual std::string held_up() const { return {}; }
};

}  // namespace duplexd
