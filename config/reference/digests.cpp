// Functions, part: digests, message authentication codes, and bytes as text and back.
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include "config/reference/base64url.hpp"
#include "config/reference/functions.hpp"
#include "protocol/text/percent_encoding.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

using outcome = resolved<ordered_json>;
using octets = std::array<unsigned char, EVP_MAX_MD_SIZE>;

const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

ordered_json bytes_from(const octets& from, unsigned size) {
  return as_bytes({reinterpret_cast<const char*>(from.data()), size});
}

template <const EVP_MD* (*kind)()>
outcome digest(function_call& call) {
  const std::string input = as_text(call.input);
  octets out{};
  unsigned size = 0;
  if (EVP_Digest(input.data(), input.size(), out.data(), &size, kind(), nullptr) != 1)
    throw std::runtime_error("OpenSSL refuses a digest");
  return {bytes_from(out, size), ""};
}

template <const EVP_MD* (*kind)()>
outcome mac(function_call& call) {
  const std::string input = as_text(call.input);
  const std::string key = as_text(call.arguments[0]);
  octets out{};
  unsigned size = 0;
  if (HMAC(kind(), key.data(), static_cast<int>(key.size()), octets_of(input), input.size(), out.data(),
           &size) == nullptr)
    throw std::runtime_error("OpenSSL refuses a message authentication code");
  return {bytes_from(out, size), ""};
}

/// A function from text to text, whatever the value is.
template <void (*append)(std::string&, std::string_view)>
outcome encoded(function_call& call) {
  std::string out;
  append(out, as_text(call.input));
  return {std::move(out), ""};
}

void append_base64(std::string& out, std::string_view input) {
  protocol::append_base64(out, {octets_of(input), input.size()});
}

void append_hex(std::string& out, std::string_view input) {
  protocol::append_hex(out, {octets_of(input), input.size()});
}

/// Either alphabet, with or without padding.
std::optional<std::vector<std::uint8_t>> of_base64(std::string input) {
  std::ranges::replace(input, '-', '+');
  std::ranges::replace(input, '_', '/');
  while (!input.empty() && input.back() == '=') input.pop_back();
  const std::size_t padding = (4 - input.size() % 4) % 4;
  if (padding == 3 || input.find('=') != std::string::npos) return std::nullopt;
  input.append(padding, '=');
  return protocol::parse_base64(input);
}

outcome decoded(std::optional<std::vector<std::uint8_t>> bytes) {
  if (!bytes) return {nullptr, "the value cannot be decoded"};
  return {ordered_json::binary(std::move(*bytes)), ""};
}

outcome combined(function_call& call) {
  std::string bytes = as_text(call.input);
  const std::string other = as_text(call.arguments[0]);
  if (bytes.size() != other.size())
    return {nullptr,
            fmt::format("'xor' takes as many bytes again, not {} and {}", bytes.size(), other.size())};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ static_cast<unsigned char>(other[i]));
  return {as_bytes(bytes), ""};
}

outcome from_base64(function_call& call) {
  return decoded(of_base64(as_text(call.input)));
}

outcome from_hex(function_call& call) {
  return decoded(protocol::parse_hex(as_text(call.input)));
}

}  // namespace

void append_base64url(std::string& out, std::string_view input) {
  std::string text;
  append_base64(text, input);
  text.resize(std::min(text.size(), text.find('=')));
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  out += text;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
    throw std::runtime_error("OpenSSL has no random numbers");
  return out;
}

std::vector<function_info> digest_functions() {
  using enum value_kinds;
  return {
      {"md5", "md5", any, bytes, {}, 0, digest<EVP_md5>},
      {"sha1", "sha1", any, bytes, {}, 0, digest<EVP_sha1>},
      {"sha256", "sha256", any, bytes, {}, 0, digest<EVP_sha256>},
      {"sha512", "sha512", any, bytes, {}, 0, digest<EVP_sha512>},
      {"hmac_sha1", "hmac_sha1(credential:NAME)", any, bytes, {scalar}, 1, mac<EVP_sha1>},
      {"hmac_sha256", "hmac_sha256(credential:NAME)", any, bytes, {scalar}, 1, mac<EVP_sha256>},
      {"hmac_sha512", "hmac_sha512(credential:NAME)", any, bytes, {scalar}, 1, mac<EVP_sha512>},
      {"xor", "xor(BYTES)", text | bytes, bytes, {text | bytes}, 1, combined},
      {"base64", "base64", any, text, {}, 0, encoded<append_base64>},
      {"base64url", "base64url", any, text, {}, 0, encoded<append_base64url>},
      {"from_base64", "from_base64", scalar, bytes, {}, 0, from_base64},
      {"hex", "hex", any, text, {}, 0, encoded<append_hex>},
      {"from_hex", "from_hex", scalar, bytes, {}, 0, from_hex},
      {"url", "url", any, text, {}, 0, encoded<protocol::append_percent_encoded>},
  };
}

}  // namespace duplexd::config
