// Tokens signed with keys that are made here: what is signed holds, and which keys are refused.
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <memory>

#include "config/reference/template.hpp"
#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using testing::environment_variable;

namespace {

using key_holder = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

key_holder rsa_key(unsigned bits) {
  return {EVP_RSA_gen(bits), &EVP_PKEY_free};
}

key_holder curve_key(const char* curve) {
  return {EVP_EC_gen(curve), &EVP_PKEY_free};
}

std::string pem_of(const key_holder& key, const std::string& password = "") {
  REQUIRE(key);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  REQUIRE(PEM_write_bio_PrivateKey(out.get(), key.get(), password.empty() ? nullptr : EVP_aes_256_cbc(),
                                   reinterpret_cast<const unsigned char*>(password.data()),
                                   static_cast<int>(password.size()), nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

/// What `algorithm` makes of the claims {"sub": "a"} and this key: a token, or what is wrong.
std::string token(const std::string& algorithm, const std::string& pem) {
  const environment_variable key("DUPLEXD_KEY", pem.c_str());
  std::string error;
  const text_template parsed("${'{\"sub\": \"a\"}' | json | " + algorithm + "(env:DUPLEXD_KEY)}", &error);
  REQUIRE(error.empty());
  const auto value = parsed.resolve_value(nullptr);
  return value ? value.value.get<std::string>() : value.error;
}

/// The bytes of base64url without padding.
std::string decoded(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  text.append((4 - text.size() % 4) % 4, '=');
  const auto bytes = protocol::parse_base64(text);
  REQUIRE(bytes);
  return {bytes->begin(), bytes->end()};
}

/// A big-endian number as ASN.1 has it: without leading zeros, and positive.
std::string asn1_integer(std::string bytes) {
  bytes.erase(0, std::min(bytes.find_first_not_of('\0'), bytes.size() - 1));
  if (static_cast<unsigned char>(bytes[0]) >= 0x80) bytes.insert(0, 1, '\0');
  return '\x02' + std::string(1, static_cast<char>(bytes.size())) + bytes;
}

bool verifies(const key_holder& key, const std::string& text, const std::string& signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  REQUIRE(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

}  // namespace

TEST_CASE("RS256 signs what stands before the last dot", "[tokens]") {
  const key_holder key = rsa_key(2048);
  const std::string made = token("jwt_rs256", pem_of(key));
  const std::size_t dot = made.rfind('.');
  REQUIRE(dot != std::string::npos);
  CHECK(ordered_json::parse(decoded(made.substr(0, made.find('.')))) ==
        ordered_json{{"alg", "RS256"}, {"typ", "JWT"}});
  const std::string signature = decoded(made.substr(dot + 1));
  CHECK(verifies(key, made.substr(0, dot), signature));
  CHECK_FALSE(verifies(key, made.substr(0, dot) + "x", signature));
}

// A half that begins with zeros, one of 128 times, keeps its width: 400 tokens have some.
TEST_CASE("ES256 has both halves in 32 bytes each", "[tokens]") {
  const key_holder key = curve_key("P-256");
  const std::string pem = pem_of(key);
  int padded = 0;
  for (int i = 0; i < 400 || padded == 0; ++i) {
    const std::string made = token("jwt_es256", pem);
    const std::size_t dot = made.rfind('.');
    const std::string halves = decoded(made.substr(dot + 1));
    REQUIRE(halves.size() == 64);
    if (halves[0] == 0 || halves[32] == 0) ++padded;
    const std::string parts = asn1_integer(halves.substr(0, 32)) + asn1_integer(halves.substr(32));
    REQUIRE(
        verifies(key, made.substr(0, dot), '\x30' + std::string(1, static_cast<char>(parts.size())) + parts));
  }
}

TEST_CASE("keys that do not fit the algorithm are refused", "[tokens]") {
  const std::string no_rsa = "the key is not an RSA private key in PEM without a password";
  const std::string no_curve = "the key is not a P-256 private key in PEM without a password";
  const std::string curve = pem_of(curve_key("P-256"));
  const std::string rsa = pem_of(rsa_key(2048));
  CHECK(token("jwt_rs256", curve).ends_with(no_rsa));
  CHECK(token("jwt_rs256", pem_of(rsa_key(2048), "secret")).ends_with(no_rsa));
  CHECK(token("jwt_rs256", pem_of(rsa_key(1024))).ends_with("an RSA key has 2048 to 8192 bits here"));
  CHECK(token("jwt_es256", rsa).ends_with(no_curve));
  CHECK(token("jwt_es256", pem_of(curve_key("P-384"))).ends_with(no_curve));
  CHECK(token("jwt_es256", pem_of(curve_key("P-256"), "secret")).ends_with(no_curve));
  CHECK(token("jwt_es256", curve.substr(0, curve.size() / 2)).ends_with(no_curve));
}

TEST_CASE("claims that are not UTF-8 are not signed", "[tokens]") {
  // What a binary reply left in a variable.
  class with_claims final : public scope {
   public:
    explicit with_claims(ordered_json claims) : claims_(std::move(claims)) {}
    [[nodiscard]] const ordered_json* variable(std::string_view /*name*/) const override { return &claims_; }
    [[nodiscard]] const ordered_json* reply() const override { return nullptr; }
    [[nodiscard]] std::chrono::system_clock::time_point wall() const override { return {}; }
    [[nodiscard]] std::uint64_t count(std::string_view /*name*/) override { return 1; }

   private:
    ordered_json claims_;
  };
  const auto error_of = [](const char* text) {
    with_claims inside(ordered_json{{"a", "\xff"}});
    return text_template(text).resolve_value(&inside).error;
  };
  CHECK(error_of("${var:x | jwt_hs256('k')}").ends_with("the token's claims are not valid UTF-8"));
  CHECK(
      error_of("${'{}' | json | jwt_hs256('k', var:x)}").ends_with("the token's claims are not valid UTF-8"));
}

}  // namespace duplexd::config
