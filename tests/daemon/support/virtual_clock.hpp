#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>

#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd::test {

/// Time that passes only when everybody waits: a day of backoff takes no time at all, and the order is always
/// the same.
class virtual_clock final : public clock {
 public:
  explicit virtual_clock(asio::io_context& loop) : loop_(loop) {}

  [[nodiscard]] time_point now() const override { return now_; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::time_point{} +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(now_.time_since_epoch() +
                                                                           wall_shift);
  }
  asio::awaitable<bool> sleep_until(time_point deadline) override;
  asio::awaitable<bool> wait_until(notifier& changed, time_point deadline) override;

  /// Runs the loop, skipping time whenever nothing is ready, until nothing is left to happen or `limit` has
  /// passed.
  void run_for(duration limit);

  duration wall_shift{0};  ///< somebody has set the wall's clock

 private:
  asio::io_context& loop_;
  time_point now_{};
  struct sleeper {
    notifier* wake;
    bool* woken;  ///< set when the clock woke it and took it from the list
  };
  std::multimap<time_point, sleeper> sleepers_;
};

}  // namespace duplexd::test
