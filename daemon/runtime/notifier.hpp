#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "daemon/runtime/clock.hpp"

namespace duplexd {

namespace asio = boost::asio;

/// A condition variable for the coroutines of one loop. A notification with nobody waiting is lost, so test
/// the predicate right before waiting:
///     while (!ready()) co_await notifier.wait();
class notifier {
 public:
  explicit notifier(const asio::any_io_executor& loop);

  /// Wakes everybody who waits now.
  void notify();

  /// Suspends until `notify()`. Returns false when cancelled; never throws.
  asio::awaitable<bool> wait();

  /// Suspends until `notify()`, but no longer than until `deadline`. Returns false when that has passed, and
  /// when cancelled; never throws.
  asio::awaitable<bool> wait_until(clock& time, clock::time_point deadline) {
    return time.wait_until(*this, deadline);
  }

  /// For clocks: while it lives a notification cancels the waits of a timer of theirs, too.
  class bell {
   public:
    bell(notifier& changed, asio::steady_timer& timer);
    ~bell();
    bell(const bell&) = delete;
    bell& operator=(const bell&) = delete;
    [[nodiscard]] bool notified() const noexcept { return changed_.generation_ != before_; }

   private:
    notifier& changed_;
    asio::steady_timer& timer_;
    unsigned before_;
  };

  /// Suspends until `notify()`, whoever asks the caller to end: for owners that await their children.
  asio::awaitable<void> wait_regardless();

 private:
  asio::steady_timer never_;  ///< expires at the end of time: only a cancel of its waits ends them
  std::vector<asio::steady_timer*> alarms_;  ///< waited on instead of `never_`
  unsigned generation_ = 0;                  ///< tells a notification from a cancelled waiter
};

}  // namespace duplexd
