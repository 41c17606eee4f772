#include "daemon/control/event_follower.hpp"

#include <fmt/format.h>

#include <utility>

namespace duplexd {

void event_follower::append(const session_event& happened, std::string_view record) {
  const bool is_reply = happened.what == session_event::kind::reply;
  if (!reply_.empty() && (!is_reply || happened.name != reply_)) return;
  if (++passed_over_ < sample_) return;
  passed_over_ = 0;
  // Once something was dropped, nothing follows before that was said.
  if (dropped_ > 0 || queue_.size() + record.size() > most_waiting) {
    ++dropped_;
  } else {
    put(record);
  }
  changed_.notify();
}

/// `line` ends with a newline.
void event_follower::put(std::string_view line) {
  if (form_ == form::server_events) queue_ += "data: ";
  queue_ += line;
  if (form_ == form::server_events) queue_ += '\n';
}

asio::awaitable<void> event_follower::wait(clock& time, clock::time_point deadline) {
  if (queue_.empty() && dropped_ == 0) co_await changed_.wait_until(time, deadline);
}

std::string event_follower::take() {
  const std::uint64_t dropped = std::exchange(dropped_, 0);
  if (dropped > 0) put(fmt::format("{{\"v\":1,\"event\":\"dropped\",\"count\":{}}}\n", dropped));
  return std::exchange(queue_, {});
}

}  // namespace duplexd
