// The notation inside `${…}`: brackets, arguments, escapes, calculations; what is refused, and the bounds.
#include "config/reference/template.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using testing::environment_variable;

namespace {

/// Two variables, and a bound of values.
class small_scope final : public scope {
 public:
  explicit small_scope(std::uint64_t largest = standard_largest_value) : largest_(largest) {}
  [[nodiscard]] const ordered_json* variable(std::string_view name) const override {
    return name == "text" ? &text_ : name == "list" ? &list_ : name == "map" ? &map_ : nullptr;
  }
  [[nodiscard]] const ordered_json* reply() const override { return nullptr; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::time_point{std::chrono::milliseconds{784'111'777'123}};
  }
  [[nodiscard]] std::uint64_t count(std::string_view) override { return 1; }
  [[nodiscard]] std::uint64_t largest_value() const noexcept override { return largest_; }
  void take_secret(std::string_view value, secret_origin) override { told.emplace_back(value); }
  std::vector<std::string> told;

 private:
  std::uint64_t largest_;
  ordered_json text_ = std::string(100, 'x');
  ordered_json list_{1, 2, 3};
  ordered_json map_{{"a", 1}};
};

ordered_json value_of(std::string_view text, scope* inside) {
  std::string error;
  const text_template parsed(text, &error);
  INFO(text << " " << error);
  REQUIRE(error.empty());
  const auto value = parsed.resolve_value(inside);
  INFO(value.error);
  REQUIRE(value);
  return value.value;
}

ordered_json value_of(std::string_view text) {
  small_scope inside;
  return value_of(text, &inside);
}

/// What `check` says, or else the session.
std::string mistake_in(std::string_view text, std::uint64_t largest = standard_largest_value) {
  std::string error;
  const text_template parsed(text, &error);
  if (!error.empty()) return error;
  small_scope inside(largest);
  return parsed.resolve_value(&inside).error;
}

/// What `check` says.
std::string checked(std::string_view text) {
  std::string error;
  const text_template parsed(text, &error);
  return error;
}

}  // namespace

TEST_CASE("brackets and arguments are expressions of their own", "[expressions]") {
  CHECK(value_of("${('a' + 'b' | upper) + 'c' | lower}") == "abc");
  CHECK(value_of("${( 'a' )}") == "a");
  CHECK(value_of("${'a,b' | split( ',' ) | get( 1 )}") == "b");
  CHECK(value_of("${'a,b' | replace(',', ')')}") == "a)b");
  CHECK(value_of("${'a}b' | split('}') | join(', ')}") == "a, b");
  CHECK(value_of("${'k' | hmac_sha256('a' | sha256) | hex}") != value_of("${'k' | hmac_sha256('a') | hex}"));
  CHECK(value_of("${var:list | get(var:map.a)}") == 2);
  CHECK(value_of("${var:list | get(= var:map.a + 1)}") == 3);
  CHECK(value_of("${var:list | contains(2)}") == true);
  CHECK(value_of("${var:map | get('b', null)}").is_null());
  CHECK(value_of("${var:map | get('b', false)}") == false);
}

TEST_CASE("calculations have Python's precedence", "[expressions]") {
  const std::pair<const char*, ordered_json> rows[] = {
      {"${= 1 + 2 * 3}", 7},
      {"${= (1 + 2) * 3}", 9},
      {"${= 10 - 2 - 3}", 5},
      {"${= -2 * -3}", 6},
      {"${= -(1 + 2)}", -3},
      {"${= -var:map.a}", -1},
      {"${=1 < 2}", true},
      {"${= not 1 == 2 and 3 >= 3 or false}", true},
      {"${= false and 1 / 0 == 1}", false},
      {"${= true or 1 / 0 == 1}", true},
      {"${= 'a' == 'b' or 'it's' == 'it's'}", true},
      {"${= (var:list | length) + 0.5}", 3.5},
      {"${= var:map.a + 1 | json | to_json}", "2"},
      {"n=${= 1 + 1}", "n=2"},
  };
  for (const auto& [text, value] : rows) {
    INFO(text);
    CHECK(value_of(text) == value);
  }
}

TEST_CASE("escapes in quoted texts", "[expressions]") {
  CHECK(value_of(R"(${'a\nb\rc\td\\e\'f\"g'})") == "a\nb\rc\td\\e'f\"g");
  CHECK(value_of(R"(${'\d\.\x'})") == R"(\d\.\x)");
  CHECK(value_of(R"(${'\'})"
                 "'}") == "'}");
  CHECK(value_of(R"(${'a\\'})") == "a\\");
  CHECK(value_of(R"(${'a\'})") == "a\\");  // nothing else could end it
}

TEST_CASE("a variable of the environment with a default", "[expressions]") {
  CHECK(value_of("${env:DUPLEXD_NONE:-a:-b c}") == "a:-b c");
  CHECK(value_of("${env:DUPLEXD_NONE:-}") == "");
  CHECK(text_template("${env:DUPLEXD_NONE:-x}").check_outside().empty());
  {
    const environment_variable empty("DUPLEXD_T", "");
    CHECK(value_of("${env:DUPLEXD_T:-x}") == "x");
    CHECK(value_of("${env:DUPLEXD_T}") == "");
  }
  const environment_variable set("DUPLEXD_T", "sekret");
  small_scope inside;
  CHECK(value_of("${env:DUPLEXD_T:-x}", &inside) == "sekret");
  CHECK(value_of("${env:DUPLEXD_NONE:-x}", &inside) == "x");
  CHECK(inside.told == std::vector<std::string>{"sekret"});  // the default stands in the file
}

TEST_CASE("the time as HTTP has it", "[expressions]") {
  CHECK(value_of("${time:http}") == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(value_of("${time:http | parse_time('%a, %d %b %Y %H:%M:%S GMT')}") == 784'111'777);
  CHECK(value_of("${time:unix | format_time('%FT%TZ')}") == "1994-11-06T08:49:37Z");
  CHECK(value_of("${= 253402300799 | format_time('%F')}") == "9999-12-31");
  CHECK(mistake_in("${= 253402300800 | format_time('%F')}")
            .ends_with("the time is not in the years 1 to 9999"));
  CHECK(value_of("${= -1 | format_time('%F %T')}") == "1969-12-31 23:59:59");
  CHECK(value_of("${'2022-06-16T10:27:44+01:00' | parse_time}") == 1'655'371'664);
  CHECK(mistake_in("${'2022-06-16x' | parse_time('%Y-%m-%d')}")
            .ends_with("the text is not a time of the form '%Y-%m-%d'"));
  CHECK(checked("${time:unix | format_time('day')}") == "a format of times has fields, such as '%Y-%m-%d'");
  CHECK(checked("${time:unix | format_time('%" + std::string(199, 'd') + "')}").empty());
  CHECK(checked("${time:unix | format_time('%" + std::string(200, 'd') + "')}") ==
        "a format of times has 1 to 200 characters");
}

TEST_CASE("what a function cannot take is refused before a session runs", "[expressions]") {
  const std::pair<const char*, const char*> rows[] = {
      {"${time:unix | get('x')}", "'get' takes a list or a map or null, not a number"},
      {"${var:x | length | split(',')  | get('a') | x}", "'split(',') ' is not understood here"},
      {"${var:x | split}", "'split' cannot have 0 arguments: split(SEPARATOR)"},
      {"${var:x | split('a', 'b')}", "'split' cannot have 2 arguments: split(SEPARATOR)"},
      {"${var:x | replace('a')}", "'replace' cannot have 1 argument: replace(OLD, NEW)"},
      {"${var:x | split('')}", "the text to look for cannot be empty"},
      {"${var:x | match(var:y)}", "the pattern of 'match' must be a quoted text"},
      {"${var:x | match('(')}", "the pattern is not valid: missing ): ("},
      {"${var:x | round(16)}", "numbers are rounded to 0 to 15 decimals"},
      {"${var:x | round('a')}", "'round' takes a number, not a text"},
      {"${var:x | slice(1.5)}", "places are integers"},
      {"${var:x | split(',') | upper}", "'upper' takes a text or a number or true or false, not a list"},
      {"${= nonce:4 * 2}", "'*' takes a number, not a text (add '| number')"},
      {"${= time:unix and true}", "'and' takes true or false, not a number"},
      {"${'x' | number}", "${'x' | number}: the text is not a number"},
      {"${('a'}", "a parenthesis is not closed"},
      {"${= (1 + 2}", "a parenthesis is not closed"},
      {"${var:x | split(','}", "the parenthesis after 'split' is not closed"},
      {"${= 1 2}", "' 2' is not understood here"},
      {"${= 1 +2}", "' +2' is not understood here"},
  };
  for (const auto& [text, mistake] : rows) {
    INFO(text);
    if (std::string_view(text).find(")  |") != std::string_view::npos) {
      CHECK_FALSE(checked(text).empty());
      continue;
    }
    CHECK(checked(text) == mistake);
  }
  CHECK(checked("${= 1 == }").starts_with("'${}' is not a valid reference"));
  CHECK(checked("${= }").starts_with("'${}' is not a valid reference"));
}

// What is known only at run time fails there, with the reference as it is written.
TEST_CASE("what a function does not get is an error of the step", "[expressions]") {
  CHECK(mistake_in("${var:text | get('a')}") ==
        "${var:text | get('a')}: 'get' takes a list or a map or null, not a text");
  CHECK(mistake_in("${= var:text + 1}") ==
        "${= var:text + 1}: '+' takes a number, not a text (add '| number')");
  CHECK(mistake_in("${= not var:text}") == "${= not var:text}: 'not' takes true or false, not a text");
  CHECK(mistake_in("${= var:map.a / (var:map.a - 1)}") ==
        "${= var:map.a / (var:map.a - 1)}: division by zero");
  CHECK(mistake_in("${var:list | get(3)}") == "${var:list | get(3)}: there is no '3' in a list");
  CHECK(mistake_in("${var:list | get(-4)}") == "${var:list | get(-4)}: there is no '-4' in a list");
  CHECK(value_of("${var:list | get(-3)}") == 1);
}

TEST_CASE("parts of texts and lists", "[expressions]") {
  const std::pair<const char*, ordered_json> rows[] = {
      {"${'abc' | slice(0)}", "abc"},
      {"${'abc' | slice(3)}", ""},
      {"${'abc' | slice(-9, 9)}", "abc"},
      {"${'abc' | slice(2, 1)}", ""},
      {"${'abc' | slice(-2, -1)}", "b"},
      {"${'äöü' | slice(1, 2)}", "ö"},
      {"${'' | length}", 0},
      {"${'' | split(',')}", {""}},
      {"${var:list | slice(1, -1)}", {2}},
      {"${'c3a4' | from_hex | length}", 2},
      {"${'c3a4' | from_hex | slice(1) | hex}", "a4"},
      {"${'aaa' | replace('aa', 'b')}", "ba"},
      {"${'a' | replace('b', 'c')}", "a"},
      {"${var:list | slice(3)}", ordered_json::array()},
  };
  for (const auto& [text, value] : rows) {
    INFO(text);
    CHECK(value_of(text) == value);
  }
}

// A group that took no part is null; patterns look anywhere in the text unless they say otherwise.
TEST_CASE("patterns", "[expressions]") {
  CHECK(value_of("${'xay' | match('a(b)?')}") == ordered_json{"a", nullptr});
  CHECK(value_of("${'xay' | match('^a')}").is_null());
  CHECK(value_of("${'k=v' | match('(?P<key>.)=(?P<value>.)')}") ==
        ordered_json{{"key", "k"}, {"value", "v"}});
  const std::string twenty = "()()()()()()()()()()()()()()()()()()()()";
  CHECK(checked("${var:x | match('" + twenty + "')}").empty());
  CHECK(checked("${var:x | match('" + twenty + "()')}") == "a pattern has at most 20 groups");
  CHECK(checked("${var:x | match('((a{100}){100}){100}')}").starts_with("the pattern is not valid"));
}

// What would need a stack or a moment without bounds elsewhere.
TEST_CASE("a pattern takes its time in proportion to the text", "[expressions]") {
  ordered_json long_text = std::string(1u << 20, 'a');
  std::string error;
  const auto pattern = text_pattern::parse("(a*)*b", error);
  REQUIRE(pattern != nullptr);
  CHECK_FALSE(pattern->is_in(long_text.get_ref<const std::string&>()));
}

TEST_CASE("values on the way have a largest size", "[expressions]") {
  constexpr std::uint64_t room = 116;  // 100 bytes and what holds them
  CHECK(sizeof(ordered_json) == 16);
  CHECK(mistake_in("${var:text | upper}", room).empty());
  CHECK(mistake_in("${var:text | upper}", room - 1) ==
        "${var:text | upper}: the value would take more than 115 bytes (limits.variables)");
  CHECK(mistake_in("${var:text + 'y'}", room + 1).empty());
  CHECK(mistake_in("${var:text + 'y'}", room).ends_with("(limits.variables)"));
  CHECK(mistake_in("${var:text | hex | length}", 215).ends_with("more than 215 bytes (limits.variables)"));
  CHECK(mistake_in("${var:text | hex | length}", 216).empty());
  CHECK(mistake_in("${var:text | replace('x', var:text)}", 9000).ends_with("(limits.variables)"));
  CHECK(mistake_in("${var:text | replace('x', var:text) | length}", 10'016).empty());
  CHECK(mistake_in("${var:text | split('x') | length}", 1'600).ends_with("(limits.variables)"));
  CHECK(mistake_in("${var:text | split('x') | length}", 16 + 101 * 16).empty());
  CHECK(mistake_in("${var:list | join(var:text)}", 200).ends_with("(limits.variables)"));
}

TEST_CASE("brackets and signs have a largest number", "[expressions]") {
  const auto nested = [](std::size_t depth) {
    return "${" + std::string(depth, '(') + "'a'" + std::string(depth, ')') + "}";
  };
  CHECK(checked(nested(32)).empty());
  CHECK(checked(nested(33)) == "more than 32 brackets inside each other");
  CHECK(checked("${= " + std::string(100, '-') + "var:x}") == "more than 32 brackets inside each other");
  std::string sum = "${= 1";
  for (int i = 0; i < 100; ++i) sum += " + 1";
  CHECK(value_of(sum + "}") == 101);
  CHECK(checked(sum + " + 1}") == "the expression is too long");
}

// Whatever is made of a secret is one, in arguments and lists too.
TEST_CASE("secrets inside expressions", "[expressions]") {
  const environment_variable set("DUPLEXD_T", "c2VrcmV0,x");
  const auto told = [](std::string_view text) {
    small_scope inside;
    CHECK(text_template(text).resolve(&inside));
    return inside.told;
  };
  using list = std::vector<std::string>;
  CHECK(told("${env:DUPLEXD_T | split(',')}") == list{"c2VrcmV0,x", "c2VrcmV0", "x"});
  CHECK(told("${'a' | contains(env:DUPLEXD_T | upper)}") == list{"c2VrcmV0,x", "C2VRCMV0,X"});
  CHECK(text_template("${'a' | contains(env:X | upper)}").has_secrets());
  CHECK(text_template("${= 1 + (env:X | number)}").has_secrets());
  CHECK(text_template("${= 1 + (var:x | number)}").has_inside());
}

// https://jwt.io has this token.
TEST_CASE("a token", "[expressions]") {
  CHECK(value_of("${'{\"sub\":\"1234567890\",\"name\":\"John Doe\",\"iat\":1516239022}' | json | "
                 "get('*') | default(0) | to_json | json | get('*')}")
            .is_object());
  const environment_variable claims("DUPLEXD_T",
                                    R"({"sub":"1234567890","name":"John Doe","iat":1516239022})");
  CHECK(value_of("${env:DUPLEXD_T | json | jwt_hs256('your-256-bit-secret')}") ==
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIy"
        "fQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c");
  CHECK(mistake_in("${var:map | jwt_hs256('')}").ends_with("the key is empty"));
  CHECK(mistake_in("${var:map | jwt_rs256('x')}").ends_with("RSA private key in PEM without a password"));
  CHECK(mistake_in("${var:map | jwt_es256('x')}").ends_with("P-256 private key in PEM without a password"));
  CHECK(checked("${'a' | jwt_hs256('x')}") == "'jwt_hs256' takes a map, not a text");
  // A header of ours cannot name another algorithm.
  CHECK(value_of("${var:map | jwt_hs256('k', '{\"alg\": \"none\", \"kid\": \"1\"}' | json)}")
            .get<std::string>()
            .starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjEifQ."));
}

}  // namespace duplexd::config
