#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::cli {

/// How much of a value is compared: all of it, or only what is expected of it.
enum class comparison { whole, named_fields };

/// Appends a line for each field in which the values differ: "data.price: expected 12.5, got 12.25". `path`
/// is what the fields are below.
void append_differences(std::vector<std::string>& out, const std::string& path,
                        const nlohmann::ordered_json& expected, const nlohmann::ordered_json& got,
                        comparison how);

/// A value as a line that is not too long.
[[nodiscard]] std::string brief(const nlohmann::ordered_json& value);
[[nodiscard]] std::string brief_text(std::string_view text);

}  // namespace duplexd::cli
