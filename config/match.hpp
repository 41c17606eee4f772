#pragma once

#include <nlohmann/json.hpp>

namespace duplexd {

/// Whether `data` holds what `where` asks for: a null `where` asks for nothing, a map for fields with equal
/// values. "status.code" reaches into objects, unless there is a field of that very name. Pure.
[[nodiscard]] bool matches(const nlohmann::ordered_json& data, const nlohmann::ordered_json& where);

}  // namespace duplexd
