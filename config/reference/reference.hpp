#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reference/scope.hpp"
#include "config/value/resolved.hpp"

namespace duplexd::config {

/// Where the value of a reference comes from.
enum class reference_source : std::uint8_t {
  env,         ///< `${env:NAME}`, a variable of the environment
  file,        ///< `${file:PATH}`, a file's text without one trailing newline
  credential,  ///< `${credential:NAME}`, a file in $CREDENTIALS_DIRECTORY (systemd)
  var,         ///< `${var:NAME.PATH}`, what a step saved
  reply,       ///< `${reply:PATH}`, the last reply; "*" is all of it
  fault,       ///< `${fault:PATH}`, what `on_fault` caught
  time,        ///< `${time:unix}`, unix_ms, unix_us, iso, http
  nonce,       ///< `${nonce:N}`, N random bytes, written in hexadecimal
  counter,     ///< `${counter:NAME}`, 1, 2, 3 …
  link_count,  ///< `${link_counter:NAME}`, the same, from 1 on each connection
  literal,     ///< 'a text', beside others
};

/// One source and what is asked of it.
struct reference {
  reference_source source = reference_source::literal;
  std::string name;
  std::optional<std::string>
      otherwise{};  ///< `${env:NAME:-TEXT}`: the text if the variable is not set or empty
};

/// Reads `source:name`; `error` says what is wrong with it.
[[nodiscard]] std::optional<reference> parse_reference(std::string_view text, std::string& error);

/// Whether it is known before a session runs: env, file and credential. Their values are secrets.
[[nodiscard]] bool is_outside(reference_source source) noexcept;

/// "${env:NAME}", for messages.
[[nodiscard]] std::string written(const reference& what);

/// The value now. Relative files start from `directory`. `inside` may be null: then only outside references
/// have values.
[[nodiscard]] resolved<nlohmann::ordered_json> look_up(const reference& what, const std::string& directory,
                                                       scope* inside);

}  // namespace duplexd::config
