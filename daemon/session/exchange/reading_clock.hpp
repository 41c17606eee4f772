#pragma once

#include <optional>

#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// A clock that stands still while a link is not read: what limits how long the peer may be silent is
/// measured by it. Used from the loop's thread.
class reading_clock {
 public:
  explicit reading_clock(const clock& time) : time_(time) {}

  [[nodiscard]] clock::time_point now() const { return (held_since_ ? *held_since_ : time_.now()) - stood_; }

  /// When this clock will show `deadline` if nothing holds it; never while it is held.
  [[nodiscard]] clock::time_point when(clock::time_point deadline) const {
    constexpr auto never = clock::time_point::max();
    return held_since_ || deadline >= never - stood_ ? never : deadline + stood_;
  }

  [[nodiscard]] bool held() const noexcept { return held_since_.has_value(); }

  void hold() {
    if (!held_since_) held_since_ = time_.now();
  }
  void release() {
    if (held_since_) stood_ += time_.now() - *held_since_;
    held_since_.reset();
  }

 private:
  const clock& time_;
  std::optional<clock::time_point> held_since_;
  clock::duration stood_{0};
};

}  // namespace duplexd
