#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/link/fault.hpp"

namespace duplexd {

/// How steps ended: in order, by a fault, or with the wish for a new link. A plain value.
struct flow_result {
  std::optional<fault> failed{};
  std::optional<std::string> reconnect{};  ///< why
  nlohmann::ordered_json result{};         ///< of the last step that has one

  /// Whether the steps after it are not carried out.
  [[nodiscard]] bool ends_flow() const noexcept { return failed || reconnect; }
};

}  // namespace duplexd
