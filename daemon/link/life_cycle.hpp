#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>

#include "config/settings/settings.hpp"
#include "daemon/link/fault.hpp"
#include "daemon/link/retry_policy.hpp"

namespace duplexd {

/// Where a session stands.
enum class link_state : std::uint8_t { idle, dialing, open, waiting, ended };

/// What a session does next.
struct dial_action {};
struct serve_action {};  ///< login, script, replies, and the close at the end
struct wait_action {
  std::chrono::milliseconds delay{0};
};
struct end_action {
  std::optional<fault> why{};                ///< empty: a clean end
  std::optional<std::uint16_t> exit_code{};  ///< of the daemon, if the configuration gives this fault one
};
using link_action = std::variant<dial_action, serve_action, wait_action, end_action>;

/// The life of a session as a pure state machine: the session reports what happened and is told what to do.
/// It ends only on `finished()`, `stopped()`, a fault that the configuration calls fatal, or any fault with
/// `once`.
class life_cycle {
 public:
  life_cycle(const config::reconnect_settings& settings, bool once);

  [[nodiscard]] link_state state() const noexcept { return state_; }

  link_action start();
  link_action dialed();
  link_action waited();

  /// A dial failed, or a link ended after `lifetime`. `random` is in [0, 1).
  link_action failed(const fault& what, std::chrono::milliseconds lifetime, double random);

  /// Whether such a fault would end the session now. Of several URLs that are tried in turn only the last
  /// one's fault is reported to `failed()`, unless this is true of an earlier one's.
  /// With `once` that is each fault for which a rule gives up some time.
  [[nodiscard]] bool ends_with(const fault& what) const {
    return once_ ? policy_.gives_up_on(what) : policy_.ends_with(what);
  }

  /// The link was left in order to make a new one: at once, unless it lived so short that this would spin.
  /// With `once` that is the end.
  link_action renewed(std::chrono::milliseconds lifetime);

  /// The link was left in order because somebody asked for it: a new one follows when the session may.
  link_action left(std::chrono::milliseconds lifetime);

  /// The script came to its end and nothing more is to be done (`once`).
  link_action finished();

  /// The daemon stops.
  link_action stopped();

 private:
  retry_policy policy_;
  bool once_;
  link_state state_ = link_state::idle;
};

}  // namespace duplexd
