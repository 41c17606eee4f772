#include "daemon/runtime/cancelled.hpp"

#include <boost/asio/this_coro.hpp>

namespace duplexd {

boost::asio::awaitable<bool> cancelled() {
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  co_return is_cancelled(state);
}

}  // namespace duplexd
