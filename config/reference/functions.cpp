#include "config/reference/functions.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include "protocol/text/percent_encoding.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::config {

namespace {

constexpr std::array<std::pair<function, std::string_view>, 17> names{{
    {function::md5, "md5"},
    {function::sha1, "sha1"},
    {function::sha256, "sha256"},
    {function::sha512, "sha512"},
    {function::hmac_sha1, "hmac_sha1"},
    {function::hmac_sha256, "hmac_sha256"},
    {function::hmac_sha512, "hmac_sha512"},
    {function::base64, "base64"},
    {function::base64url, "base64url"},
    {function::from_base64, "from_base64"},
    {function::hex, "hex"},
    {function::from_hex, "from_hex"},
    {function::lower, "lower"},
    {function::upper, "upper"},
    {function::url, "url"},
    {function::number, "number"},
    {function::json, "json"},
}};

const unsigned char* octets(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string digest(const EVP_MD* kind, const std::string& input) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(input.data(), input.size(), out.data(), &size, kind, nullptr) != 1)
    throw std::runtime_error("OpenSSL refuses a digest");
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string mac(const EVP_MD* kind, const std::string& input, const std::string& key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (HMAC(kind, key.data(), static_cast<int>(key.size()), octets(input), input.size(), out.data(), &size) ==
      nullptr)
    throw std::runtime_error("OpenSSL refuses a message authentication code");
  return {reinterpret_cast<const char*>(out.data()), size};
}

protocol::bytes_view bytes_of(const std::string& text) {
  return {octets(text), text.size()};
}

std::optional<std::string> text_of(const std::optional<std::vector<std::uint8_t>>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(bytes->begin(), bytes->end());
}

std::string to_base64(const std::string& input) {
  std::string out;
  protocol::append_base64(out, bytes_of(input));
  return out;
}

std::string to_base64url(const std::string& input) {
  std::string out = to_base64(input);
  out.resize(std::min(out.size(), out.find('=')));
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  return out;
}

/// Either alphabet, with or without padding.
std::optional<std::string> of_base64(std::string input) {
  std::ranges::replace(input, '-', '+');
  std::ranges::replace(input, '_', '/');
  while (!input.empty() && input.back() == '=') input.pop_back();
  const std::size_t padding = (4 - input.size() % 4) % 4;
  if (padding == 3 || input.find('=') != std::string::npos) return std::nullopt;
  input.append(padding, '=');
  return text_of(protocol::parse_base64(input));
}

std::string to_hex(const std::string& input) {
  std::string out;
  protocol::append_hex(out, bytes_of(input));
  return out;
}

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

std::string percent_encoded(const std::string& input) {
  std::string out;
  protocol::append_percent_encoded(out, input);
  return out;
}

std::string each(std::string text, char (*change)(char)) {
  std::ranges::transform(text, text.begin(), change);
  return text;
}

}  // namespace

std::optional<function> function_from(std::string_view name) noexcept {
  for (const auto& [which, candidate] : names)
    if (candidate == name) return which;
  return std::nullopt;
}

std::vector<std::string> function_names() {
  std::vector<std::string> all;
  for (const auto& [which, name] : names) all.emplace_back(name);
  return all;
}

bool takes_key(function which) noexcept {
  return which == function::hmac_sha1 || which == function::hmac_sha256 || which == function::hmac_sha512;
}

std::optional<std::string> apply(function which, const std::string& input, const std::string& key) {
  switch (which) {
    case function::md5:
      return digest(EVP_md5(), input);
    case function::sha1:
      return digest(EVP_sha1(), input);
    case function::sha256:
      return digest(EVP_sha256(), input);
    case function::sha512:
      return digest(EVP_sha512(), input);
    case function::hmac_sha1:
      return mac(EVP_sha1(), input, key);
    case function::hmac_sha256:
      return mac(EVP_sha256(), input, key);
    case function::hmac_sha512:
      return mac(EVP_sha512(), input, key);
    case function::base64:
      return to_base64(input);
    case function::base64url:
      return to_base64url(input);
    case function::from_base64:
      return of_base64(input);
    case function::hex:
      return to_hex(input);
    case function::from_hex:
      return text_of(protocol::parse_hex(input));
    case function::lower:
      return each(input, to_lower);
    case function::upper:
      return each(input, to_upper);
    case function::url:
      return percent_encoded(input);
    case function::number:
    case function::json:
      return input;
  }
  return std::nullopt;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
    throw std::runtime_error("OpenSSL has no random numbers");
  return out;
}

}  // namespace duplexd::config
