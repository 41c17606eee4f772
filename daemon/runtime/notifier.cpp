#include "daemon/runtime/notifier.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

notifier::notifier(const asio::any_io_executor& loop) : never_(loop, asio::steady_timer::time_point::max()) {}

notifier::bell::bell(notifier& changed, asio::steady_timer& timer)
    : changed_(changed), timer_(timer), before_(changed.generation_) {
  changed_.alarms_.push_back(&timer_);
}

notifier::bell::~bell() {
  std::erase(changed_.alarms_, &timer_);
}

void notifier::notify() {
  ++generation_;
  never_.cancel();
  for (asio::steady_timer* alarm : alarms_) alarm->cancel();
}

asio::awaitable<bool> notifier::wait() {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  const unsigned before = generation_;
  co_await never_.async_wait(as_value);
  co_return generation_ != before;
}

asio::awaitable<void> notifier::wait_regardless() {
  const auto no_slot = asio::cancellation_slot{};
  co_await never_.async_wait(asio::bind_cancellation_slot(no_slot, asio::as_tuple(asio::use_awaitable)));
}

}  // namespace duplexd
