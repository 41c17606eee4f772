#include "daemon/async/notifier.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/async/cancelled.hpp"
#include "daemon/async/within.hpp"

namespace duplexd {

notifier::notifier(const asio::any_io_executor& loop) : never_(loop, asio::steady_timer::time_point::max()) {}

void notifier::notify() {
  ++generation_;
  never_.cancel();
}

asio::awaitable<bool> notifier::wait() {
  if (co_await cancelled()) co_return false;
  const unsigned before = generation_;
  co_await never_.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return generation_ != before;
}

asio::awaitable<bool> notifier::wait_until(clock& time, clock::time_point deadline) {
  if (deadline == clock::time_point::max()) co_return co_await wait();
  const auto loop = never_.get_executor();
  const auto notified = co_await within(loop, time, deadline, wait());
  co_return notified.value_or(false);
}

asio::awaitable<void> notifier::wait_regardless() {
  const auto no_slot = asio::cancellation_slot{};
  co_await never_.async_wait(asio::bind_cancellation_slot(no_slot, asio::as_tuple(asio::use_awaitable)));
}

}  // namespace duplexd
