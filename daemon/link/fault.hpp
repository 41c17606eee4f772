#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "config/value/fault_class.hpp"

namespace duplexd {

/// What code decides by where the class does not say enough. No code reads the text of a cause.
enum class fault_reason : std::uint8_t {
  other,
  no_reply,  ///< an awaited reply did not come in time
};

/// A line of the configuration.
struct fault_place {
  std::string file;  ///< which of several; empty: the only one
  std::uint32_t line = 0;
  friend bool operator==(const fault_place&, const fault_place&) = default;
};

/// Why an attempt or a link ended, with what the server said. A plain value. Never holds a secret.
struct fault {
  config::fault_class kind = config::fault_class::lost;
  fault_reason reason = fault_reason::other;
  std::string cause{};                         ///< one line for people: "certificate has expired (CN=…)"
  std::optional<std::uint16_t> http_status{};  ///< the upgrade's status if it was not 101
  std::optional<std::uint16_t> close_code{};   ///< the peer's close frame
  std::optional<std::chrono::milliseconds> retry_after{};  ///< the server's own wish (HTTP Retry-After)
  std::optional<fault_place> place{};                      ///< the innermost step that failed
};

/// The cause and the line of the step, for people.
[[nodiscard]] inline std::string text_of(const fault& what) {
  if (!what.place) return what.cause;
  const std::string file = what.place->file.empty() ? "" : what.place->file + ", ";
  return what.cause + " (" + file + "line " + std::to_string(what.place->line) + ")";
}

}  // namespace duplexd
