#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::cli {

/// A JSON text as a value; nothing, and `error`, if it is none.
[[nodiscard]] std::optional<nlohmann::ordered_json> value_of_json(std::string_view text, std::string& error);

/// Words as values: all of them key=value, or none of them. A value that is not JSON is a text. Null: there
/// are no words.
[[nodiscard]] std::optional<nlohmann::ordered_json> values_of(const std::vector<std::string>& words,
                                                              std::string& error);

/// The same for what is typed in one line: JSON, or words with spaces between them.
[[nodiscard]] std::optional<nlohmann::ordered_json> values_of_line(std::string_view line, std::string& error);

}  // namespace duplexd::cli
