#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace duplexd::config {

/// The value that a path leads to, or null if there is none. "status.code" reaches into objects, "items.0"
/// into lists, unless there is a field of that very name; "" and "*" are the whole value.
[[nodiscard]] const nlohmann::ordered_json* find_path(const nlohmann::ordered_json& in,
                                                      std::string_view path);

}  // namespace duplexd::config
