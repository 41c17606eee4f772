// What is masked and what is not: every occurrence, every spelling, the bounds of length and number.
#include <string>
#include <vector>

#include "daemon/link/secret_register.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using scope = secret_register::scope;

namespace {

std::string masked(const secret_register& secrets, std::string text, scope which = scope::long_enough) {
  const std::string before = text;
  const bool found = secrets.mask(text, which);
  CHECK(found == (text != before));
  return text;
}

std::string numbered(std::size_t i) {
  return "secret" + std::to_string(1000 + i);
}

}  // namespace

TEST_CASE("every occurrence of a secret is masked", "[secrets]") {
  secret_register secrets;
  secrets.take("token");
  CHECK(masked(secrets, "token") == "***");
  CHECK(masked(secrets, "token, token and token") == "***, *** and ***");
  CHECK(masked(secrets, "tokentokentoken") == "*********");
  CHECK(masked(secrets, "a token") == "a ***");
  CHECK(masked(secrets, "toketokenoken") == "toke***oken");
  CHECK(masked(secrets, "toke oken Token") == "toke oken Token");
  CHECK(masked(secrets, "").empty());
}

// Where two places of one secret overlap, the first is masked and the rest does not make it up again. What
// was put in its place is no part of the text.
TEST_CASE("occurrences that overlap each other or the mask", "[secrets]") {
  secret_register secrets;
  secrets.take("aaaa");
  secrets.take("*xy");
  CHECK(masked(secrets, "aaaaaaa") == "***aaa");
  CHECK(masked(secrets, "aaaaaaaa") == "******");
  CHECK(masked(secrets, "*xyxy") == "***xy");
  CHECK(masked(secrets, "*xy*xy") == "******");
}

TEST_CASE("a secret that is masked leaves those that are not in the text alone", "[secrets]") {
  secret_register secrets;
  secrets.take("the longer one");
  secrets.take("shorter");
  CHECK(masked(secrets, "the longer one") == "***");
  CHECK(masked(secrets, "shorter") == "***");
  CHECK(masked(secrets, "shorter, the longer one") == "***, ***");
}

TEST_CASE("what is part of a longer secret is masked with it", "[secrets]") {
  secret_register secrets;
  secrets.take("user");
  secrets.take("user:password");
  secrets.take("password!");
  CHECK(masked(secrets, "user:password") == "***");
  CHECK(masked(secrets, "user:password!") == "***!");
  CHECK(masked(secrets, "user password!") == "*** ***");
}

TEST_CASE("a value of three bytes is found everywhere, one of two only where it was used", "[secrets]") {
  secret_register secrets;
  secrets.take("xyz");
  secrets.take("qw");
  CHECK(masked(secrets, "qwxyz") == "qw***");
  CHECK(masked(secrets, "qwxyz", scope::all) == "******");
  CHECK(secrets.in("axyzb"));
  CHECK_FALSE(secrets.in("aqwb"));
  // The length that counts is the value's, whatever the spelling is.
  for (const char* spelled : {"cXc=", "7177"}) {
    CHECK(masked(secrets, spelled) == spelled);
    CHECK(masked(secrets, spelled, scope::all) == "***");
    CHECK_FALSE(secrets.in(spelled));
  }
  for (const char* spelled : {"eHl6", "78797a", "78797A"}) {
    CHECK(masked(secrets, spelled) == "***");
    CHECK(secrets.in(spelled));
  }
}

// Which of the two came first must not decide.
TEST_CASE("a text that spells a short value and is a long one is a secret", "[secrets]") {
  secret_register secrets;
  const bool short_first = GENERATE(true, false);
  secrets.take(short_first ? "ab" : "YWI=");
  secrets.take(short_first ? "YWI=" : "ab");
  CHECK(masked(secrets, "YWI=") == "***");
  CHECK(secrets.in("YWI="));
  CHECK_FALSE(secrets.in("ab"));
}

TEST_CASE("percent-encoding escapes all but the unreserved characters", "[secrets]") {
  secret_register secrets;
  secrets.take("azAZ09-._~ /+%\xc3\xa9\x7f");
  CHECK(masked(secrets, "q=azAZ09-._~%20%2F%2B%25%C3%A9%7F&b") == "q=***&b");
}

TEST_CASE("JSON's escapes are undone, with and without letters beyond ASCII", "[secrets]") {
  secret_register secrets;
  secrets.take("k\xc3\xa9y\n\"\\");
  CHECK(masked(secrets, R"({"t":"k)"
                        "\xc3\xa9"
                        R"(y\n\"\\"})") == R"({"t":"***"})");
  CHECK(masked(secrets, R"({"t":"k\u00e9y\n\"\\"})") == R"({"t":"***"})");
}

TEST_CASE("a secret that is not UTF-8 has no JSON form, and all others", "[secrets]") {
  secret_register secrets;
  secrets.take("\xff\xfe!");
  for (const char* spelled : {"\xff\xfe!", "fffe21", "FFFE21", "//4h", "%FF%FE%21"})
    CHECK(masked(secrets, std::string("<") + spelled + ">") == "<***>");
}

// What stands before other bytes is not padded: "user:…" in Basic authentication. Only a value of six bytes
// or more leaves so much of its own that it is no chance.
TEST_CASE("base64 of a secret and more behind it is found by its whole groups", "[secrets]") {
  secret_register secrets;
  secrets.take("secret7");
  CHECK(masked(secrets, "c2VjcmV0Nw==") == "***");
  CHECK(masked(secrets, "c2VjcmV0Nzptb3Jl") == "***Nzptb3Jl");
  secrets.take("12345678");  // its last whole group ends at six bytes
  CHECK(masked(secrets, "MTIzNDU2Nzg=") == "***");
  CHECK(masked(secrets, "MTIzNDU2Nzg6bW9yZQ==") == "***Nzg6bW9yZQ==");
  secrets.take("token");
  CHECK(masked(secrets, "dG9rZW4=") == "***");
  CHECK(masked(secrets, "dG9r") == "dG9r");
}

TEST_CASE("an empty value is no secret", "[secrets]") {
  secret_register secrets;
  secrets.take("");
  CHECK_FALSE(secrets.in("anything"));
  CHECK(masked(secrets, "anything", scope::all) == "anything");
}

TEST_CASE("so many values are remembered, then the oldest goes", "[secrets]") {
  secret_register secrets;
  for (std::size_t i = 0; i < secret_register::capacity; ++i) secrets.take(numbered(i));
  for (std::size_t i = 0; i < secret_register::capacity; ++i) REQUIRE(secrets.in(numbered(i)));
  for (const std::size_t next : {secret_register::capacity, secret_register::capacity + 1}) {
    secrets.take(numbered(next));
    CHECK(secrets.in(numbered(next)));
    CHECK_FALSE(secrets.in(numbered(next - secret_register::capacity)));
    CHECK(secrets.in(numbered(next - secret_register::capacity + 1)));
  }
}

// A reference that is read again and again must not push the others out.
TEST_CASE("a value that is known already takes no place", "[secrets]") {
  secret_register secrets;
  for (std::size_t i = 0; i < secret_register::capacity; ++i) secrets.take(numbered(i));
  for (std::size_t i = 0; i < secret_register::capacity; ++i) secrets.take(numbered(i / 2));
  for (std::size_t i = 0; i < secret_register::capacity; ++i) REQUIRE(secrets.in(numbered(i)));
}

TEST_CASE("a value that comes after a text was masked is a secret from then on", "[secrets]") {
  secret_register secrets;
  secrets.take("first");
  CHECK(masked(secrets, "first later") == "*** later");
  secrets.take("later");
  CHECK(masked(secrets, "first later") == "*** ***");
}

// Values read outside any test reach the innermost register, and the one before it once that is gone.
TEST_CASE("a register is the process's watch while it lives", "[secrets]") {
  secret_register outer;
  {
    secret_register inner;
    config::tell_secret_watch("inner value");
    CHECK(inner.in("inner value"));
    CHECK_FALSE(outer.in("inner value"));
  }
  config::tell_secret_watch("outer value");
  CHECK(outer.in("outer value"));
}
