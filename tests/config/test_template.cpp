#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/document.hpp"
#include "config/template.hpp"
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
  CHECK(missing.error == "${env:DUPLEXD_T}: the environment has no such variable");
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
    CHECK(error_of(bad).find(std::string("'") + bad + "' is not a reference") == 0);
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
  CHECK(value_of("${file:.}").error == "${file:.}: there is no such file");
  CHECK(value_of("${credential:plain}").error.find("CREDENTIALS_DIRECTORY is not set") != std::string::npos);
  const environment_variable credentials("CREDENTIALS_DIRECTORY", directory.path().c_str());
  CHECK(value_of("${credential:plain}").value == "secret");
  CHECK(value_of("${credential:../plain}").error.find("not a path") != std::string::npos);
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
  CHECK(value.resolve().error == "${env:DUPLEXD_T}: the environment has no such variable");
  const environment_variable set("DUPLEXD_T", "\xFFsekret");
  const auto broken = value.resolve();
  CHECK(broken.error.find("not UTF-8") != std::string::npos);
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

}  // namespace duplexd::config
