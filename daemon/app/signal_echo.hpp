#pragma once

#include <chrono>

namespace duplexd {

/// Tells a request to end from its echo: timeout(1) signals the program and then its group, and who is
/// in that group gets two for one. Pure.
class signal_echo {
 public:
  /// Equal signals within this time of the first are one. A person's second Ctrl-C comes later.
  static constexpr std::chrono::milliseconds window{250};
  using time_point = std::chrono::steady_clock::time_point;

  /// Whether signal `number`, which came at `now`, repeats one that was let through shortly before.
  bool is_echo(int number, time_point now) noexcept {
    if (number == last_ && now - at_ < window) return true;
    last_ = number;
    at_ = now;
    return false;
  }

 private:
  int last_ = 0;  ///< no signal's number
  time_point at_{};
};

}  // namespace duplexd
