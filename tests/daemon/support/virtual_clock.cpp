#include "tests/daemon/support/virtual_clock.hpp"

#include "daemon/async/cancelled.hpp"

namespace duplexd::test {

asio::awaitable<bool> virtual_clock::sleep_until(time_point deadline) {
  if (deadline <= now_) co_return !co_await cancelled();
  notifier wake{loop_.get_executor()};
  const auto mine = sleepers_.emplace(deadline, &wake);
  const bool woken = co_await wake.wait();
  if (!woken) sleepers_.erase(mine);
  co_return woken;
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
    notifier* sleeper = first->second;
    sleepers_.erase(first);
    sleeper->notify();
  }
  now_ = end;
}

}  // namespace duplexd::test
