#include "tests/daemon/storm/stormy_link.hpp"

#include <boost/asio/error.hpp>
#include <utility>

namespace duplexd::test {

void stormy_wire::say(message what) {
  if (!alive || over) return;
  last_heard = time.now();
  to_client.push_back(std::move(what));
  changed.notify();
}

void stormy_wire::end(link_end how) {
  if (over) return;
  over = std::move(how);
  changed.notify();
}

void stormy_wire::take_bytes(bool yes) {
  takes_bytes = yes;
  if (!yes || over) return;
  for (const message& each : std::exchange(to_kernel, {})) {
    taken(each);
    if (alive) arrive(each);
  }
  changed.notify();
}

asio::awaitable<void> stormy_link::wait_readable() {
  wire_->step();
  bool go_on = true;
  while (go_on && wire_->to_client.empty() && !wire_->over) go_on = co_await wire_->changed.wait();
}

bool stormy_link::next(protocol::frame_view& out) {
  wire_->step();
  if (wire_->to_client.empty()) {
    if (!wire_->over || ended_) return false;
    end_is_next_ = !end_is_next_;
    if (end_is_next_) return false;
    ended_ = wire_->over;
    wire_->noticed_end = true;
    wire_->changed.notify();
    return false;
  }
  current_ = std::move(wire_->to_client.front());
  wire_->to_client.pop_front();
  wire_->heard(current_);
  out = {current_.kind,
         {reinterpret_cast<const std::uint8_t*>(current_.bytes.data()), current_.bytes.size()}};
  return true;
}

void stormy_link::put(protocol::frame_view what) {
  wire_->step();
  if (ended_ || closing_) return;
  const message made{what.kind, std::string(what.bytes.begin(), what.bytes.end())};
  wire_->put(made);
  if (!wire_->takes_bytes) return wire_->to_kernel.push_back(made);
  wire_->taken(made);
  if (wire_->alive && !wire_->over) wire_->arrive(made);
}

void stormy_link::put_ping() {
  wire_->step();
  wire_->ping();
  if (wire_->alive && wire_->takes_bytes && !wire_->over) wire_->last_heard = wire_->time.now();
}

std::size_t stormy_link::unsent() const noexcept {
  std::size_t size = 0;
  for (const message& each : wire_->to_kernel) size += each.bytes.size();
  return size;
}

asio::awaitable<void> stormy_link::wait_sent() {
  wire_->step();
  bool go_on = true;
  while (go_on && unsent() != 0 && !ended_) go_on = co_await wire_->changed.wait();
}

void stormy_link::close(const close_reason& reason) {
  wire_->step();
  closing_ = true;
  wire_->closing = true;
  if (wire_->alive && wire_->answers_close) wire_->end({reason, std::nullopt});
}

asio::awaitable<void> stormy_link::finish(std::chrono::milliseconds) {
  wire_->step();
  wire_->end({std::nullopt, fault{.cause = "left"}});
  co_return;
}

asio::awaitable<dial_result> stormy_dialer::dial(dial_request /*request*/) {
  stormy_dial made = next_();
  const bool in_time = co_await time_.sleep_for(made.takes);
  if (!in_time) co_return fault{.cause = "cancelled"};
  dial_result result;
  if (made.failed) {
    result = std::move(*made.failed);
  } else {
    made.wire->last_heard = time_.now();
    made.wire->opened(*made.wire);
    result = std::make_unique<stormy_link>(std::move(made.wire));
  }
  co_return result;
}

}  // namespace duplexd::test
