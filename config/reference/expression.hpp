#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reference/functions.hpp"
#include "config/reference/reference.hpp"
#include "config/value/resolved.hpp"

namespace duplexd::config {

/// What stands in `${…}`: references, joined and piped through functions.
///     expression = sum { " | " function [ "(" sum ")" ] }
///     sum        = reference { " + " reference }
/// A lone reference keeps its JSON type; everything else is text.
struct expression {
  struct step {
    function apply{};
    std::vector<reference> key;  ///< in brackets; empty: none
  };
  std::vector<reference> terms;
  std::vector<step> steps;
  std::string written;  ///< as in the file, without `${` and `}`

  /// Whether it holds what may be a secret.
  [[nodiscard]] bool is_outside() const noexcept;

  /// Every reference in it, keys included.
  [[nodiscard]] std::vector<reference> references() const;
};

[[nodiscard]] std::optional<expression> parse_expression(std::string_view text, std::string& error);

/// Its value now; see `look_up`.
[[nodiscard]] resolved<nlohmann::ordered_json> evaluate(const expression& what, const std::string& directory,
                                                        scope* inside);

/// How deep JSON may be nested for who is `inside`.
[[nodiscard]] std::size_t depth_for(const scope* inside) noexcept;

/// A JSON value as it reads in a text: strings as they are, everything else as JSON.
[[nodiscard]] std::string as_text(const nlohmann::ordered_json& value);

}  // namespace duplexd::config
