#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "config/value/fault_class.hpp"

namespace duplexd {

/// Why an attempt or a link ended, with what the server said. A plain value. Never holds a secret.
struct fault {
  config::fault_class kind = config::fault_class::lost;
  std::string cause{};                         ///< one line for people: "certificate has expired (CN=…)"
  std::optional<std::uint16_t> http_status{};  ///< the upgrade's status if it was not 101
  std::optional<std::uint16_t> close_code{};   ///< the peer's close frame
  std::optional<std::chrono::milliseconds> retry_after{};  ///< the server's own wish (HTTP Retry-After)
};

}  // namespace duplexd
