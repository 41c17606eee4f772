#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace duplexd::config {

/// Kinds of values, as a set: what a function takes, what an expression may give.
enum class value_kinds : std::uint8_t {
  none = 0,
  null = 1,
  boolean = 2,
  number = 4,
  text = 8,
  bytes = 16,  ///< what digests and decoders give; a text wherever one is needed
  list = 32,
  map = 64,
  scalar = 2 + 4 + 8 + 16,
  any = 127,
};

[[nodiscard]] constexpr value_kinds operator|(value_kinds a, value_kinds b) noexcept {
  return static_cast<value_kinds>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool overlap(value_kinds a, value_kinds b) noexcept {
  return (static_cast<unsigned>(a) & static_cast<unsigned>(b)) != 0;
}

[[nodiscard]] value_kinds kind_of(const nlohmann::ordered_json& value) noexcept;

/// "a text or a list", for messages. Bytes are not named beside texts.
[[nodiscard]] std::string in_words(value_kinds kinds);

/// A value as it reads in a text: strings and bytes as they are, everything else as JSON.
[[nodiscard]] std::string as_text(const nlohmann::ordered_json& value);

/// A binary value.
[[nodiscard]] nlohmann::ordered_json as_bytes(std::string_view bytes);

}  // namespace duplexd::config
