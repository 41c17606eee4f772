#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/link/backoff.hpp"
#include "daemon/link/fault.hpp"

namespace duplexd {

/// What follows from a fault: another attempt after `delay`, or the end of the session.
struct retry_decision {
  std::optional<std::chrono::milliseconds> delay;  ///< empty: give up
  std::optional<std::uint16_t> exit_code;          ///< of the daemon, if the configuration says so
};

/// The one table of what to do after which fault: the configuration's rules, then built-in ones for what
/// haste makes worse (rejected logins, HTTP 404 and 429, close codes 1008 and 1013), then the session's
/// backoff. Every rule has a backoff and a count of its own. Pure:
/// randomness comes in as an argument.
class retry_policy {
 public:
  explicit retry_policy(const config::reconnect_settings& settings);

  /// A dial failed, or a link ended. `random` is in [0, 1).
  retry_decision failed(const fault& what, double random);

  /// Whether this fault would be the last: nothing is counted.
  [[nodiscard]] bool ends_with(const fault& what) const;

  /// Whether some number of such faults ends the session, and its exit code then.
  [[nodiscard]] bool gives_up_on(const fault& what) const { return rows_[row_of(what)].give_up_after != 0; }
  [[nodiscard]] std::optional<std::uint16_t> exit_code_of(const fault& what) const {
    return rows_[row_of(what)].exit_code;
  }

  /// A link ended after `lifetime`. Only a stable one lets delays start small and counts at zero again.
  void link_lived(std::chrono::milliseconds lifetime);

 private:
  struct row {
    std::vector<config::fault_pattern> on;  ///< empty: every fault
    backoff delays;
    unsigned give_up_after = 0;  ///< 0: never
    std::optional<std::uint16_t> exit_code{};
    bool has_delays = true;  ///< of its own: else a fault that haste makes worse has its long delay
    unsigned in_a_row = 0;

    [[nodiscard]] bool takes(const fault& what) const;
  };
  [[nodiscard]] std::size_t row_of(const fault& what) const;
  static row from_rule(const config::fault_rule& rule, const config::reconnect_settings& settings);

  std::chrono::milliseconds stable_after_;
  std::vector<row> rows_;
};

}  // namespace duplexd
