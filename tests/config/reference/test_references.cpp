// What references stand for, one source after the other, and the functions behind them.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/reference/reference.hpp"
#include "config/reference/scope.hpp"
#include "config/reference/template.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using testing::environment_variable;

namespace {

class directory {
 public:
  directory() {
    std::string name = (std::filesystem::temp_directory_path() / "duplexd-test-reference-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~directory() { std::filesystem::remove_all(path); }
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path + "/" + name, std::ios::binary) << content;
  }

  std::string path;
};

/// A running session at a given time, in microseconds.
class session_at final : public scope {
 public:
  explicit session_at(std::int64_t now, bool has_reply = true) : now_(now), has_reply_(has_reply) {}
  [[nodiscard]] const ordered_json* variable(std::string_view name) const override {
    return name == "v" ? &variable_ : nullptr;
  }
  [[nodiscard]] const ordered_json* reply() const override { return has_reply_ ? &reply_ : nullptr; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::time_point{std::chrono::microseconds{now_}};
  }
  [[nodiscard]] std::uint64_t count(std::string_view name) override { return name == "n" ? ++count_ : 77; }
  [[nodiscard]] std::uint64_t count_of_link(std::string_view name) override { return name.size(); }

 private:
  std::int64_t now_;
  bool has_reply_;
  std::uint64_t count_ = 0;
  ordered_json variable_{{"a", {{"b", true}}}, {"c.d", 2}};
  ordered_json reply_{{"x", {{"y", 1.5}}}, {"text", "\xC3\xA4"}};
};

resolved<ordered_json> look(std::string_view text, scope* inside = nullptr, const std::string& from = "") {
  std::string error;
  const auto what = parse_reference(text, error);
  INFO(error);
  REQUIRE(what.has_value());
  return look_up(*what, from, inside);
}

std::string mistake_in(std::string_view text) {
  std::string error;
  const text_template parsed(text, &error);
  return error;
}

ordered_json value_of(std::string_view text) {
  session_at now(0);
  const auto value = text_template(text).resolve_value(&now);
  INFO(value.error);
  REQUIRE(value);
  return value.value;
}

std::string failure_of(std::string_view text) {
  session_at now(0);
  const auto value = text_template(text).resolve_value(&now);
  CHECK(value.value.is_null());
  return value.error;
}

}  // namespace

// 2009-02-13T23:31:30.045678Z: each part of a second has digits of its own, and zeros to keep.
TEST_CASE("the time in each of its forms", "[references]") {
  session_at now(1'234'567'890'045'678);
  CHECK(look("time:unix", &now).value == 1'234'567'890);
  CHECK(look("time:unix_ms", &now).value == 1'234'567'890'045);
  CHECK(look("time:unix_us", &now).value == 1'234'567'890'045'678);
  CHECK(look("time:iso", &now).value == "2009-02-13T23:31:30.045Z");
  session_at other(1'234'567'899'987'654);
  CHECK(look("time:iso", &other).value == "2009-02-13T23:31:39.987Z");
  session_at early(5'000);
  CHECK(look("time:iso", &early).value == "1970-01-01T00:00:00.005Z");
}

// A secret has at most 1 MiB: one byte more is refused, and a newline at its end does count.
TEST_CASE("files have a largest size", "[references]") {
  const directory here;
  constexpr std::size_t largest = 1'048'576;
  here.write("most", std::string(largest, 'x'));
  here.write("beyond", std::string(largest + 1, 'x'));
  CHECK(look("file:most", nullptr, here.path).value.get<std::string>().size() == largest);
  CHECK(look("file:beyond", nullptr, here.path).error == "${file:beyond}: the file is larger than 1 MiB");
}

TEST_CASE("one newline at a file's end is taken away", "[references]") {
  const directory here;
  const std::pair<const char*, const char*> rows[] = {{"", ""},     {"\n", ""},       {"\n\n", "\n"},
                                                      {"a", "a"},   {"a\n", "a"},     {"a\r\n", "a"},
                                                      {"a\r", "a"}, {"a\n\n", "a\n"}, {"a\nb", "a\nb"}};
  for (const auto& [content, value] : rows) {
    here.write("f", content);
    INFO(ordered_json(content));
    CHECK(look("file:f", nullptr, here.path).value == value);
    CHECK(look("file:" + here.path + "/f", nullptr, "/nonexistent").value == value);
  }
}

TEST_CASE("a credential is a name in one directory", "[references]") {
  const directory here;
  here.write("key", "k");
  CHECK(look("credential:key").error ==
        "${credential:key}: CREDENTIALS_DIRECTORY is not set, so there are no credentials");
  const environment_variable set("CREDENTIALS_DIRECTORY", here.path.c_str());
  CHECK(look("credential:key").value == "k");
  CHECK(look("credential:kez").error == "${credential:kez}: there is no such file");
  CHECK(look("credential:...").error == "${credential:...}: there is no such file");
  for (const char* path : {"..", "a/b", "/key", "../key", "key/"}) {
    INFO(path);
    CHECK(look(std::string("credential:") + path).error ==
          std::string("${credential:") + path + "}: the name of a credential cannot be a path");
  }
}

TEST_CASE("what only a running session knows", "[references]") {
  session_at now(0);
  session_at silent(0, false);
  CHECK(look("var:v", &now).value.dump() == R"({"a":{"b":true},"c.d":2})");
  CHECK(look("var:v.a.b", &now).value == true);
  CHECK(look("var:v.c.d", &now).value == 2);
  CHECK(look("var:v.z", &now).error == "${var:v.z}: the saved value has no such field");
  CHECK(look("var:w", &now).error == "${var:w}: the variable is not set");
  CHECK(look("var:w.a", &now).error == "${var:w.a}: the variable is not set");
  CHECK(look("reply:x.y", &now).value == 1.5);
  CHECK(look("reply:*", &now).value.dump() == R"({"x":{"y":1.5},"text":"ä"})");
  CHECK(look("reply:z", &now).error == "${reply:z}: the last reply has no such field");
  CHECK(look("reply:x", &silent).error == "${reply:x}: no reply was received yet");
  CHECK(look("counter:n", &now).value == 1);
  CHECK(look("counter:n", &now).value == 2);
  CHECK(look("counter:m", &now).value == 77);
  CHECK(look("link_counter:abc", &now).value == 3);
  for (const char* inside : {"var:v", "reply:x", "time:unix", "counter:n", "link_counter:n"}) {
    INFO(inside);
    CHECK(look(inside).error == std::string("${") + inside + "}: only has a value while the session runs");
  }
  CHECK(look("'text'").value == "text");
  CHECK(look("''").value == "");
}

TEST_CASE("a nonce has as many bytes as are asked for", "[references]") {
  CHECK(look("nonce:1").value.get<std::string>().size() == 2);
  CHECK(look("nonce:1024").value.get<std::string>().size() == 2'048);
  CHECK(look("nonce:16").value.get<std::string>().find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(look("nonce:16").value != look("nonce:16").value);
  for (const char* size : {"0", "1025", "x", "1x", "-1", "18446744073709551617"}) {
    INFO(size);
    std::string error;
    CHECK_FALSE(parse_reference(std::string("nonce:") + size, error).has_value());
    CHECK(error == std::string("a nonce has 1 to 1024 bytes, not '") + size + "'");
  }
}

TEST_CASE("what is not a reference", "[references]") {
  for (const char* text : {"", ":", "env", "env:", "Env:A", "en:A", "envi:A", "'", "'a", "a'", ":A"}) {
    INFO(text);
    std::string error;
    CHECK_FALSE(parse_reference(text, error).has_value());
    CHECK(error ==
          std::string("'${") + text +
              "}' is not a valid reference; known: ${env:NAME}, ${file:PATH}, ${credential:NAME}, "
              "${var:NAME}, ${reply:FIELD}, ${fault:text}, ${time:unix}, ${nonce:16}, ${counter:NAME} and "
              "${link_counter:NAME}, and ${param:NAME} in templates");
  }
  std::string error;
  CHECK(parse_reference("env:A:B", error)->name == "A:B");
  for (const char* form : {"unix", "unix_ms", "unix_us", "iso", "http"})
    CHECK(parse_reference(std::string("time:") + form, error)->name == form);
  CHECK_FALSE(parse_reference("time:ISO", error).has_value());
  CHECK(error == "'ISO' is not a time format (known: unix, unix_ms, unix_us, iso, http)");
}

TEST_CASE("which references are secrets, and which are known before a session runs", "[references]") {
  const auto kinds = [](const char* text) {
    const text_template parsed(text);
    return std::string(parsed.has_references() ? "r" : "") + (parsed.has_secrets() ? "s" : "") +
           (parsed.has_inside() ? "i" : "");
  };
  for (const char* outside : {"${env:A}", "x${file:A}", "${credential:A}y", "${'a' | hmac_sha1(env:A)}"})
    CHECK(kinds(outside) == "rs");
  for (const char* inside : {"${var:A}", "${reply:A}", "${time:iso}", "${nonce:1}", "${counter:A}"})
    CHECK(kinds(inside) == "ri");
  CHECK(kinds("${'a'}") == "r");
  CHECK(kinds("a").empty());
  CHECK(kinds("${var:A + env:B}") == "rsi");
  CHECK(kinds("${var:A | hmac_sha1(env:B)}") == "rsi");
  CHECK(kinds("${env:A} ${var:B}") == "rsi");
}

// Digests and codes as `openssl dgst` prints them.
TEST_CASE("each function", "[references]") {
  const std::pair<const char*, const char*> rows[] = {
      {"md5 | hex", "900150983cd24fb0d6963f7d28e17f72"},
      {"sha1 | hex", "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {"sha256 | hex", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"sha512 | hex",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
       "454d4423643ce80e2a9ac94fa54ca49f"},
      {"hmac_sha1('k') | hex", "f9bef091fe00d9f5128593836dba99e193f08174"},
      {"hmac_sha256('k') | hex", "342e519ce0ad6c03a36b98eeb3f1d130db4813b9df4d1160eda488d712dc78ee"},
      {"hmac_sha512('k') | hex",
       "bb9ec7701f7de8a362d775b9bfcb61a474bf8bf69d5dbee0689a4b284bc59a54ffd1cfdc05151759afd97ffd1a"
       "255b3849ce775ea4be799a65e6a19ac97e2ade"},
      {"base64", "YWJj"},
      {"base64url", "YWJj"},
      {"hex", "616263"},
      {"upper", "ABC"},
      {"lower", "abc"},
      {"url", "abc"},
      {"from_base64 | hex", "69b7"},
  };
  for (const auto& [functions, result] : rows) {
    INFO(functions);
    CHECK(value_of(std::string("${'abc' | ") + functions + "}") == result);
  }
  CHECK(value_of("${'@AZ[`az{' | lower}") == "@az[`az{");
  CHECK(value_of("${'@AZ[`az{' | upper}") == "@AZ[`AZ{");
  CHECK(value_of("${'azAZ09-._~/:@[`{ +' | url}") == "azAZ09-._~%2F%3A%40%5B%60%7B%20%2B");
  CHECK(value_of("${'fbefbe' | from_hex | base64}") == "++++");
  CHECK(value_of("${'fbefbe' | from_hex | base64url}") == "----");
  CHECK(value_of("${'ffffff' | from_hex | base64}") == "////");
  CHECK(value_of("${'ffffff' | from_hex | base64url}") == "____");
  CHECK(value_of("${'a' | base64}") == "YQ==");
  CHECK(value_of("${'ab' | base64}") == "YWI=");
  CHECK(value_of("${'a' | base64url}") == "YQ");
  CHECK(value_of("${'ab' | base64url}") == "YWI");
  CHECK(value_of("${'' | base64}") == "");
  CHECK(value_of("${'' | from_base64}") == "");
  CHECK(value_of("${'' | from_hex}") == "");
  CHECK(value_of("${'' | hex}") == "");
}

TEST_CASE("what is decoded, and what cannot be", "[references]") {
  for (const char* good : {"YQ==", "YQ=", "YQ"})
    CHECK(value_of(std::string("${'") + good + "' | from_base64}") == "a");
  CHECK(value_of("${'__--' | from_base64 | hex}") == "ffffbe");
  CHECK(value_of("${'//++' | from_base64 | hex}") == "ffffbe");
  for (const char* bad : {"Y", "YWJjY", "YQ==YQ==", "Y!==", "Y Q"}) {
    INFO(bad);
    const std::string text = std::string("'") + bad + "' | from_base64";
    CHECK(failure_of("${" + text + "}") == "${" + text + "}: the value cannot be decoded");
  }
  CHECK(value_of("${'0aFf' | from_hex | hex}") == "0aff");
  for (const char* bad : {"a", "abc", "0g", "g0", "0 "}) {
    INFO(bad);
    const std::string text = std::string("'") + bad + "' | from_hex";
    CHECK(failure_of("${" + text + "}") == "${" + text + "}: the value cannot be decoded");
  }
  CHECK(value_of("${'1' | number}").is_number_integer());
  CHECK(failure_of("${'true' | number}") == "${'true' | number}: the text is not a number");
  CHECK(failure_of("${'{' | json}") == "${'{' | json}: the text is not JSON");
  CHECK(value_of("${'true' | json}") == true);
  CHECK(value_of("${'1' + '2' | number}") == 12);
  CHECK(value_of("${'1' + '2'}") == "12");
  CHECK(value_of("${reply:x.y + 'z'}") == "1.5z");
  CHECK(value_of("${'1' | number | hex}") == "31");
}

TEST_CASE("mistakes in functions", "[references]") {
  CHECK(mistake_in("${'a' | hmac_sha1}") ==
        "'hmac_sha1' cannot have 0 arguments: hmac_sha1(credential:NAME)");
  CHECK(mistake_in("${'a' | hmac_sha512}") ==
        "'hmac_sha512' cannot have 0 arguments: hmac_sha512(credential:NAME)");
  for (const char* plain : {"md5", "sha1", "sha256", "sha512", "base64", "base64url", "from_base64", "hex",
                            "from_hex", "lower", "upper", "url", "number", "json"}) {
    CHECK(mistake_in(std::string("${var:v | ") + plain + "}").empty());
    CHECK(mistake_in(std::string("${'a' | ") + plain + "('k')}") ==
          std::string("'") + plain + "' takes no argument");
  }
  CHECK(mistake_in("${'a' | hmac_sha1('k'}") == "the parenthesis after 'hmac_sha1' is not closed");
  CHECK(mistake_in("${'a' | hmac_sha1()}") ==
        "'hmac_sha1' cannot have 0 arguments: hmac_sha1(credential:NAME)");
  CHECK(mistake_in("${'a' | hmac_sha1(x)}").find("'${x}' is not a valid reference") == 0);
  CHECK(mistake_in("${'a' | xyzzy}") ==
        "unknown function 'xyzzy' (known: md5, sha1, sha256, sha512, hmac_sha1, hmac_sha256, hmac_sha512, "
        "xor, base64, base64url, from_base64, hex, from_hex, url, lower, upper, trim, replace, split, match, "
        "number, "
        "int, round, json, to_json, length, slice, contains, join, find, get, keys, values, default, "
        "format_time, parse_time, jwt_hs256, jwt_rs256, jwt_es256)");
  CHECK(mistake_in("${'a' + }").find("'${}' is not a valid reference") == 0);
  CHECK(mistake_in("${'a' | }").find("unknown function ''") == 0);
  CHECK(mistake_in("${'a' | hex | }").find("unknown function ''") == 0);
  CHECK(mistake_in("${'a' |  | hex}").find("unknown function ''") == 0);
  CHECK(mistake_in("${ + 'a'}").find("'${}' is not a valid reference") == 0);
}

namespace {

/// Keeps what it is told, as "read sekret".
class secret_recorder final : public scope {
 public:
  [[nodiscard]] const ordered_json* variable(std::string_view) const override { return nullptr; }
  [[nodiscard]] const ordered_json* reply() const override { return &reply_; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override { return {}; }
  [[nodiscard]] std::uint64_t count(std::string_view) override { return 0; }
  void take_secret(std::string_view value, secret_origin from) override {
    told.push_back((from == secret_origin::read ? "read " : "made ") + std::string(value));
  }
  std::vector<std::string> told;

 private:
  ordered_json reply_{{"text", "from the server"}};
};

std::vector<std::string> told_by(std::string_view text) {
  secret_recorder inside;
  CHECK(text_template(text).resolve(&inside));
  return inside.told;
}

}  // namespace

// Whatever comes from outside, and what functions make of it; nothing else.
TEST_CASE("a session is told the secrets that references stand for", "[references]") {
  const environment_variable set("DUPLEXD_T", "sekret");
  using list = std::vector<std::string>;
  CHECK(told_by("a ${env:DUPLEXD_T} b") == list{"read sekret"});
  CHECK(told_by("${env:DUPLEXD_T | hex}") == list{"read sekret", "made 73656b726574"});
  CHECK(told_by("${'a' | hmac_sha1(env:DUPLEXD_T) | lower}").size() == 2);
  CHECK(told_by("${'a' + env:DUPLEXD_T}") == list{"read sekret", "made asekret"});
  CHECK(told_by("${'a' | hex}${nonce:1}${reply:text}").empty());
  CHECK(text_template("${env:DUPLEXD_T}").resolve().value == "sekret");
}

// What has no value leaves nothing behind of what had one.
TEST_CASE("a text with a missing reference has no value", "[references]") {
  const environment_variable set("DUPLEXD_T", "sekret");
  const text_template text("a ${env:DUPLEXD_T} ${env:DUPLEXD_NONE}");
  CHECK(text.resolve().value.empty());
  CHECK(text.resolve().error == "${env:DUPLEXD_NONE}: the environment variable is not set");
  CHECK(text.check_outside() == "${env:DUPLEXD_NONE}: the environment variable is not set");
  CHECK(text_template("${var:x} ${env:DUPLEXD_T}").check_outside().empty());
  CHECK(text_template("${'a' | hmac_sha1(env:DUPLEXD_NONE)}").check_outside() ==
        "${env:DUPLEXD_NONE}: the environment variable is not set");
  CHECK(failure_of("${env:DUPLEXD_NONE | hex}") ==
        "${env:DUPLEXD_NONE}: the environment variable is not set");
  CHECK(failure_of("${'a' | hmac_sha1(env:DUPLEXD_NONE)}") ==
        "${env:DUPLEXD_NONE}: the environment variable is not set");
}

}  // namespace duplexd::config
