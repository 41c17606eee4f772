#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>

namespace duplexd {

namespace asio = boost::asio;

/// Calculations that take longer than a turn of the loop may.
class background_work {
 public:
  background_work() = default;
  background_work(const background_work&) = delete;
  background_work& operator=(const background_work&) = delete;
  virtual ~background_work() = default;

  /// Suspends until `work`, which must not throw, has run on another thread; one after the other, in the
  /// order of the calls. False: cancelled. Then it runs at most once, maybe later, and nobody waits for it:
  /// `work` holds itself what it uses. Called on the loop's thread.
  virtual asio::awaitable<bool> run(std::function<void()> work) = 0;
};

}  // namespace duplexd
