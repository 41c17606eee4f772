#pragma once

#include <chrono>
#include <optional>

#include "config/settings/settings.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// What the keepalive does next.
struct keepalive_step {
  bool ping = false;
  bool dead = false;           ///< nothing was heard for the idle timeout
  clock::time_point check_at;  ///< when to ask again
};

/// Decides when a link is asked for a sign of life and when it is given up. Pure.
class keepalive {
 public:
  keepalive(const config::liveness_settings& settings, clock::time_point opened);

  /// Other intervals from now on.
  void adopt(const config::liveness_settings& settings);

  /// An answer to the one ping after a sleep may take this long, or the idle timeout if that is shorter.
  static constexpr std::chrono::milliseconds waking_answer{5'000};
  /// A call that is later than asked for by this was preceded by a sleep: of the machine, or of us.
  static constexpr std::chrono::milliseconds sleep{250};

  /// `last_heard`: when bytes of the peer, of whatever kind, last came. A peer that was silent while we slept
  /// is pinged once before it is given up.
  keepalive_step step(clock::time_point now, clock::time_point last_heard);

 private:
  std::chrono::milliseconds ping_interval_{0};
  std::chrono::milliseconds idle_timeout_{0};
  clock::time_point last_ping_;
  clock::time_point check_at_ = clock::time_point::max();  ///< when `step()` was to be called again
  clock::time_point spared_until_{};                       ///< a peer that was silent while we slept
};

}  // namespace duplexd
