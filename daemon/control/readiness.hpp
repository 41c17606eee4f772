#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "daemon/event/secret_index.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/session/session.hpp"

namespace duplexd {

/// The sessions of a daemon, in the order of the file. A reload makes another list.
using session_list = std::vector<std::shared_ptr<session>>;

/// Whether the daemon is ready: every required session is up, or outside of its hours.
struct readiness {
  /// So many sessions are named; the others are counted.
  static constexpr std::size_t most_named = 100;

  bool ready = true;
  nlohmann::ordered_json report;
};

[[nodiscard]] readiness judge_readiness(const session_list& sessions, clock::time_point now,
                                        const secret_index& secrets);

/// The same as one line for people: "1 of 2 sessions up; feed waiting: ws.test.com:443: connection refused".
/// Few sessions that are down are named, each with the begin of its cause.
[[nodiscard]] std::string readiness_line(const session_list& sessions, const secret_index& secrets);

/// What keeps a session from being up: phase, for how long, cause, next attempt. Secrets are masked.
[[nodiscard]] nlohmann::ordered_json describe(const session_status& status, clock::time_point now,
                                              const secret_index& secrets);

/// How old events are: {"newest_age_seconds": 0.1, "last_seconds": 0.05, "times_unusable": 0, "times_ahead":
/// 0}.
[[nodiscard]] nlohmann::ordered_json describe_lag(const lag_watch& lag, const session_status& status);

}  // namespace duplexd
