#include "config/reference/key_derivation.hpp"

#include <openssl/evp.h>

#include <charconv>

namespace duplexd::config {

namespace {

const EVP_MD* of(key_digest digest) {
  return digest == key_digest::sha1 ? EVP_sha1() : digest == key_digest::sha256 ? EVP_sha256() : EVP_sha512();
}

}  // namespace

std::optional<std::uint32_t> iteration_count(const nlohmann::ordered_json& value, std::uint32_t most) {
  const bool is_text = value.is_string();
  if (!is_text && !value.is_number_integer()) return std::nullopt;
  const std::string digits = is_text ? value.get<std::string>() : value.dump();
  std::uint32_t count = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, count);
  if (error != std::errc{} || stop != end || count == 0 || count > most) return std::nullopt;
  return count;
}

std::optional<std::string> pbkdf2(key_digest digest, std::string_view password, std::string_view salt,
                                  std::uint32_t iterations) {
  const EVP_MD* const kind = of(digest);
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                        reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                        static_cast<int>(iterations), kind, static_cast<int>(out.size()),
                        reinterpret_cast<unsigned char*>(out.data())) != 1)
    return std::nullopt;
  return out;
}

}  // namespace duplexd::config
