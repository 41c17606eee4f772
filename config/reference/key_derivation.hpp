#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace duplexd::config {

/// The digests of PBKDF2 here.
enum class key_digest : std::uint8_t { sha1, sha256, sha512 };

/// The most iterations that `limits.kdf_iterations` can allow.
inline constexpr std::uint32_t most_iterations = 10'000'000;

/// A number of iterations: an integer from 1 to `most`, or a text with its decimal digits. Nothing if it is
/// another value.
[[nodiscard]] std::optional<std::uint32_t> iteration_count(const nlohmann::ordered_json& value,
                                                           std::uint32_t most);

/// PBKDF2 with HMAC (RFC 8018, 5.2; the function Hi of SCRAM, RFC 5802): as many bytes as the digest has.
/// Takes 0.2 to 0.5 microseconds an iteration. `iterations`: at least 1. May be called on any thread. Nothing
/// if OpenSSL refuses.
[[nodiscard]] std::optional<std::string> pbkdf2(key_digest digest, std::string_view password,
                                                std::string_view salt, std::uint32_t iterations);

}  // namespace duplexd::config
