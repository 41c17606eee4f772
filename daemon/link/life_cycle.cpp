#include "daemon/link/life_cycle.hpp"

namespace duplexd {

namespace {
// Links that are renewed again and again leave the server this much time between two dials.
constexpr std::chrono::milliseconds shortest_renewal{1'000};
}  // namespace

life_cycle::life_cycle(const config::reconnect_settings& settings, bool once)
    : policy_(settings), once_(once) {}

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
  if (state_ == link_state::open) policy_.link_lived(lifetime);
  const retry_decision decision = policy_.failed(what, random);
  if (once_ || !decision.delay) {
    state_ = link_state::ended;
    return end_action{what, policy_.exit_code_of(what)};
  }
  state_ = link_state::waiting;
  return wait_action{*decision.delay};
}

link_action life_cycle::renewed(std::chrono::milliseconds lifetime) {
  if (once_) return finished();
  policy_.link_lived(lifetime);
  if (lifetime >= shortest_renewal) return start();
  state_ = link_state::waiting;
  return wait_action{shortest_renewal};
}

link_action life_cycle::left(std::chrono::milliseconds lifetime) {
  policy_.link_lived(lifetime);
  return start();
}

link_action life_cycle::finished() {
  state_ = link_state::ended;
  return end_action{};
}

link_action life_cycle::stopped() {
  return finished();
}

}  // namespace duplexd
