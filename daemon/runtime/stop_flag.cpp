#include "daemon/runtime/stop_flag.hpp"

namespace duplexd {

void stop_flag::raise() {
  raised_ = true;
  changed_.notify();
  if (listener_) listener_();
}

asio::awaitable<bool> stop_flag::wait() {
  bool go_on = true;
  while (go_on && !raised_) go_on = co_await changed_.wait();
  co_return raised_;
}

}  // namespace duplexd
