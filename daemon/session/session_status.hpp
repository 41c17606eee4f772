#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/link/fault.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// Where a session stands, as operators see it.
enum class session_phase : std::uint8_t {
  starting,    ///< not running yet
  inactive,    ///< outside of its hours
  connecting,  ///< waits for its turn to connect, runs `before`, or dials
  login,       ///< connected, the login has not been granted
  up,          ///< logged in
  waiting,     ///< for the next attempt
  closing,     ///< the connection is being closed
  paused,      ///< by an operator
  ended,       ///< for good
};

/// "connecting".
[[nodiscard]] std::string_view name_of(session_phase phase) noexcept;

/// A session at one moment. A plain value, made when somebody asks.
struct session_status {
  session_phase phase = session_phase::starting;
  clock::time_point since{};                        ///< when the phase began
  std::optional<clock::time_point> next_attempt{};  ///< while it waits
  std::optional<fault> cause{};                     ///< of the last failure, if it has not logged in since
  std::size_t queued = 0;                           ///< commands that wait to be sent
  std::size_t unconfirmed = 0;                      ///< commands that wait for the reply that confirms them
  std::size_t unsent = 0;                           ///< bytes that the kernel has not taken
  std::optional<std::chrono::nanoseconds> newest_event_age{};  ///< by its own time, see lag_watch
  std::optional<std::chrono::microseconds> round_trip{};       ///< to the peer of the TCP connection
  std::optional<std::chrono::sys_seconds> certificate_end{};   ///< of the server's
};

}  // namespace duplexd
