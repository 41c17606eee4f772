#include "daemon/link/life_cycle.hpp"

#include <algorithm>

#include "daemon/link/verdict.hpp"

namespace duplexd {

namespace {
// A server may ask for patience, but not for ever.
constexpr std::chrono::milliseconds longest_retry_after = std::chrono::hours{1};
}  // namespace

life_cycle::life_cycle(const config::reconnect_settings& settings, bool once)
    : settings_(settings), backoff_(settings), once_(once) {}

link_action life_cycle::start() {
  state_ = link_state::dialing;
  return dial_action{};
}

link_action life_cycle::dialed() {
  state_ = link_state::open;
  return serve_action{};
}

link_action life_cycle::waited() {
  return start();
}

link_action life_cycle::failed(const fault& what, std::chrono::milliseconds lifetime, double random) {
  if (state_ == link_state::open) backoff_.link_lived(lifetime);
  const verdict decision = classify(what, settings_);
  if (once_ || decision == verdict::fatal) {
    state_ = link_state::ended;
    return end_action{what};
  }
  state_ = link_state::waiting;
  const auto delay = backoff_.next(random, decision == verdict::retry_slowly);
  return wait_action{what.retry_after ? std::max(delay, std::min(*what.retry_after, longest_retry_after))
                                      : delay};
}

link_action life_cycle::finished() {
  state_ = link_state::ended;
  return end_action{};
}

link_action life_cycle::stopped() {
  return finished();
}

}  // namespace duplexd
