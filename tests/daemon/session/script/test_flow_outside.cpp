// Steps that ask others than the server: what a request is made of, and what becomes of the answer.
#include <boost/system/system_error.hpp>
#include <cstdlib>

#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

http_response answered(int status, std::string body = "") {
  http_response made;
  made.status = status;
  made.body = std::move(body);
  return made;
}

/// One http or exec step, and a `put` with what it gave.
struct flow_outside_scene {
  explicit flow_outside_scene(const std::string& step, const std::string& before = "")
      : play(talk_yaml("    before: [{set: {a: 1, result: 0}}" + before + "]\n    script:\n      - {" + step +
                       "}\n      - {send: put, with: {data: '${var:result}'}}\n"),
             true) {}
  void run() { play.run_for(1s); }
  [[nodiscard]] ordered_json result() const { return values_of(server->received.at(0))["data"]; }

  stage play;
  std::shared_ptr<scripted_server> server = play.accept();
};

}  // namespace

TEST_CASE("an answer's headers are named in lower case, and its body is JSON if it can be") {
  const auto [body, value] = GENERATE(table<std::string, ordered_json>(
      {{R"({"a": [1]})", {{"a", {1}}}}, {"12", 12}, {"plain", "plain"}, {"", ""}, {"{\"a\"", "{\"a\""}}));
  flow_outside_scene s{"http: {url: 'https://a/'}, save: {result: '*'}"};
  s.play.http.answer = [&](const http_request&) -> http_result {
    auto made = answered(399, body);
    made.headers = {{"X-AZ-az-[@`{", "Value"}, {"Content-Type", "B"}};
    return made;
  };
  s.run();
  CHECK(s.result() == ordered_json{{"status", 399},
                                   {"headers", {{"x-az-az-[@`{", "Value"}, {"content-type", "B"}}},
                                   {"body", value}});
}

TEST_CASE("a header of several lines is a list of them all") {
  flow_outside_scene s{"http: {url: 'https://a/'}, save: {result: headers}"};
  s.play.http.answer = [&](const http_request&) -> http_result {
    auto made = answered(200);
    made.headers = {{"X-A", "1"}, {"Set-Cookie", "a=1"}, {"x-a", "2"}, {"X-B", "3"}, {"X-A", "4, 5"}};
    return made;
  };
  s.run();
  CHECK(s.result() == ordered_json{{"x-a", {"1", "2", "4, 5"}}, {"set-cookie", "a=1"}, {"x-b", "3"}});
}

TEST_CASE("a refusal of who asks shows what the server wants to see") {
  flow_outside_scene s{"http: {url: 'https://a/'}"};
  const int status = GENERATE(401, 403);
  s.play.http.answer = [&](const http_request&) -> http_result {
    auto made = answered(status);
    made.headers = {{"www-authenticate", "Digest realm=\"desk\""}, {"X", "y"}};
    return made;
  };
  s.run();
  CHECK(end_of(s.play) == (status == 401 ? "login_rejected: https://a/ answered with status 401 "
                                           "(WWW-Authenticate: Digest realm=\"desk\")"
                                         : "login_rejected: https://a/ answered with status 403"));
}

TEST_CASE("user and password of Digest are given with the request") {
  setenv("DUPLEXD_T", "sekret", 1);
  flow_outside_scene s{
      "http: {url: 'https://a/', digest: {username: 'u-${var:a}', password: '${env:DUPLEXD_T}'}}"};
  s.play.http.answer = [](const http_request&) -> http_result { return answered(200); };
  s.run();
  REQUIRE(s.play.http.asked.size() == 1);
  REQUIRE(s.play.http.asked[0].digest);
  CHECK(s.play.http.asked[0].digest->username == "u-1");
  CHECK(s.play.http.asked[0].digest->password == "sekret");
  unsetenv("DUPLEXD_T");
  flow_outside_scene without{"http: {url: 'https://a/'}"};
  without.play.http.answer = [](const http_request&) -> http_result { return answered(200); };
  without.run();
  CHECK_FALSE(without.play.http.asked.at(0).digest);
}

TEST_CASE("which status is a fault, and of which class") {
  const auto [status, end] = GENERATE(table<int, std::string>({
      {200, ""},
      {399, ""},
      {400, "http: https://a/?${env:HOME} answered with status 400"},
      {401, "login_rejected: https://a/?${env:HOME} answered with status 401"},
      {402, "http: https://a/?${env:HOME} answered with status 402"},
      {403, "login_rejected: https://a/?${env:HOME} answered with status 403"},
      {404, "http: https://a/?${env:HOME} answered with status 404"},
      {599, "http: https://a/?${env:HOME} answered with status 599"},
  }));
  setenv("HOME", "/root", 0);
  flow_outside_scene s{"http: {url: 'https://a/?${env:HOME}'}, save: {result: status}"};
  s.play.http.answer = [&](const http_request&) -> http_result {
    auto made = answered(status);
    made.retry_after = 7s;
    return made;
  };
  s.run();
  CHECK(end_of(s.play) == end);
  if (end.empty()) return;
  CHECK(s.play.result->fatal->http_status == status);
  CHECK(s.play.result->fatal->retry_after == 7s);
}

TEST_CASE("a request that found no server says that it was one") {
  flow_outside_scene s{"http: {url: 'https://a/'}"};
  const auto kind = GENERATE(config::fault_class::http, config::fault_class::connect);
  s.play.http.answer = [&](const http_request&) -> http_result { return fault{.kind = kind, .cause = "oh"}; };
  s.run();
  CHECK(end_of(s.play) == (kind == config::fault_class::http ? "http: oh" : "connect: http: oh"));
}

TEST_CASE("every part of a request is what the step says") {
  setenv("DUPLEXD_T", "sekret", 1);
  const auto asked = [](const std::string& fields) {
    flow_outside_scene s{"http: {" + fields + "}"};
    s.play.http.answer = [](const http_request&) -> http_result { return answered(200); };
    s.run();
    return s.play.http.asked.at(0);
  };
  using headers = std::vector<std::pair<std::string, std::string>>;
  const auto plain = asked("url: 'http://h:81/p'");
  CHECK(plain.method == "GET");
  CHECK(plain.address.host == "h");
  CHECK(plain.address.port == 81);
  CHECK(plain.address.target == "/p");
  CHECK(plain.timeout == 10s);
  CHECK(plain.body.empty());
  CHECK(plain.headers.empty());

  const auto json = asked(
      "url: 'https://h/', method: PUT, timeout: 5s, headers: {A: '1', B: '${env:DUPLEXD_T}'}, "
      "json: {k: '${env:DUPLEXD_T}'}");
  CHECK(json.method == "PUT");
  CHECK(json.timeout == 5s);
  CHECK(json.headers == headers{{"A", "1"}, {"B", "sekret"}, {"Content-Type", "application/json"}});
  CHECK(json.body == R"({"k":"sekret"})");
  const auto open_json = asked("url: 'https://h/', method: PUT, json: {k: 1}");
  CHECK(open_json.body == R"({"k":1})");

  const auto text = asked("url: 'https://h/', method: POST, body: 'a=${env:DUPLEXD_T}'");
  CHECK(text.body == "a=sekret");
  const headers form{{"Content-Type", "application/x-www-form-urlencoded"}};
  CHECK(text.headers == form);
  const auto open_text = asked("url: 'https://h/', method: POST, body: 'a=1'");
  CHECK(open_text.body == "a=1");
  unsetenv("DUPLEXD_T");

  CHECK(asked("url: 'https://h/', json: 1").method == "POST");
  CHECK(asked("url: 'https://h/', body: ''").method == "POST");
  CHECK(asked("url: 'https://h/', method: GET, body: x").method == "GET");
  const headers own{{"content-TYPE", "text/plain"}};
  CHECK(asked("url: 'https://h/', headers: {content-TYPE: text/plain}, json: 1").headers == own);
  CHECK(asked("url: 'https://h/', headers: {content-TYPE: text/plain}, body: x").headers == own);
}

TEST_CASE("a request follows the session's redirects unless the step has its own") {
  const auto asked = [](const std::string& session, const std::string& step) {
    stage play{talk_yaml(session + "    script: [{http: {url: 'https://h/'" + step + "}}]\n"), true};
    auto server = play.accept();
    play.http.answer = [](const http_request&) -> http_result { return answered(200); };
    play.run_for(1s);
    return play.http.asked.at(0).redirects;
  };
  CHECK(asked("", "").followed);
  CHECK(asked("", "").origins.empty());
  CHECK_FALSE(asked("    redirects: none\n", "").followed);
  const std::string listed = "    redirects: ['https://a', 'wss://b']\n";
  CHECK(asked(listed, "").origins.size() == 2);
  CHECK(asked(listed, ", redirects: same_origin").origins.empty());
  CHECK(asked(listed, ", redirects: ['https://c']").origins.at(0).host == "c");
  CHECK_FALSE(asked(listed, ", redirects: none").followed);
}

TEST_CASE("what a request cannot read is a fault that names the field, and nobody is asked") {
  setenv("DUPLEXD_T", "here", 1);
  const std::string missing = "${env:DUPLEXD_T}: the environment variable is not set";
  const auto [step, cause] = GENERATE_COPY(table<std::string, std::string>({
      {"http: {url: 'https://${env:DUPLEXD_T}/'}", "secret: http.url: " + missing},
      {"http: {url: 'https://a/', headers: {X-A: '${env:DUPLEXD_T}'}}",
       "secret: http.headers.X-A: " + missing},
      {"http: {url: 'https://a/', json: {k: '${env:DUPLEXD_T}'}}", "secret: http.json: " + missing},
      {"http: {url: 'https://a/', body: '${env:DUPLEXD_T}'}", "secret: http.body: " + missing},
      {"http: {url: 'https://a/', digest: {username: '${env:DUPLEXD_T}', password: p}}",
       "secret: http.digest.username: " + missing},
      {"http: {url: 'https://a/', digest: {username: u, password: '${env:DUPLEXD_T}'}}",
       "secret: http.digest.password: " + missing},
      {"exec: [p, '${env:DUPLEXD_T}']", "script: " + missing},
      {"exec: [p], input: {k: '${env:DUPLEXD_T}'}", "script: " + missing},
      {"exec: [p], env: {K: '${env:DUPLEXD_T}'}", "script: env.K: " + missing},
  }));
  flow_outside_scene s{step};
  unsetenv("DUPLEXD_T");
  s.run();
  CHECK(end_of(s.play) == cause);
  CHECK(s.play.http.asked.empty());
  CHECK(s.play.programs.asked.empty());
}

TEST_CASE("an address that turns out to be none is a fault") {
  flow_outside_scene s{"http: {url: '${var:u}'}", ", {set: {u: 'ftp://a/'}}"};
  s.run();
  CHECK(end_of(s.play).starts_with("secret: http.url: "));
  CHECK(s.play.http.asked.empty());
}

TEST_CASE("a request uses the session's way to servers") {
  setenv("DUPLEXD_T", "sekret", 1);
  stage play{talk_yaml("    tls: {cert_file: /c.pem, key_password: '${env:DUPLEXD_T}'}\n"
                       "    before: [{http: {url: 'https://a/'}}]\n"),
             true};
  play.http.answer = [](const http_request&) -> http_result { return answered(500); };
  play.run_for(1s);
  CHECK(play.http.asked.at(0).cert_file == "/c.pem");
  CHECK(play.http.asked.at(0).key_password == "sekret");
  stage other{talk_yaml("    tls: {cert_file: /c.pem, key_password: '${env:DUPLEXD_T}'}\n"
                        "    before: [{http: {url: 'https://a/'}}]\n"),
              true};
  unsetenv("DUPLEXD_T");
  other.run_for(1s);
  CHECK(other.http.asked.empty());
  CHECK(end_of(other).starts_with("secret: tls.key_password: "));
}

// Only a cancellation may end a request so: anything else is a bug and shows.
TEST_CASE("an exception of the client is not swallowed") {
  flow_outside_scene s{"http: {url: 'https://a/'}"};
  s.play.http.answer = [](const http_request&) -> http_result {
    throw boost::system::system_error(asio::error::connection_reset);
  };
  CHECK_THROWS_AS(s.run(), boost::system::system_error);
}

TEST_CASE("what a program writes is the result if it is JSON") {
  const auto [output, value] = GENERATE(table<std::string, ordered_json>(
      {{R"({"a": 1})", {{"a", 1}}}, {" [1, 2]\r\n", {1, 2}}, {"\t7\n", 7}, {"\"x\"", "x"}}));
  flow_outside_scene s{"exec: [p, '${var:a}'], timeout: 4s, save: {result: '*'}"};
  s.play.programs.answer = [&](const program_request&) -> program_result { return output; };
  s.run();
  CHECK(s.result() == value);
  CHECK(s.play.programs.asked.at(0).arguments == lines{"p", "1"});
  CHECK(s.play.programs.asked.at(0).input.empty());
  CHECK(s.play.programs.asked.at(0).timeout == 4s);
}

TEST_CASE("a program that writes nothing has no result, one that writes no JSON has failed") {
  const auto [output, end] = GENERATE(table<std::string, std::string>(
      {{"", ""}, {" \t\r\n", ""}, {"text", "script: exec p ${var:a}: its output is not JSON"}}));
  stage play{talk_yaml("    before: [{set: {a: 1}}]\n\n    script: [{exec: ['p ${var:a}']}, {send: put}]\n"),
             true};
  auto server = play.accept();
  play.programs.answer = [&](const program_request&) -> program_result { return output; };
  play.run_for(1s);
  CHECK(end_of(play) == end);
  CHECK(server->received.size() == (end.empty() ? 1U : 0U));
  CHECK(play.programs.asked.at(0).timeout == 30s);
}

TEST_CASE("a program gets its input as one line of JSON") {
  flow_outside_scene s{"exec: [p], input: ['${var:a}', x]"};
  s.play.programs.answer = [](const program_request&) -> program_result { return program_failure{"oh"}; };
  s.run();
  CHECK(s.play.programs.asked.at(0).input == "[1,\"x\"]\n");
  CHECK(end_of(s.play) == "script: exec p: oh");
}

TEST_CASE("a program's environment is what the step adds, its references read") {
  flow_outside_scene s{"exec: [p], env: {A: 'x ${var:a}', B: ''}"};
  s.play.programs.answer = [](const program_request&) -> program_result { return std::string{}; };
  s.run();
  CHECK(s.play.programs.asked.at(0).environment ==
        std::map<std::string, std::string>{{"A", "x 1"}, {"B", ""}});
}

TEST_CASE("programs get JSON and give JSON") {
  stage play{talk_yaml(R"(
    script:
      - exec: [sign, "${var:key}"]
        input: {text: "${var:key}"}
        save: {signature: value}
        timeout: 3s
      - {send: put, with: {data: "${var:signature}"}}
      - {exec: [broken]}
    before: [{set: {key: k1}}]
)"),
             true};
  auto server = play.accept();
  play.programs.answer = [](const program_request& what) -> program_result {
    if (what.arguments[0] == "broken") return program_failure{"exit code 2: no such key"};
    return std::string(R"({"value": "signed"})");
  };
  play.run_for(1s);
  REQUIRE(play.programs.asked.size() == 2);
  CHECK(play.programs.asked[0].arguments == lines{"sign", "k1"});
  CHECK(play.programs.asked[0].input == "{\"text\":\"k1\"}\n");
  CHECK(play.programs.asked[0].timeout == 3s);
  CHECK(values_of(server->received.at(0))["data"] == "signed");
  REQUIRE(play.result);
  CHECK(play.result->fatal->cause.find("exec broken: exit code 2: no such key") == 0);
}
