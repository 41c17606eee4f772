#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>

namespace duplexd {

namespace asio = boost::asio;

/// A thread beside the loop, for calls that block. Used from the loop's thread.
class worker {
 public:
  explicit worker(asio::any_io_executor loop) : loop_(std::move(loop)) {}
  /// Waits until the running call has returned.
  ~worker() { thread_.join(); }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// Suspends until `work`, which must not throw, has returned on the thread. The caller's cancellation does
  /// not interrupt it: `work` may use what is the caller's, and nothing of the loop's. One call at a time.
  asio::awaitable<void> run(std::function<void()> work);

  /// Whether a call is on its way.
  [[nodiscard]] bool busy() const noexcept { return busy_; }

 private:
  asio::any_io_executor loop_;
  bool busy_ = false;
  asio::thread_pool thread_{1};
};

}  // namespace duplexd
