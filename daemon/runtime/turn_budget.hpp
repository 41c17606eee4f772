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
  static constexpr unsigned long_items = 64;
  static constexpr std::size_t long_bytes = 16u << 10;

  explicit turn_budget(const clock& time) : time_(time), began_(time.now()) {}

  /// Something was done.
  void spend(std::size_t size) noexcept {
    ++items_;
    bytes_ += size;
    unseen_ += size;
  }

  [[nodiscard]] bool is_over() {
    if (items_ >= items || bytes_ >= bytes) return true;
    if (items_ % items_a_look != items_a_look - 1 && unseen_ < bytes_a_look) return false;
    unseen_ = 0;
    return time_.now() - began_ >= work;
  }

  /// Whether so much was done that others should have their turn before the next one.
  [[nodiscard]] bool was_long() const noexcept { return items_ >= long_items || bytes_ >= long_bytes; }

  /// Another turn begins.
  void begin() {
    items_ = 0;
    bytes_ = 0;
    unseen_ = 0;
    began_ = time_.now();
  }

 private:
  // How often the clock is read.
  static constexpr unsigned items_a_look = 16;
  static constexpr std::size_t bytes_a_look = 16u << 10;

  const clock& time_;
  clock::time_point began_;
  unsigned items_ = 0;
  std::size_t bytes_ = 0;
  std::size_t unseen_ = 0;  ///< bytes since the clock was read
};

}  // namespace duplexd
