#include "tests/daemon/support/virtual_clock.hpp"

#include "daemon/runtime/cancelled.hpp"

namespace duplexd::test {

asio::awaitable<bool> virtual_clock::sleep_until(time_point deadline) {
  notifier wake{loop_.get_executor()};
  co_await wait_until(wake, deadline);
  co_return !co_await cancelled();
}

asio::awaitable<bool> virtual_clock::wait_until(notifier& changed, time_point deadline) {
  if (deadline <= now_) co_return false;
  bool woken = false;
  const auto mine = sleepers_.emplace(deadline, sleeper{&changed, &woken});
  const bool notified = co_await changed.wait();
  if (!woken) sleepers_.erase(mine);
  co_return notified && !woken;
}

void virtual_clock::run_for(duration limit) {
  const time_point end = now_ + limit;
  for (;;) {
    loop_.restart();
    while (loop_.poll() != 0) {
    }
    if (sleepers_.empty() || sleepers_.begin()->first > end) break;
    const auto first = sleepers_.begin();
    now_ = first->first;
    const sleeper next = first->second;
    sleepers_.erase(first);
    *next.woken = true;
    next.wake->notify();
  }
  now_ = end;
}

}  // namespace duplexd::test
