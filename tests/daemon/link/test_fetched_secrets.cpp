// What http and exec steps fetch and send: it is as secret as what stands in the environment.
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

/// What a session with these steps has asked for when it is logged in.
std::vector<http_request> asked_with(const std::string& steps) {
  stage play{session_with(steps)};
  play.http.answer = [](const http_request&) { return answer_of(R"({"token":"0123456789abcdef"})"); };
  auto server = play.accept();
  play.run_for(1ms);
  REQUIRE(server->received.size() == 1);
  return play.http.asked;
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

// At another origin they stay behind: those with references, in headers and in the body, and no others.
TEST_CASE("an http step's request says which of its parts are secret", "[secrets]") {
  setenv("DUPLEXD_TEST_SECRET", "s3cret", 1);
  const auto asked = asked_with(R"(
      - {http: {url: "https://api.example/1", method: POST, json: {grant: plain}, headers: {X-App: "7"}}}
      - {http: {url: "https://api.example/2", method: POST, json: {key: "${env:DUPLEXD_TEST_SECRET}"},
                headers: {X-App: "7", X-Key: "${env:DUPLEXD_TEST_SECRET}"}}, save: {token: body.token}}
      - {http: {url: "https://api.example/3", method: POST, body: plain}}
      - {http: {url: "https://api.example/4", method: POST, body: "token=${var:token}",
                headers: {X-Token: "${var:token}", X-App: "7"}}})");
  REQUIRE(asked.size() == 4);
  CHECK(asked[0].body == R"({"grant":"plain"})");
  CHECK_FALSE(asked[0].body_is_secret);
  CHECK(asked[0].secret_headers.empty());
  CHECK(asked[1].body == R"({"key":"s3cret"})");
  CHECK(asked[1].body_is_secret);
  CHECK(asked[1].secret_headers == std::vector<std::string>{"X-Key"});
  CHECK(asked[2].body == "plain");
  CHECK_FALSE(asked[2].body_is_secret);
  CHECK(asked[3].body == "token=" + sixteen);
  CHECK(asked[3].body_is_secret);
  CHECK(asked[3].secret_headers == std::vector<std::string>{"X-Token"});
  CHECK(asked[3].headers.at(0).second == sixteen);
}
