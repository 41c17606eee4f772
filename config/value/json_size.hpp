#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

namespace duplexd::config {

/// As much as a value takes in memory, roughly: what `limits.variables` counts.
[[nodiscard]] std::uint64_t size_in_memory(const nlohmann::ordered_json& value);

}  // namespace duplexd::config
