#include <fmt/format.h>

#include <optional>
#include <random>

#include "daemon/event/secret_index.hpp"
#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using config::secret_origin;

namespace {

/// An index with one holder that holds these.
struct held {
  secret_index index;
  std::optional<secret_holder> holder{std::in_place, index};

  explicit held(std::initializer_list<std::string_view> values) {
    for (const auto each : values) holder->take(each, secret_origin::read);
  }
  std::string masked(std::string text, secret_index::scope which = secret_index::scope::long_enough) const {
    index.mask(text, which);
    return text;
  }
};

std::string base64(std::string_view text, bool for_urls = false) {
  std::string out;
  protocol::append_base64(out, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  if (for_urls)
    for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

bool unused(std::string_view) {
  return false;
}

}  // namespace

// A server may say our own token back to us in any of these.
TEST_CASE("a secret is found in every spelling") {
  const held secrets{"tök\"en/+1"};
  const std::string spelling =
      GENERATE(as<std::string>{}, "tök\"en/+1", R"(tök\"en/+1)", R"(t\u00f6k\"en/+1)",
               R"(t\u00F6k\u0022en\/\u002b1)", R"(t\u00f6k\"en\/+1)", "t%C3%B6k%22en%2F%2B1",
               "t%c3%b6k%22en/%2b1", "t%C3%B6k%22en/+1", "74c3b66b22656e2f2b31", "74C3B66B22656E2F2B31",
               "dMO2ayJlbi8rMQ==", "dMO2ayJlbi8rMQ", R"(dMO2ayJlbi8rMQ\u003d\u003D)");
  const std::string text = "<" + spelling + ">";
  CHECK(secrets.index.in(text));
  CHECK(secrets.masked(text).starts_with("<***"));
  CHECK(secrets.masked(text).ends_with(">"));
}

TEST_CASE("characters beyond the basic plane are found as pairs of escapes") {
  const held secrets{"a😀b"};
  CHECK(secrets.masked(R"(<a\ud83d\ude00b>)") == "<***>");
  CHECK(secrets.masked(R"(<a\uD83D\uDE01b>)") == R"(<a\uD83D\uDE01b>)");
  CHECK(secrets.masked(R"(<a\ud83db>)") == R"(<a\ud83db>)");
  CHECK(secrets.masked(R"(<a\ud83d\u0041b>)") == R"(<a\ud83d\u0041b>)");
  CHECK(secrets.masked(R"(<a\ud83)") == R"(<a\ud83)");
}

TEST_CASE("control characters are found by their short names and by number") {
  const held secrets{"\"\\/\b\f\n\r\t"};
  CHECK(secrets.masked(R"(<\"\\\/\b\f\n\r\t>)") == "<***>");
  CHECK(secrets.masked(R"(<\u0022\u005C/\u0008\u000c\u000a\u000D\u0009>)") == "<***>");
}

TEST_CASE("what only begins like an escape stands for itself") {
  CHECK(held{"100%\\"}.masked("<100%\\>") == "<***>");
  CHECK(held{"a%4"}.masked("a%4") == "***");
  CHECK(held{"a%zz"}.masked("<a%zz>") == "<***>");
  CHECK(held{"a\\u12"}.masked("a\\u12") == "***");
  CHECK(held{"a\\q"}.masked("<a\\q>") == "<***>");
  CHECK(held{"%41%41"}.masked("<%41%41> <%2541%2541>") == "<***> <***>");
}

// Basic authentication puts a name in front of the password, so that the password begins anywhere.
TEST_CASE("base64 is found at any offset, in both alphabets") {
  const std::string secret = "pa?ss>wo~rd\xff\xfe";
  const held secrets{secret};
  for (const std::string before : {"", "u", "us", "use", "user:"})
    for (const std::string after : {"", "x", "xy", "xyz"})
      for (const bool for_urls : {false, true}) {
        const std::string text = base64(before + secret + after, for_urls);
        const std::string left = secrets.masked(text);
        INFO(text << " " << left);
        CHECK(left.find("***") != std::string::npos);
        // A character that is left holds no bit of the secret.
        CHECK(left.substr(0, left.find('*')) == text.substr(0, before.size() * 8 / 6));
        const std::string whole = base64(before + secret + after);
        const auto end = left.substr(left.rfind('*') + 1);
        CHECK(end.size() <= (whole.size() - (before.size() + secret.size()) * 8 / 6));
      }
}

TEST_CASE("a short value is found as base64 only where it stands alone") {
  const held secrets{"abcde"};
  CHECK(secrets.index.in(base64("abcde")));
  CHECK_FALSE(secrets.index.in(base64("1abcde")));
  const held longer{"abcdef"};
  CHECK(longer.index.in(base64("1abcdef")));
  CHECK(longer.index.in(base64("12abcdef")));
}

TEST_CASE("every occurrence of a secret is masked") {
  const held secrets{"token"};
  CHECK(secrets.masked("token, token and token") == "***, *** and ***");
  CHECK(secrets.masked("tokentokentoken") == "*********");
  CHECK(secrets.masked("toketokenoken") == "toke***oken");
  CHECK(secrets.masked("toke oken Token") == "toke oken Token");
}

TEST_CASE("a secret that is part of another leaves nothing of it") {
  CHECK(held{"abc", "abcdef"}.masked("abcdef abc") == "*** ***");
  CHECK(held{"abcdef", "abc"}.masked("abcdef abc") == "*** ***");
}

TEST_CASE("secrets that overlap are masked together, those side by side one by one") {
  CHECK(held{"xabc", "abcdef"}.masked("1xabcdef2") == "1***2");
  CHECK(held{"user", "user:password", "password!"}.masked("user:password! user password!") == "*** *** ***");
  CHECK(held{"aaaa"}.masked("aaaaaaa") == "***");
  CHECK(held{"*xy"}.masked("*xyxy *xy*xy") == "***xy ******");
}

TEST_CASE("a value too short to be found by chance is masked only where it was used") {
  const held secrets{"7", "", "qw", "%", "xyz"};
  CHECK_FALSE(secrets.index.in("1970 qw % 7177 cXc="));
  CHECK(secrets.masked("1970 qw % 7177 cXc=") == "1970 qw % 7177 cXc=");
  CHECK(secrets.masked("1970 q\\u0077 %25", secret_index::scope::all) == "19***0 *** ***");
  CHECK(secrets.masked("7177", secret_index::scope::all) == "***");  // "qw" in hexadecimal, and three sevens
  CHECK(secrets.masked("cXc=", secret_index::scope::all) == "***");
  for (const char* spelled : {"xyz", "eHl6", "78797a", "78797A"}) {
    CHECK(secrets.index.in(spelled));
    CHECK(secrets.masked(spelled) == "***");
  }
}

// Which of the two came first must not decide.
TEST_CASE("a text that spells a short value and is a long one is a secret") {
  for (const held& secrets : {held{"ab", "YWI="}, held{"YWI=", "ab"}}) {
    CHECK(secrets.masked("YWI=") == "***");
    CHECK_FALSE(secrets.index.in("ab"));
  }
}

TEST_CASE("a secret that is not UTF-8 has no JSON form, and all others") {
  const held secrets{"\xff\xfe!"};
  for (const char* spelled : {"\xff\xfe!", "fffe21", "FFFE21", "//4h", "__4h", "%FF%FE%21"})
    CHECK(secrets.masked(std::string("<") + spelled + ">") == "<***>");
  CHECK_FALSE(secrets.index.in("\\u00ff\\u00fe!"));
}

TEST_CASE("nothing is found where nothing is held") {
  const held nobody{};
  CHECK(nobody.masked("text \\ %41", secret_index::scope::all) == "text \\ %41");
  CHECK_FALSE(held{"secret"}.index.in("secre"));
  CHECK_FALSE(held{"secret"}.index.in(""));
  CHECK_FALSE(held{"secret"}.index.in("SECRET"));
}

// What the value of one holder is, another's server may say.
TEST_CASE("a value is held until its last holder lets go") {
  secret_index index;
  std::optional<secret_holder> first{std::in_place, index};
  std::optional<secret_holder> second{std::in_place, index};
  first->take("secret-one", secret_origin::read);
  second->take("secret-one", secret_origin::made);
  second->take("secret-two", secret_origin::read);
  CHECK(index.size() == 2);
  first.reset();
  CHECK(index.in("secret-one"));
  second.reset();
  CHECK_FALSE(index.in("secret-one"));
  CHECK_FALSE(index.in("secret-two"));
  CHECK(index.size() == 0);
}

TEST_CASE("the values of two attempts, of the last link and of variables are held") {
  secret_index index;
  secret_holder holder{index};
  const auto attempt = [&](const std::string& value, bool link) {
    holder.begin_attempt([](std::string_view text) { return text == "in-variable"; });
    holder.take(value, secret_origin::read);
    if (link) holder.link_stands();
  };
  attempt("in-variable", false);
  attempt("old", false);
  attempt("link", true);
  CHECK(index.in("old"));
  attempt("first", false);
  CHECK_FALSE(index.in("old"));
  attempt("second", false);
  attempt("third", false);
  CHECK_FALSE(index.in("first"));
  CHECK(index.in("second"));
  CHECK(index.in("third"));
  CHECK(index.in("link"));
  CHECK(index.in("in-variable"));
  attempt("next link", true);
  CHECK(index.in("link"));
  attempt("fourth", false);
  CHECK_FALSE(index.in("link"));
  CHECK(index.in("next link"));
}

TEST_CASE("a value that is used again counts as new") {
  secret_index index;
  secret_holder holder{index};
  holder.take("token", secret_origin::read);
  for (int i = 0; i < 5; ++i) {
    holder.begin_attempt(unused);
    holder.take("token", secret_origin::read);
  }
  CHECK(index.in("token"));
  holder.begin_attempt(unused);
  CHECK(index.in("token"));
  holder.begin_attempt(unused);
  CHECK_FALSE(index.in("token"));
}

// A script that signs each command makes a new secret each time.
TEST_CASE("a session's values are bounded in bytes, what was read apart from what was made") {
  secret_index index;
  secret_holder holder{index};
  const auto value = [](std::size_t number) { return fmt::format("{:0>64}", number); };
  constexpr std::size_t fit = secret_holder::capacity / 64;
  holder.take("the key itself", secret_origin::read);
  for (std::size_t i = 0; i < fit; ++i) holder.take(value(i), secret_origin::made);
  CHECK(index.size() == fit + 1);
  holder.take(value(0), secret_origin::made);  // now the newest
  holder.take(value(fit), secret_origin::made);
  CHECK(index.size() == fit + 1);
  CHECK(index.in(value(0)));
  CHECK_FALSE(index.in(value(1)));
  CHECK(index.in(value(2)));
  CHECK(index.in("the key itself"));
  holder.take(std::string(secret_holder::capacity + 1, 'x'), secret_origin::made);
  CHECK(index.size() == 2);
}

// Random values, spelled at random, in random surroundings: none is left.
TEST_CASE("no spelling of a random secret is left") {
  std::mt19937 random{7};
  const auto draw = [&](std::size_t below) {
    return std::uniform_int_distribution<std::size_t>{0, below - 1}(random);
  };
  for (int round = 0; round < 2'000; ++round) {
    std::string secret;
    const std::size_t size = 6 + draw(30);
    while (secret.size() < size) secret += static_cast<char>(33 + draw(94));
    const held secrets{"unrelated", secret, secret + "x"};
    std::string spelled;
    for (const char c : secret) {
      const auto byte = static_cast<unsigned char>(c);
      // Both spellings at once are not decodable where the raw text has a backslash or a percent sign.
      const auto way = c == '\\' || c == '%' ? 1 + draw(2) : draw(3);
      spelled += way == 0   ? std::string(1, c)
                 : way == 1 ? fmt::format("\\u00{:02X}", byte)
                            : fmt::format("%{:02x}", byte);
    }
    INFO(secret << " as " << spelled);
    CHECK(secrets.masked("{" + spelled + "}") == "{***}");
    CHECK(secrets.masked("{" + secret + "}") == "{***}");
  }
}
