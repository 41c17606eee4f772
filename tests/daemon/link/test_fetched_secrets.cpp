// What http and exec steps fetch: it is as secret as what stands in the environment.
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/catch.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

std::string session_with(const std::string& steps) {
  return R"(
version: 1
sessions:
  desk:
    url: wss://desk.example/
    protocol: {byte_order: little, commands: {ping: "opcode:B=2"}, replies: [{layout: "rest:bytes", as: reply}]}
    before:
)" + steps +
         R"(
    login: {json: {ready: true}}
    script: [{sleep: 1s}]
    outputs: [stdout]
)";
}

http_result answer_of(const std::string& body) {
  http_response made;
  made.status = 200;
  made.headers = {{"X-Session", "header-0123456789"}, {"X-Short", "header-01234567"}};
  made.body = body;
  return made;
}

const std::string sixteen = "0123456789abcdef";
const std::string fifteen = "123456789abcdef";

}  // namespace

// A long text from outside is likely to be a token; a shorter one is an id or a name.
TEST_CASE("a long text that a step fetched and saved is a secret", "[secrets]") {
  const bool by_program = GENERATE(true, false);
  const std::string what = by_program ? "exec: [tool]" : R"(http: {url: "https://api.example/"})";
  const std::string body = by_program ? "" : "body.";
  stage play{session_with("      - {" + what + ", save: {token: " + body + "token, id: " + body +
                          "id, all: " + body + "all, number: " + body + "number}}")};
  const std::string json = R"({"token":")" + sixteen + R"(","id":")" + fifteen +
                           R"(","all":{"inner":["short",{"deep":"token-in-an-object"}],"id":"id-in-object"},)"
                           R"("number":1234567890123456789,"other":"not saved, not told"})";
  play.http.answer = [&](const http_request&) { return answer_of(json); };
  play.programs.answer = [&](const program_request&) { return json; };
  auto server = play.accept();
  play.run_for(1ms);
  REQUIRE(server->received.size() == 1);
  CHECK(play.secrets.in(sixteen));
  CHECK_FALSE(play.secrets.in(fifteen));
  CHECK(play.secrets.in("token-in-an-object"));  // whoever saves the whole answer uses its parts
  CHECK_FALSE(play.secrets.in("short"));
  CHECK_FALSE(play.secrets.in("id-in-object"));
  CHECK_FALSE(play.secrets.in("1234567890123456789"));
  CHECK_FALSE(play.secrets.in("not saved, not told"));
}

TEST_CASE("a header that a step saved is a secret as a body's field is", "[secrets]") {
  stage play{session_with(
      R"(      - {http: {url: "https://api.example/"}, save: {a: headers.x-session, b: headers.x-short}})")};
  play.http.answer = [](const http_request&) { return answer_of("{}"); };
  auto server = play.accept();
  play.run_for(1ms);
  REQUIRE(server->received.size() == 1);
  CHECK(play.secrets.in("header-0123456789"));
  CHECK_FALSE(play.secrets.in("header-01234567"));
}
