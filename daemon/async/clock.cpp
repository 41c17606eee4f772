#include "daemon/async/clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/async/cancelled.hpp"
#include "daemon/async/notifier.hpp"

namespace duplexd {

asio::awaitable<bool> steady_clock::sleep_until(time_point deadline) {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  asio::steady_timer timer{loop_, deadline};
  const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return !error;
}

asio::awaitable<bool> steady_clock::wait_until(notifier& changed, time_point deadline) {
  asio::steady_timer alarm{loop_, deadline};
  co_return co_await changed.wait_on(alarm);
}

}  // namespace duplexd
