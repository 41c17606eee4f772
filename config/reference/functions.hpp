#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reference/value_kinds.hpp"
#include "config/value/resolved.hpp"

namespace duplexd::config {

class text_pattern;

/// A value on its way through a function.
struct function_call {
  nlohmann::ordered_json input;
  std::vector<nlohmann::ordered_json> arguments;
  const text_pattern* pattern = nullptr;  ///< of the function `match`
  std::size_t json_depth = 0;             ///< how deep a result may be nested
  std::uint64_t largest = 0;              ///< bytes of a result in memory
};

/// What a value can be piped through: `${var:challenge + credential:key | sha256 | hex}`. Pure but for the
/// machine's random numbers, which ES256 uses.
struct function_info {
  std::string_view name;
  std::string_view usage;              ///< "split(SEPARATOR)"
  value_kinds input;                   ///< what it takes; a call with other values is an error
  value_kinds output;                  ///< what it may give
  std::vector<value_kinds> arguments;  ///< what each of them may be
  unsigned required;                   ///< so many of them
  resolved<nlohmann::ordered_json> (*apply)(function_call& call);
  /// What is wrong with arguments that are known when the configuration is read; null: one that is not.
  std::string (*check)(std::span<const nlohmann::ordered_json* const> known) = nullptr;
};

/// Null if there is none of that name.
[[nodiscard]] const function_info* find_function(std::string_view name) noexcept;
[[nodiscard]] std::vector<std::string> function_names();

/// `count` bytes of OpenSSL's random generator.
[[nodiscard]] std::string random_bytes(std::size_t count);

// For the table, each with its part of the functions.
[[nodiscard]] std::vector<function_info> digest_functions();  // digests.cpp
[[nodiscard]] std::vector<function_info> text_functions();    // texts.cpp
[[nodiscard]] std::vector<function_info> value_functions();   // values.cpp
[[nodiscard]] std::vector<function_info> time_functions();    // times.cpp
[[nodiscard]] std::vector<function_info> token_functions();   // web_tokens.cpp

}  // namespace duplexd::config
