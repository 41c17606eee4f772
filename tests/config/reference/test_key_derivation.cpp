#include "config/reference/key_derivation.hpp"
#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

std::string hex_of(const std::optional<std::string>& bytes) {
  REQUIRE(bytes);
  std::string out;
  protocol::append_hex(out, {reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()});
  return out;
}

}  // namespace

// SHA-1: RFC 6070; SHA-256: RFC 7914, 11 (its first 32 bytes); SHA-512: Python's hashlib.pbkdf2_hmac.
TEST_CASE("PBKDF2 gives what others give", "[keys]") {
  CHECK(hex_of(pbkdf2(key_digest::sha1, "password", "salt", 1)) ==
        "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  CHECK(hex_of(pbkdf2(key_digest::sha1, "password", "salt", 4096)) ==
        "4b007901b765489abead49d926f721d065a429c1");
  CHECK(hex_of(pbkdf2(key_digest::sha256, "passwd", "salt", 1)) ==
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  CHECK(hex_of(pbkdf2(key_digest::sha512, "password", "salt", 2)) ==
        "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53cf76cab2868a39b9f7840edce4fef5a82be67"
        "335c77a6068e04112754f27ccf4e");
  CHECK(hex_of(pbkdf2(key_digest::sha256, "", "", 1)) ==
        "f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad");
}

TEST_CASE("a number of iterations is an integer or its digits, up to the limit", "[keys]") {
  CHECK(iteration_count(1, 5) == 1u);
  CHECK(iteration_count(5, 5) == 5u);
  CHECK(iteration_count("5", 5) == 5u);
  CHECK(iteration_count(most_iterations, most_iterations) == most_iterations);
  for (const ordered_json& wrong :
       {ordered_json(0), ordered_json(6), ordered_json(-1), ordered_json(2.0), ordered_json("6"),
        ordered_json("0"), ordered_json(""), ordered_json(" 1"), ordered_json("1 "), ordered_json("+1"),
        ordered_json("4294967297"), ordered_json(4294967297u), ordered_json(), ordered_json(true),
        ordered_json::array({1})})
    CHECK_FALSE(iteration_count(wrong, 5));
}

}  // namespace duplexd::config
