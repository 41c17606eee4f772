#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>

namespace duplexd {

namespace asio = boost::asio;

class notifier;

/// Time as the daemon sees it, so that tests can bring their own. Used from the loop's thread.
class clock {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = std::chrono::steady_clock::duration;

  clock() = default;
  clock(const clock&) = delete;
  clock& operator=(const clock&) = delete;
  virtual ~clock() = default;

  /// Monotonic: for deadlines.
  [[nodiscard]] virtual time_point now() const = 0;

  /// The wall's time: for people, never for deadlines.
  [[nodiscard]] virtual std::chrono::system_clock::time_point wall() const = 0;

  /// Suspends until `deadline`. Returns false at once when cancelled; never throws.
  virtual asio::awaitable<bool> sleep_until(time_point deadline) = 0;

  /// Suspends until `changed` is notified or `deadline` has come: see `notifier::wait_until()`.
  virtual asio::awaitable<bool> wait_until(notifier& changed, time_point deadline) = 0;

  asio::awaitable<bool> sleep_for(duration time) { return sleep_until(now() + time); }
};

/// The real clock of a loop.
class steady_clock final : public clock {
 public:
  explicit steady_clock(asio::any_io_executor loop) : loop_(std::move(loop)) {}
  [[nodiscard]] time_point now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::now();
  }
  asio::awaitable<bool> sleep_until(time_point deadline) override;
  asio::awaitable<bool> wait_until(notifier& changed, time_point deadline) override;

 private:
  asio::any_io_executor loop_;
};

}  // namespace duplexd
