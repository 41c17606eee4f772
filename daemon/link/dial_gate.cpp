#include "daemon/link/dial_gate.hpp"

#include <utility>

#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

dial_gate::dial_gate(const asio::any_io_executor& loop, clock& time, std::size_t at_once)
    : loop_(loop), time_(time), queue_(at_once), somebody_waits_(loop) {}

dial_gate::pass::pass(dial_gate& gate, std::string server)
    : gate_(gate), server_(std::move(server)), number_(gate.queue_.enter(server_)), admission_(gate.loop_) {
  gate_.waiting_.emplace(number_, this);
  gate_.admit();
}

dial_gate::pass::~pass() {
  gate_.waiting_.erase(number_);
  gate_.queue_.leave(server_, number_);
  gate_.admit();
}

asio::awaitable<std::unique_ptr<dial_gate::pass>> dial_gate::enter(std::string server) {
  auto mine = std::make_unique<pass>(*this, std::move(server));
  if (!mine->admitted_) somebody_waits_.notify();
  bool go_on = true;
  while (go_on && !mine->admitted_) go_on = co_await mine->admission_.wait();
  if (!mine->admitted_) mine.reset();
  co_return mine;
}

void dial_gate::admit() {
  for (const auto number : queue_.admit(time_.now())) {
    const auto found = waiting_.find(number);
    found->second->admitted_ = true;
    found->second->admission_.notify();
    waiting_.erase(found);
  }
}

asio::awaitable<void> dial_gate::run() {
  bool stopped = co_await cancelled();
  while (!stopped) {
    admit();
    const auto look_at = queue_.look_at().value_or(clock::time_point::max());
    co_await somebody_waits_.wait_until(time_, look_at);
    stopped = co_await cancelled();
  }
}

}  // namespace duplexd
