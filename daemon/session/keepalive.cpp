#include "daemon/session/keepalive.hpp"

#include <algorithm>

namespace duplexd {

keepalive::keepalive(const config::liveness_settings& settings, clock::time_point opened)
    : last_ping_(opened) {
  adopt(settings);
}

void keepalive::adopt(const config::liveness_settings& settings) {
  ping_interval_ = settings.ping_interval;
  idle_timeout_ = settings.idle_timeout;
}

keepalive_step keepalive::step(clock::time_point now, clock::time_point last_heard) {
  using std::chrono::milliseconds;
  keepalive_step result;
  result.check_at = clock::time_point::max();
  const bool slept = check_at_ != clock::time_point::max() && now >= check_at_ + sleep;
  if (idle_timeout_ > milliseconds::zero()) {
    const bool wakes = slept && now >= last_heard + idle_timeout_;
    if (wakes) spared_until_ = now + std::min(idle_timeout_, milliseconds(waking_answer));
    const auto limit = std::max(last_heard + idle_timeout_, spared_until_);
    result.ping = wakes;
    if (wakes) last_ping_ = now;
    result.dead = now >= limit;
    result.check_at = limit;
  }
  if (ping_interval_ > milliseconds::zero()) {
    // A busy link is pinged too: servers and middleboxes want signs of life of us as well.
    const auto due = last_ping_ + ping_interval_;
    const bool pings = now >= due && !result.dead;
    result.ping = result.ping || pings;
    if (pings) last_ping_ = now;
    result.check_at = std::min(result.check_at, last_ping_ + ping_interval_);
  }
  check_at_ = result.check_at;
  return result;
}

}  // namespace duplexd
