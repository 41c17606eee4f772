#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "daemon/link/dial_queue.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// Holds dials back when too many want to begin at once: at the start, and when a common outage ends. One for
/// the whole daemon; it outlives its passes.
class dial_limiter {
 public:
  /// `at_once` is positive.
  dial_limiter(const asio::any_io_executor& loop, clock& time, std::size_t at_once);

  /// The right to dial, at first in line for it. Let go of it when the dial is over.
  class pass {
   public:
    pass(dial_limiter& limiter, std::string server);
    ~pass();
    pass(const pass&) = delete;
    pass& operator=(const pass&) = delete;

   private:
    friend dial_limiter;
    dial_limiter& limiter_;
    std::string server_;
    dial_queue::number number_;
    notifier admission_;
    bool admitted_ = false;
  };

  /// Suspends until this dial's turn has come; see dial_queue. Null when cancelled.
  asio::awaitable<std::unique_ptr<pass>> enter(std::string server);

  /// Gives the places of dials that take long to others. Runs until cancelled.
  asio::awaitable<void> run();

 private:
  void admit();

  asio::any_io_executor loop_;
  clock& time_;
  dial_queue queue_;
  std::map<dial_queue::number, pass*> waiting_;
  notifier somebody_waits_;
};

}  // namespace duplexd
