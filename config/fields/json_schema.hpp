#pragma once

#include <nlohmann/json.hpp>

namespace duplexd::config {

/// The JSON Schema (draft 2020-12) of the configuration, made from the field table. Editors complete and
/// check with it; what only `duplexd check` sees (names, layouts, references) it lets pass.
[[nodiscard]] nlohmann::ordered_json json_schema();

}  // namespace duplexd::config
