#pragma once

#include <nlohmann/json.hpp>

namespace duplexd::config {

/// The definitions of the JSON Schema for protocols, which have no fields in the table: `protocol` and what
/// it needs.
[[nodiscard]] nlohmann::ordered_json protocol_definitions();

}  // namespace duplexd::config
