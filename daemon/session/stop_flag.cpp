#include "daemon/session/stop_flag.hpp"

#include "daemon/async/cancelled.hpp"

namespace duplexd {

void stop_flag::raise() {
  raised_ = true;
  changed_.notify();
}

asio::awaitable<bool> stop_flag::wait() {
  while (!raised_ && !co_await cancelled()) co_await changed_.wait();
  co_return raised_;
}

}  // namespace duplexd
