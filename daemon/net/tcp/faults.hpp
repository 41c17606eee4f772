#pragma once

#include <chrono>
#include <string>

#include "daemon/link/fault.hpp"

namespace duplexd::net {

[[nodiscard]] inline fault make_fault(config::fault_class kind, std::string cause) {
  fault made;
  made.kind = kind;
  made.cause = std::move(cause);
  return made;
}

/// "10s", "1.5s" or "250ms".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

}  // namespace duplexd::net
