#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "daemon/link/send_progress.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// Decides when a peer no longer takes what it is sent. Pure.
class send_watch {
 public:
  /// `limit`: how long nothing of what is pending may be delivered; 0: for ever.
  send_watch(std::chrono::milliseconds limit, clock::time_point opened) : limit_(limit), moved_(opened) {}

  /// Another limit from now on.
  void limit(std::chrono::milliseconds limit) noexcept { limit_ = limit; }

  /// Whether the limit has passed.
  bool is_stuck(clock::time_point now, const send_progress& sent) {
    const bool slept = check_at_ && now >= *check_at_ + sleep;  // nobody could take anything meanwhile
    if (sent.pending == 0 || sent.delivered != delivered_ || slept) moved_ = now;
    delivered_ = sent.delivered;
    return limit_.count() > 0 && now - moved_ >= limit_;
  }

  /// When to ask again. What is sent meanwhile wakes nobody: half the limit bounds how late that is seen.
  [[nodiscard]] clock::time_point check_at(clock::time_point now) {
    if (limit_.count() == 0) return clock::time_point::max();
    check_at_ = std::min<clock::time_point>(moved_ + limit_, now + limit_ / 2);
    return *check_at_;
  }

 private:
  std::chrono::milliseconds limit_;
  static constexpr std::chrono::milliseconds sleep{250};

  std::optional<clock::time_point> check_at_{};  ///< when `is_stuck()` was to be called again
  clock::time_point moved_;  ///< when something was last delivered, or nothing was pending
  std::uint64_t delivered_ = 0;
};

}  // namespace duplexd
