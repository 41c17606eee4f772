#pragma once

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

/// Decides when a link is asked for a sign of life and when it is given up. Pure. The settings outlive it.
class keepalive {
 public:
  keepalive(const config::liveness_settings& settings, clock::time_point opened);
  keepalive(config::liveness_settings&& settings, clock::time_point opened) = delete;

  /// `last_heard`: when bytes of the peer, of whatever kind, last came.
  keepalive_step step(clock::time_point now, clock::time_point last_heard);

 private:
  const config::liveness_settings& settings_;
  clock::time_point last_ping_;
};

}  // namespace duplexd
