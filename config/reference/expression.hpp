#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reference/arithmetic.hpp"
#include "config/reference/functions.hpp"
#include "config/reference/reference.hpp"
#include "config/value/resolved.hpp"
#include "config/value/text_pattern.hpp"

namespace duplexd::config {

/// What stands in `${…}`: references, joined and piped through functions, or numbers that are calculated
/// with.
///     expression = ( sum | "=" calculation ) { " | " function [ "(" expression { "," expression } ")" ] }
///     sum        = term { " + " term }
///     term       = reference | "'" text "'" | "(" expression ")" | number     (numbers only inside brackets)
///     calculation: or, and, not, comparisons, + -, * / %, - before a term; signs have spaces around them
/// A lone reference keeps its JSON type; a sum of several terms is a text.
struct expression {
  struct node {
    enum class kind : std::uint8_t { constant, refer, join, apply, negate, invert, calculate };
    kind what = kind::constant;
    value_kinds gives = value_kinds::any;     ///< as far as is known before
    bool is_outside = false;                  ///< holds what may be a secret
    operation sign{};                         ///< calculate
    nlohmann::ordered_json constant{};        ///< constant
    reference source{};                       ///< refer
    const function_info* function = nullptr;  ///< apply: to the first operand, with the others as arguments
    std::shared_ptr<const text_pattern> pattern{};  ///< of the function, if it has one
    std::vector<node> operands{};
  };
  node root;
  std::string written;  ///< as in the file, without `${` and `}`

  /// Whether it holds what may be a secret.
  [[nodiscard]] bool is_outside() const noexcept { return root.is_outside; }

  /// Every reference in it, those in arguments included.
  [[nodiscard]] std::vector<reference> references() const;
};

/// Reads the text between `${` and `}`. `error` also tells of functions that cannot take what they would get.
[[nodiscard]] std::optional<expression> parse_expression(std::string_view text, std::string& error);

/// Its value now; see `look_up`. Every value on the way takes at most `limits.variables` bytes.
[[nodiscard]] resolved<nlohmann::ordered_json> evaluate(const expression& what, const std::string& directory,
                                                        scope* inside);

/// How deep JSON may be nested for who is `inside`.
[[nodiscard]] std::size_t depth_for(const scope* inside) noexcept;

}  // namespace duplexd::config
