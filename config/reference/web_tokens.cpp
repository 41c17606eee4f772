// Functions, part: signed tokens (JSON Web Tokens, RFC 7515, 7518 and 7519).
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <memory>
#include <optional>

#include "config/reference/base64url.hpp"
#include "config/reference/functions.hpp"
#include "protocol/text/json_text.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

using outcome = resolved<ordered_json>;

template <auto release>
struct releaser {
  template <class T>
  void operator()(T* object) const noexcept {
    release(object);
  }
};
using bio_holder = std::unique_ptr<BIO, releaser<BIO_free>>;
using key_holder = std::unique_ptr<EVP_PKEY, releaser<EVP_PKEY_free>>;
using context_holder = std::unique_ptr<EVP_MD_CTX, releaser<EVP_MD_CTX_free>>;
using signature_holder = std::unique_ptr<ECDSA_SIG, releaser<ECDSA_SIG_free>>;

constexpr std::size_t half = 32;  // bytes of r and of s, for P-256

/// A key that needs a password is refused; OpenSSL would ask for it at the terminal.
int no_password(char* /*to*/, int /*size*/, int /*writes*/, void* /*data*/) {
  return -1;
}

key_holder read_key(const std::string& pem) {
  const bio_holder source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return key_holder(source ? PEM_read_bio_PrivateKey(source.get(), nullptr, no_password, nullptr) : nullptr);
}

std::optional<std::string> sign(EVP_PKEY* key, const std::string& text) {
  const context_holder context(EVP_MD_CTX_new());
  const auto* input = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, input, text.size()) != 1)
    return std::nullopt;
  std::string made(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(made.data()), &size, input,
                     text.size()) != 1)
    return std::nullopt;
  made.resize(size);
  return made;
}

/// r and s one after the other (RFC 7518, 3.4) instead of ASN.1.
std::optional<std::string> as_halves(const std::string& encoded) {
  const auto* from = reinterpret_cast<const unsigned char*>(encoded.data());
  const signature_holder parts(d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(encoded.size())));
  if (!parts) return std::nullopt;
  std::string made(2 * half, '\0');
  auto* to = reinterpret_cast<unsigned char*>(made.data());
  constexpr int width = half;
  if (BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), to, width) != width ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), to + half, width) != width)
    return std::nullopt;
  return made;
}

resolved<std::string> signed_hs256(const std::string& text, const std::string& key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (key.empty()) return {"", "the key is empty"};
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size) == nullptr)
    return {"", "the key is refused"};
  return {std::string(reinterpret_cast<const char*>(out.data()), size), ""};
}

resolved<std::string> signed_rs256(const std::string& text, const std::string& pem) {
  constexpr int fewest = 2048;  // RFC 7518, 3.3
  constexpr int most = 8192;    // more takes too long
  const key_holder key = read_key(pem);
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
    return {"", "the key is not an RSA private key in PEM without a password"};
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < fewest || bits > most) return {"", "an RSA key has 2048 to 8192 bits here"};
  auto made = sign(key.get(), text);
  return made ? resolved<std::string>{std::move(*made), ""} : resolved<std::string>{"", "the key is refused"};
}

resolved<std::string> signed_es256(const std::string& text, const std::string& pem) {
  const key_holder key = read_key(pem);
  std::array<char, 32> curve{};
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key.get(), curve.data(), curve.size(), nullptr) != 1 ||
      std::string_view(curve.data()) != "prime256v1")
    return {"", "the key is not a P-256 private key in PEM without a password"};
  const auto encoded = sign(key.get(), text);
  auto made = encoded ? as_halves(*encoded) : std::nullopt;
  return made ? resolved<std::string>{std::move(*made), ""} : resolved<std::string>{"", "the key is refused"};
}

/// Appends JSON in base64url; false if a text in it is not UTF-8.
bool append_part(std::string& to, const ordered_json& value) {
  std::string text;
  if (!protocol::append_json(text, value, protocol::json_style::compact)) return false;
  append_base64url(to, text);
  return true;
}

outcome token(function_call& call, std::string_view algorithm,
              resolved<std::string> (*sign_with)(const std::string& text, const std::string& key)) {
  ordered_json header{{"alg", algorithm}, {"typ", "JWT"}};
  if (call.arguments.size() > 1)
    for (auto& [name, value] : call.arguments[1].items())
      if (name != "alg") header[name] = value;
  std::string made;
  bool good = append_part(made, header);
  made += '.';
  good = good && append_part(made, call.input);
  if (!good) return {nullptr, "the token's claims are not valid UTF-8"};
  const auto signature = sign_with(made, as_text(call.arguments[0]));
  if (!signature) return {nullptr, signature.error};
  made += '.';
  append_base64url(made, signature.value);
  return {std::move(made), ""};
}

outcome jwt_hs256(function_call& call) {
  return token(call, "HS256", signed_hs256);
}

outcome jwt_rs256(function_call& call) {
  return token(call, "RS256", signed_rs256);
}

outcome jwt_es256(function_call& call) {
  return token(call, "ES256", signed_es256);
}

}  // namespace

std::vector<function_info> token_functions() {
  using enum value_kinds;
  return {
      {"jwt_hs256", "jwt_hs256(KEY, HEADER)", map, text, {scalar, map}, 1, jwt_hs256},
      {"jwt_rs256", "jwt_rs256(KEY, HEADER)", map, text, {scalar, map}, 1, jwt_rs256},
      {"jwt_es256", "jwt_es256(KEY, HEADER)", map, text, {scalar, map}, 1, jwt_es256},
  };
}

}  // namespace duplexd::config
