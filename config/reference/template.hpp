#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/reference/expression.hpp"
#include "config/reference/scope.hpp"
#include "config/value/resolved.hpp"
#include "protocol/document/node.hpp"

namespace duplexd::config {

/// A text of the configuration that may hold references. What they stand for is read at each `resolve()`, so
/// that a renewed secret is used at the next dial, and is never kept. `$${` stands for a literal `${`.
class text_template {
 public:
  text_template() = default;

  /// Parses references; a malformed one (unknown source, no closing brace) is put into `error` if given.
  /// Relative paths in `${file:PATH}` start from `directory`; empty: the working directory.
  explicit text_template(std::string_view text, std::string* error = nullptr,
                         std::string_view directory = {});

  /// The same for a text that is itself a file's path: once resolved, a relative one starts from `directory`.
  [[nodiscard]] static text_template of_path(std::string_view text, std::string* error,
                                             std::string_view directory);

  /// Reads every reference now, those to the running session from `inside`. What is missing (a variable, a
  /// file, a credential, a saved value) is an error that names the reference.
  [[nodiscard]] resolved<std::string> resolve(scope* inside = nullptr) const;

  /// The same for a text that is nothing but one reference: its value keeps its JSON type.
  [[nodiscard]] resolved<nlohmann::ordered_json> resolve_value(scope* inside) const;

  /// Why a reference to the outside (env, file, credential) cannot be read now; empty if all can.
  [[nodiscard]] std::string check_outside() const;

  /// For logs: literal parts as they are, references as written, never their values.
  [[nodiscard]] std::string display() const;

  [[nodiscard]] bool has_references() const noexcept;

  /// Whether it refers to the outside: such values are secrets.
  [[nodiscard]] bool has_secrets() const noexcept;

  /// Whether it refers to the running session, so that it has no value before.
  [[nodiscard]] bool has_inside() const noexcept;

  /// Every reference in it.
  [[nodiscard]] std::vector<reference> references() const;

  /// The literal parts, with `placeholder` for each reference: to check what a text looks like without
  /// secrets.
  [[nodiscard]] std::string with_placeholder(std::string_view placeholder) const;

  [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }

 private:
  struct part {
    std::string literal;
    std::optional<expression> value{};  ///< instead of the literal
  };
  [[nodiscard]] std::string from_directory(const std::string& path) const;

  std::vector<part> parts_;
  std::string directory_;
  bool is_path_ = false;
};

/// A JSON value of the configuration whose strings may hold references. Keys are taken literally and keep
/// their order.
class json_template {
 public:
  json_template() = default;

  /// Parses references in every string; the first malformed one is put into `error` if given.
  /// Relative paths as in `text_template`. A number that JSON cannot hold is an error too.
  explicit json_template(const protocol::node& source, std::string* error = nullptr,
                         std::string_view directory = {});

  /// The JSON value with every reference read now; see `text_template::resolve`.
  [[nodiscard]] resolved<nlohmann::ordered_json> resolve(scope* inside = nullptr) const;

  [[nodiscard]] bool has_references() const noexcept;
  [[nodiscard]] bool has_secrets() const noexcept;
  [[nodiscard]] std::vector<reference> references() const;

  /// The value as it must look, with references that cannot be known as null: what the simulator compares
  /// with.
  [[nodiscard]] const nlohmann::ordered_json& unresolved() const noexcept { return value_; }

 private:
  nlohmann::ordered_json value_;  ///< strings with references are null here and stand in `texts_`
  std::vector<std::pair<nlohmann::ordered_json::json_pointer, text_template>> texts_;
};

}  // namespace duplexd::config
