#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "protocol/document/node.hpp"

namespace duplexd::protocol {

/// A configuration value as JSON: keys keep their order; integers stay exact up to 64 bits.
[[nodiscard]] nlohmann::ordered_json to_json(const node& from);

/// Equality of JSON values where keys may stand in any order, and 420 equals 420.0.
[[nodiscard]] bool same_json(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b);

}  // namespace duplexd::protocol
