#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::config {

/// What a value can be piped through: `${var:challenge + credential:key | sha256 | hex}`.
enum class function : std::uint8_t {
  md5,
  sha1,
  sha256,
  sha512,
  hmac_sha1,
  hmac_sha256,
  hmac_sha512,
  base64,
  base64url,  ///< RFC 4648, 5, without padding
  from_base64,
  hex,
  from_hex,
  lower,
  upper,
  url,     ///< percent-encoded (RFC 3986, unreserved characters stay)
  number,  ///< the text as a JSON number
  json,    ///< the JSON value that the text holds
};

[[nodiscard]] std::optional<function> function_from(std::string_view name) noexcept;
[[nodiscard]] std::vector<std::string> function_names();

/// Whether it needs a key in brackets: hmac_sha256(credential:key).
[[nodiscard]] bool takes_key(function which) noexcept;

/// Applies it to bytes. Empty if the input is not what the function takes. `number` and `json` leave the text
/// as it is: whoever needs the value parses it.
[[nodiscard]] std::optional<std::string> apply(function which, const std::string& input,
                                               const std::string& key);

/// `count` bytes of OpenSSL's random generator.
[[nodiscard]] std::string random_bytes(std::size_t count);

}  // namespace duplexd::config
