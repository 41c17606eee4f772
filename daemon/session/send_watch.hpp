#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "daemon/link/send_progress.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// Decides when a peer no longer takes what it is sent. Pure.
class send_watch {
 public:
  /// `limit`: how long nothing of what is pending may be delivered; 0: for ever.
  send_watch(std::chrono::milliseconds limit, clock::time_point opened) : limit_(limit), moved_(opened) {}

  /// Whether the limit has passed.
  bool is_stuck(clock::time_point now, const send_progress& sent) {
    if (sent.pending == 0 || sent.delivered != delivered_) moved_ = now;
    delivered_ = sent.delivered;
    return limit_.count() > 0 && now - moved_ >= limit_;
  }

  /// When to ask again. What is sent meanwhile wakes nobody: half the limit bounds how late that is seen.
  [[nodiscard]] clock::time_point check_at(clock::time_point now) const {
    if (limit_.count() == 0) return clock::time_point::max();
    return std::min(moved_ + limit_, now + limit_ / 2);
  }

 private:
  std::chrono::milliseconds limit_;
  clock::time_point moved_;  ///< when something was last delivered, or nothing was pending
  std::uint64_t delivered_ = 0;
};

}  // namespace duplexd
