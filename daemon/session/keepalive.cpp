#include "daemon/session/keepalive.hpp"

#include <algorithm>

namespace duplexd {

keepalive::keepalive(const config::liveness_settings& settings, clock::time_point opened)
    : settings_(settings), last_ping_(opened) {}

keepalive_step keepalive::step(clock::time_point now, clock::time_point last_heard) {
  using std::chrono::milliseconds;
  keepalive_step result;
  result.check_at = clock::time_point::max();
  if (settings_.idle_timeout > milliseconds::zero()) {
    const auto limit = last_heard + settings_.idle_timeout;
    result.dead = now >= limit;
    result.check_at = limit;
  }
  if (settings_.ping_interval > milliseconds::zero()) {
    // A busy link is pinged too: servers and middleboxes want signs of life of us as well.
    const auto due = last_ping_ + settings_.ping_interval;
    result.ping = now >= due && !result.dead;
    if (result.ping) last_ping_ = now;
    result.check_at = std::min(result.check_at, result.ping ? now + settings_.ping_interval : due);
  }
  return result;
}

}  // namespace duplexd
