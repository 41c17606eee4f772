#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace duplexd::config {

/// A value as a YAML document that `read_document` reads back as the same value: maps and lists in blocks,
/// small ones in one line.
[[nodiscard]] std::string yaml_text(const nlohmann::ordered_json& value);

}  // namespace duplexd::config
