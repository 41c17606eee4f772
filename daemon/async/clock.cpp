#include "daemon/async/clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/async/cancelled.hpp"

namespace duplexd {

asio::awaitable<bool> steady_clock::sleep_until(time_point deadline) {
  if (co_await cancelled()) co_return false;
  asio::steady_timer timer{loop_, deadline};
  const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return !error;
}

}  // namespace duplexd
