#include "daemon/link/dial_limiter.hpp"

#include <utility>

#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

dial_limiter::dial_limiter(const asio::any_io_executor& loop, clock& time, std::size_t at_once)
    : loop_(loop), time_(time), queue_(at_once), somebody_waits_(loop) {}

dial_limiter::pass::pass(dial_limiter& limiter, std::string server)
    : limiter_(limiter),
      server_(std::move(server)),
      number_(limiter.queue_.enter(server_)),
      admission_(limiter.loop_) {
  limiter_.waiting_.emplace(number_, this);
  limiter_.admit();
}

dial_limiter::pass::~pass() {
  limiter_.waiting_.erase(number_);
  limiter_.queue_.leave(server_, number_);
  limiter_.admit();
}

asio::awaitable<std::unique_ptr<dial_limiter::pass>> dial_limiter::enter(std::string server) {
  auto mine = std::make_unique<pass>(*this, std::move(server));
  if (!mine->admitted_) somebody_waits_.notify();
  bool go_on = true;
  while (go_on && !mine->admitted_) go_on = co_await mine->admission_.wait();
  if (!mine->admitted_) mine.reset();
  co_return mine;
}

void dial_limiter::admit() {
  for (const auto number : queue_.admit(time_.now())) {
    const auto found = waiting_.find(number);
    found->second->admitted_ = true;
    found->second->admission_.notify();
    waiting_.erase(found);
  }
}

asio::awaitable<void> dial_limiter::run() {
  bool stopped = co_await cancelled();
  while (!stopped) {
    admit();
    const auto check_at = queue_.check_at().value_or(clock::time_point::max());
    co_await somebody_waits_.wait_until(time_, check_at);
    stopped = co_await cancelled();
  }
}

}  // namespace duplexd
