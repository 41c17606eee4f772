#pragma once

#include <nlohmann/json.hpp>

namespace duplexd::config {

/// The JSON Schema of a template (docs/layouts.md).
struct template_schema {
  nlohmann::ordered_json schema;
  bool is_whole = true;  ///< the template can be made of it again
};

/// Constants become `const`, slots a schema that takes anything, and keys without `?` are required. Of a list
/// each element has a schema.
[[nodiscard]] template_schema schema_of(const nlohmann::ordered_json& json_template);

}  // namespace duplexd::config
