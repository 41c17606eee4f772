#pragma once

#include <chrono>

#include "config/settings/settings.hpp"

namespace duplexd {

/// Capped exponential backoff with jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
/// 2015). Pure: randomness comes in as an argument.
class backoff {
 public:
  explicit backoff(const config::backoff_settings& settings) : settings_(settings) {}

  /// The delay before the next attempt; the one after it may be longer, and is after a first one of 0.
  /// `random` is in [0, 1).
  std::chrono::milliseconds next(double random);

  /// The next delay starts small again.
  void reset() { ceiling_ms_ = -1; }

 private:
  config::backoff_settings settings_;
  double ceiling_ms_ = -1;  ///< negative: nothing failed yet
};

}  // namespace duplexd
