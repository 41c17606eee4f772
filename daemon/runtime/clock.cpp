#include "daemon/runtime/clock.hpp"

#include <boost/asio/steady_timer.hpp>

#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

asio::awaitable<bool> steady_clock::sleep_until(time_point deadline) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  asio::steady_timer timer{loop_, deadline};
  const auto [error] = co_await timer.async_wait(as_value);
  co_return !error;
}

asio::awaitable<bool> steady_clock::wait_until(notifier& changed, time_point deadline) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  asio::steady_timer timer{loop_, deadline};
  const notifier::bell bell{changed, timer};
  co_await timer.async_wait(as_value);
  co_return bell.notified();
}

}  // namespace duplexd
