#pragma once

#include <cstddef>

#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// How much a coroutine does before it leaves the loop to others: a turn is over with the first of these that
/// is reached.
class turn_budget {
 public:
  static constexpr unsigned items = 256;
  static constexpr std::size_t bytes = 256u << 10;
  static constexpr std::chrono::microseconds work{100};

  explicit turn_budget(const clock& time) : time_(time), began_(time.now()) {}

  /// Something was done.
  void spend(std::size_t size) noexcept {
    ++items_;
    bytes_ += size;
  }

  [[nodiscard]] bool is_over() const {
    if (items_ >= items || bytes_ >= bytes) return true;
    return items_ % items_a_look == items_a_look - 1 && time_.now() - began_ >= work;
  }

  /// Another turn begins.
  void begin() {
    items_ = 0;
    bytes_ = 0;
    began_ = time_.now();
  }

 private:
  static constexpr unsigned items_a_look = 16;  ///< how often the clock is read

  const clock& time_;
  clock::time_point began_;
  unsigned items_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace duplexd
