#include "daemon/session/keepalive.hpp"

#include <algorithm>

namespace duplexd {

keepalive::keepalive(const config::liveness_settings& settings, clock::time_point opened)
    : settings_(settings), last_ping_(opened) {}

keepalive_step keepalive::step(clock::time_point now, clock::time_point last_heard) {
  using std::chrono::milliseconds;
  keepalive_step result;
  result.check_at = clock::time_point::max();
  const bool slept = check_at_ != clock::time_point::max() && now >= check_at_ + sleep;
  if (settings_.idle_timeout > milliseconds::zero()) {
    const bool wakes = slept && now >= last_heard + settings_.idle_timeout;
    if (wakes) spared_until_ = now + std::min(settings_.idle_timeout, milliseconds(waking_answer));
    const auto limit = std::max(last_heard + settings_.idle_timeout, spared_until_);
    result.ping = wakes;
    if (wakes) last_ping_ = now;
    result.dead = now >= limit;
    result.check_at = limit;
  }
  if (settings_.ping_interval > milliseconds::zero()) {
    // A busy link is pinged too: servers and middleboxes want signs of life of us as well.
    const auto due = last_ping_ + settings_.ping_interval;
    const bool pings = now >= due && !result.dead;
    result.ping = result.ping || pings;
    if (pings) last_ping_ = now;
    result.check_at = std::min(result.check_at, last_ping_ + settings_.ping_interval);
  }
  check_at_ = result.check_at;
  return result;
}

}  // namespace duplexd
