#pragma once

#include <chrono>

#include "config/settings.hpp"

namespace duplexd {

/// Capped exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture
/// Blog, 2015). Pure: randomness and time come in as arguments.
class backoff {
 public:
  explicit backoff(const config::reconnect_settings& settings) : settings_(settings) {}

  /// The delay before the next attempt: `random` in [0, 1) times the ceiling, which then grows.
  /// `slowly` starts at the maximum: for what a quick retry can't mend, a rejected login above all.
  std::chrono::milliseconds next(double random, bool slowly = false);

  /// A link ended after `lifetime`. Only a stable one lets the next delay start small again.
  void link_lived(std::chrono::milliseconds lifetime);

 private:
  config::reconnect_settings settings_;
  double ceiling_ms_ = 0;  ///< 0: nothing failed since the last stable link
};

}  // namespace duplexd
