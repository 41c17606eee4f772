#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/asyncapi/asyncapi_document.hpp"

namespace duplexd::config {

/// What a JSON Schema says of a value, as far as a template of JSON can say it: which fields there are, which
/// must be there, and which are constant. Types, ranges and patterns are not part of it.
struct message_shape {
  enum class kind : std::uint8_t { any, constant, map, tuple };
  struct member;
  kind what = kind::any;
  nlohmann::ordered_json value{};                 ///< of a constant
  std::vector<nlohmann::ordered_json> choices{};  ///< of any: one of these; empty: not known
  std::vector<member> members;                    ///< of a map and of a tuple
  std::string title{};
};

struct message_shape::member {
  std::string name;
  message_shape shape;
  bool required = false;
};

/// Reads a schema: `properties`, `required`, `const`, `enum`, `items` as a list; `allOf` adds up, and of
/// `oneOf` and `anyOf` what all alternatives have in common stays. Schemas within each other are read to a
/// depth of 16.
[[nodiscard]] message_shape read_schema(const asyncapi_document& document, const api_value& schema);

/// The template (docs/layouts.md) of messages of this shape; null: they can be anything.
[[nodiscard]] nlohmann::ordered_json template_of(const message_shape& shape);

/// The values that tell such a message from others, by JSON pointer: its constants, and fields of which few
/// values are known. An empty map: none.
[[nodiscard]] nlohmann::ordered_json conditions_of(const message_shape& shape);

/// Whether a message can lack what the template wants.
[[nodiscard]] bool requires_something(const message_shape& shape);

}  // namespace duplexd::config
