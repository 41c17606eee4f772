// A command from outside, as a line of JSON.
#include "daemon/input/command_request.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

namespace {

std::string refused(const std::string& line) {
  command_request out;
  std::string error;
  CHECK_FALSE(read_command_request(line, out, error));
  return error;
}

}  // namespace

TEST_CASE("a request has its parts") {
  command_request out;
  std::string error;
  REQUIRE(read_command_request(R"({"session":"s","command":"c","with":{"n":[1]},"id":"a7"})", out, error));
  CHECK(out.session == "s");
  CHECK(out.command == "c");
  CHECK(out.values.dump() == R"({"n":[1]})");
  CHECK(out.id == "a7");
  command_request least;
  REQUIRE(read_command_request(R"( {"command":"c"} )", least, error));
  CHECK(least.session.empty());
  CHECK(least.id.empty());
  CHECK(least.values == nlohmann::ordered_json::object());
  command_request numbered;
  REQUIRE(read_command_request(R"({"command":"c","id":-7})", numbered, error));
  CHECK(numbered.id == "-7");
  command_request long_id;
  CHECK(read_command_request(R"({"command":"c","id":")" + std::string(200, 'x') + "\"}", long_id, error));
}

TEST_CASE("what is not a request is told") {
  CHECK(refused("").starts_with("it is not JSON: byte 0: "));
  CHECK(refused("{\"command\":\"c\"").starts_with("it is not JSON: byte 14: "));
  CHECK(refused(std::string(60'000, '[')).starts_with("it is not JSON: "));
  CHECK(refused(R"({"command":"c","with":{"n":18446744073709551616}})") ==
        "a number is beyond 64 bits: put it in quotes if a text is meant");
  CHECK(refused("[]") == R"(expected a map such as {"command": "NAME", "with": {}})");
  CHECK(refused("{}") == "'command' is missing");
  CHECK(refused(R"({"command":5})") == "'command' must be a text that is not empty");
  CHECK(refused(R"({"command":""})") == "'command' must be a text that is not empty");
  CHECK(refused(R"({"command":"c","session":null})") == "'session' must be a text that is not empty");
  CHECK(refused(R"({"command":"c","with":[]})") == "'with' must be a map");
  CHECK(refused(R"({"command":"c","id":1.5})") == "'id' must be a text that is not empty");
  CHECK(refused(R"({"command":"c","id":")" + std::string(201, 'x') + "\"}") ==
        "'id' has more than 200 bytes");
  CHECK(refused(R"({"comand":"c"})") == "unknown key 'comand' (did you mean 'command'?)");
}
