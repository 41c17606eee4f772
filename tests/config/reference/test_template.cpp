#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/document/document.hpp"
#include "config/reference/template.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using testing::environment_variable;

namespace {

/// A directory that is gone after the test.
class scratch {
 public:
  scratch() : path_(std::filesystem::temp_directory_path() / "duplexd-test-template-XXXXXX") {
    std::string name = path_.string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~scratch() { std::filesystem::remove_all(path_); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  void write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string error_of(std::string_view text) {
  std::string error;
  const text_template parsed(text, &error);
  return error;
}

protocol::node document(std::string_view text) {
  protocol::diagnostics mistakes;
  auto parsed = read_document(text, document_format::yaml, mistakes);
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

// Literal parts and references in one text; the display never has a value in it.
TEST_CASE("references in a text are replaced at each resolve", "[template]") {
  const text_template text("a ${env:DUPLEXD_T} b${env:DUPLEXD_T}");
  CHECK(text.has_references());
  {
    const environment_variable value("DUPLEXD_T", "one");
    CHECK(text.resolve().value == "a one bone");
  }
  {
    const environment_variable value("DUPLEXD_T", "${env:HOME}");
    CHECK(text.resolve().value == "a ${env:HOME} b${env:HOME}");  // what comes in is not looked at again
  }
  CHECK(text.display() == "a ${env:DUPLEXD_T} b${env:DUPLEXD_T}");
  CHECK(text.with_placeholder("1") == "a 1 b1");
  const auto missing = text.resolve();
  CHECK_FALSE(missing);
  CHECK(missing.value.empty());
  CHECK(missing.error == "${env:DUPLEXD_T}: the environment variable is not set");
}

// `$${` is a literal `${`; a lone dollar is nothing special.
TEST_CASE("escapes and dollars", "[template]") {
  const auto literal = [](std::string_view text) {
    std::string error;
    const text_template parsed(text, &error);
    CHECK(error.empty());
    CHECK_FALSE(parsed.has_references());
    return parsed.resolve().value;
  };
  CHECK(literal("$${env:X}") == "${env:X}");
  CHECK(literal("$$${env:X}") == "$${env:X}");
  CHECK(literal("a$b $ {x} $") == "a$b $ {x} $");
  CHECK(literal("$$") == "$$");
  CHECK(literal("").empty());
  CHECK(text_template("").empty());
}

// A malformed reference is told, never taken literally.
TEST_CASE("malformed references are mistakes", "[template]") {
  CHECK(error_of("${env:A").find("no '}'") != std::string::npos);
  for (const char* bad : {"${A}", "${}", "${env}", "${env:}", "${environment:A}", "${ENV:A}", "${param:x}"}) {
    INFO(bad);
    CHECK(error_of(bad).find(std::string("'") + bad + "' is not a valid reference") == 0);
  }
}

// One newline at a file's end is the editor's, not the secret's.
TEST_CASE("files and credentials are read", "[template]") {
  const scratch directory;
  directory.write("plain", "secret");
  directory.write("unix", "secret\n\n");
  directory.write("dos", "secret\r\n");
  const auto value_of = [&](std::string_view text) {
    return text_template(text, nullptr, directory.path()).resolve();
  };
  CHECK(value_of("${file:plain}").value == "secret");
  CHECK(value_of("${file:" + directory.path() + "/plain}").value == "secret");
  CHECK(value_of("${file:unix}").value == "secret\n");
  CHECK(value_of("${file:dos}").value == "secret");
  CHECK(value_of("${file:none}").error == "${file:none}: there is no such file");
  CHECK(value_of("${file:.}").error == "${file:.}: it is a directory, not a regular file");
  CHECK(value_of("${credential:plain}").error.find("CREDENTIALS_DIRECTORY is not set") != std::string::npos);
  const environment_variable credentials("CREDENTIALS_DIRECTORY", directory.path().c_str());
  CHECK(value_of("${credential:plain}").value == "secret");
  CHECK(value_of("${credential:../plain}").error.find("cannot be a path") != std::string::npos);
}

// A path's own text is relative to the configuration, once it is resolved.
TEST_CASE("relative paths start from the configuration's directory", "[template]") {
  const environment_variable value("DUPLEXD_T", "/abs/ca.pem");
  CHECK(text_template::of_path("ca.pem", nullptr, "/etc/duplexd").resolve().value == "/etc/duplexd/ca.pem");
  CHECK(text_template::of_path("/x/ca.pem", nullptr, "/etc/duplexd").resolve().value == "/x/ca.pem");
  CHECK(text_template::of_path("${env:DUPLEXD_T}", nullptr, "/etc/duplexd").resolve().value == "/abs/ca.pem");
}

// Every string of a JSON value on its own; keys are literal and keep their order.
TEST_CASE("references in a JSON value", "[template]") {
  const json_template value(document(
      R"({z: 1, "${env:X}": true, a: ["${env:DUPLEXD_T}", "$${x}", 1.5, ~], "o/~": {k: "x${env:DUPLEXD_T}"}})"));
  CHECK(value.has_references());
  CHECK(value.unresolved().dump() ==
        R"({"z":1,"${env:X}":true,"a":[null,"${x}",1.5,null],"o/~":{"k":null}})");
  {
    const environment_variable set("DUPLEXD_T", "s\"t");
    CHECK(value.resolve().value.dump() ==
          R"({"z":1,"${env:X}":true,"a":["s\"t","${x}",1.5,null],"o/~":{"k":"xs\"t"}})");
  }
  CHECK(value.resolve().error == "${env:DUPLEXD_T}: the environment variable is not set");
  const environment_variable set("DUPLEXD_T", "\xFFsekret");
  const auto broken = value.resolve();
  CHECK(broken.error.find("not valid UTF-8") != std::string::npos);
  CHECK(broken.error.find("sekret") == std::string::npos);
}

// Integers keep all of their 64 bits; what JSON cannot hold is told.
TEST_CASE("numbers become JSON numbers", "[template]") {
  const json_template good(document("[18446744073709551615, -9223372036854775808, 0x10, +5, 1e3]"));
  CHECK(good.unresolved().dump() == "[18446744073709551615,-9223372036854775808,16,5,1000.0]");
  for (const char* bad :
       {"[18446744073709551616]", "[.inf]", "[.nan]", "[1e999]", "[-9223372036854775809]"}) {
    INFO(bad);
    std::string error;
    const json_template value(document(bad), &error);
    CHECK(error.find("JSON cannot hold the number") == 0);
  }
}

namespace {

/// A running session with one variable, one reply and a fixed time.
class fixed_scope final : public scope {
 public:
  [[nodiscard]] const nlohmann::ordered_json* variable(std::string_view name) const override {
    return name == "token" ? &token_ : nullptr;
  }
  [[nodiscard]] const nlohmann::ordered_json* reply() const override { return &reply_; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::time_point{std::chrono::milliseconds{1'700'000'000'123}};
  }
  [[nodiscard]] std::uint64_t count(std::string_view) override { return ++count_; }

 private:
  nlohmann::ordered_json token_{{"value", "abc"}, {"ids", {7, 8}}};
  nlohmann::ordered_json reply_{{"nonce", "n1"}, {"deep", {{"x", 1.5}}}};
  std::uint64_t count_ = 0;
};

nlohmann::ordered_json value_of(std::string_view text) {
  fixed_scope inside;
  const auto value = text_template(text).resolve_value(&inside);
  INFO(value.error);
  REQUIRE(value);
  return value.value;
}

}  // namespace

TEST_CASE("references to the running session keep their JSON type when they stand alone", "[template]") {
  CHECK(value_of("${var:token.ids.1}") == 8);
  CHECK(value_of("${var:token.ids}") == nlohmann::ordered_json{7, 8});
  CHECK(value_of("${reply:deep.x}") == 1.5);
  CHECK(value_of("a ${reply:deep.x} ${var:token.ids}") == "a 1.5 [7,8]");
  CHECK(value_of("${time:unix}") == 1'700'000'000);
  CHECK(value_of("${time:unix_ms}") == 1'700'000'000'123);
  CHECK(value_of("${time:iso}") == "2023-11-14T22:13:20.123Z");
  CHECK(value_of("${counter:id}") == 1);
  CHECK(value_of("${nonce:4}").get<std::string>().size() == 8);
  CHECK(value_of("${nonce:8}") != value_of("${nonce:8}"));
}

// Whatever stands between quotes is text: what ends or parts an expression elsewhere does not there.
TEST_CASE("a quoted text may hold every sign", "[template]") {
  CHECK(value_of("${'}'}") == "}");
  CHECK(value_of("a${'{}'}b${'}'}c") == "a{}b}c");
  CHECK(value_of("${'a + b' + ' | ' + 'c)'}") == "a + b | c)");
  CHECK(value_of("${'{\"a\": ' + '1}' | json}") == nlohmann::ordered_json{{"a", 1}});
  CHECK(value_of("${'it's'}") == "it's");
  CHECK(value_of("${'a' | hmac_sha256('k + } | (') | hex}") ==
        "aa6ce423adf35fd80e1daa6379ef6ff389e855e224b857ee3e19933795f74257");
  std::string error;
  const text_template open("${'a}", &error);
  CHECK(error.starts_with("'${'a}' is not a valid reference"));
}

// Digests as openssl and Python's hmac give them.
TEST_CASE("values go through functions", "[template]") {
  CHECK(value_of("${'abc' | sha256 | hex}") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(value_of("${'abc' | md5 | hex}") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(value_of("${var:token.value + 'x' | hmac_sha256('key' + 'y') | base64}") ==
        "eGCUYCUkfyFxfYT2sH/CIKWJFgSUbn+GGRqxQZ4rO74=");
  CHECK(value_of("${'a?b>c' | base64}") == "YT9iPmM=");
  CHECK(value_of("${'a?b>c' | base64url}") == "YT9iPmM");
  CHECK(value_of("${'YT9iPmM' | from_base64}") == "a?b>c");
  CHECK(value_of("${'6a6B' | from_hex | upper}") == "JK");
  CHECK(value_of("${'a b/ä' | url}") == "a%20b%2F%C3%A4");
  CHECK(value_of("${'12.5' | number}") == 12.5);
  CHECK(value_of(R"(${'[1,2]' | json})") == nlohmann::ordered_json{1, 2});
}

TEST_CASE("mistakes in references say what there is", "[template]") {
  CHECK(error_of("${var:}").find("is not a valid reference") != std::string::npos);
  CHECK(error_of("${'a' | sha265}") == "unknown function 'sha265' (did you mean 'sha256'?)");
  CHECK(error_of("${'a' | hmac_sha256}") ==
        "'hmac_sha256' cannot have 0 arguments: hmac_sha256(credential:NAME)");
  CHECK(error_of("${'a' | hex('k')}") == "'hex' takes no argument");
  CHECK(error_of("${time:now}") == "'now' is not a time format (known: unix, unix_ms, unix_us, iso, http)");
  CHECK(error_of("${nonce:0}") == "a nonce has 1 to 1024 bytes, not '0'");
  fixed_scope inside;
  CHECK(text_template("${var:tokn}").resolve(&inside).error == "${var:tokn}: the variable is not set");
  CHECK(text_template("${reply:x}").resolve(&inside).error == "${reply:x}: the last reply has no such field");
  CHECK(text_template("${var:token}").resolve().error ==
        "${var:token}: only has a value while the session runs");
  CHECK(text_template("${'x' | number}").resolve(&inside).error ==
        "${'x' | number}: the text is not a number");
}

}  // namespace duplexd::config
