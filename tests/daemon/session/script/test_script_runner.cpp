#include <algorithm>

#include "config/reference/template.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using config::fault_class;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {
long count(const stage& play, const std::string& line) {
  return std::ranges::count(play.log(), line);
}

http_response answered(int status, std::string body) {
  http_response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace

// Tokens are fetched at once, before each attempt, and used in the address, a header and the login.
TEST_CASE("HTTP requests before the dial") {
  stage play{talk_yaml(R"(
    before:
      - gather:
          - {http: {url: "https://api/token", method: POST, json: {id: 7}}, save: {token: body.token}}
          - {http: {url: "https://api/node"}, save: {node: body}}
    headers: {Authorization: "Bearer ${var:token}"}
    login: {json: {op: login, token: "${var:token}", node: "${var:node}"}}
)")};
  std::vector<std::string> dialed;
  auto server = std::make_shared<scripted_server>(play.loop.get_executor());
  server->time = &play.time;
  unsigned tokens = 0;
  play.http.answer = [&](const http_request& what) -> http_result {
    if (what.method != "POST") return answered(200, "node-3");
    return answered(200, R"({"token": "t)" + std::to_string(++tokens) + R"("})");
  };
  for (int i = 0; i < 2; ++i)
    play.links.answers.emplace_back([&, i](const dial_request& what) -> dial_result {
      dialed.push_back(what.headers.at(0).second);
      if (i == 0) return fault{.kind = fault_class::connect, .cause = "refused"};
      return std::make_unique<scripted_link>(server);
    });
  play.run_for(5s);
  CHECK(dialed == lines{"Bearer t1", "Bearer t2"});
  REQUIRE(server->received.size() == 1);
  CHECK(values_of(server->received[0]) == ordered_json{{"op", "login"}, {"token", "t2"}, {"node", "node-3"}});
  CHECK(play.http.asked.at(0).body == R"({"id":7})");
}

TEST_CASE("a refused token is a rejected login, another status an HTTP fault, and no dial follows") {
  stage play{talk_yaml("    before: [{http: {url: 'https://api/token'}}]\n"), true};
  const auto status = GENERATE(401, 503);
  play.http.answer = [&](const http_request&) -> http_result {
    auto refusal = answered(status, "");
    refusal.retry_after = 3s;
    return refusal;
  };
  play.run_for(1s);
  REQUIRE(play.result);
  REQUIRE(play.result->fatal);
  CHECK(play.result->fatal->kind == (status == 401 ? fault_class::login_rejected : fault_class::http));
  CHECK(play.result->fatal->http_status == status);
  CHECK(play.result->fatal->retry_after == 3s);
  CHECK(play.links.dials == 0);
}

// The server asks first; the answer is computed from what it sent.
TEST_CASE("challenge and response") {
  stage play{talk_yaml(R"(
    login:
      steps:
        - {expect: challenge, timeout: 5s}
        - json: {op: prove, proof: "${reply:nonce + 'pepper' | hmac_sha256('key') | hex}"}
      expect: done
      where: {ok: true}
      reject: got
    script: [{send: get}]
)"),
             true};
  auto server = play.accept();
  const std::string proof =
      config::text_template("${'abcpepper' | hmac_sha256('key') | hex}").resolve().value;
  bool accepts = true;
  SECTION("accepted") {
    server->on_message = [&](scripted_server& self, const message& what) {
      if (values_of(what)["op"] != "prove") return;
      CHECK(values_of(what)["proof"] == proof);
      self.say(say({{"op", "done"}, {"ok", accepts}}));
    };
    server->say(say({{"op", "challenge"}, {"nonce", "abc"}}));
    play.run_for(1s);
    CHECK(heard(*server) == lines{"prove", "get"});
    CHECK(count(play, "s: login accepted") == 1);
  }
  SECTION("rejected by its values, and by another reply") {
    const auto reply = GENERATE(as<std::string>{}, "done", "got");
    server->on_message = [&](scripted_server& self, const message&) {
      self.say(say({{"op", reply}, {"ok", false}}));
    };
    server->say(say({{"op", "challenge"}, {"nonce", "abc"}}));
    play.run_for(1s);
    REQUIRE(play.result);
    REQUIRE(play.result->fatal);
    CHECK(play.result->fatal->kind == fault_class::login_rejected);
    CHECK(heard(*server) == lines{"prove"});
  }
  // A busy server has not refused anything.
  SECTION("no challenge comes") {
    play.run_for(6s);
    REQUIRE(play.result);
    REQUIRE(play.result->fatal);
    CHECK(play.result->fatal->kind == fault_class::script);
    CHECK(play.result->fatal->cause.starts_with("no reply challenge within 5 s"));
  }
}

TEST_CASE("a step of the login rejects it by a check, and by fail") {
  const std::string step =
      GENERATE(as<std::string>{}, "{call: get, reply: got, check: {ok: true}}", "{fail: no}");
  stage play{talk_yaml("    login: {steps: [" + step + "]}\n"), true};
  auto server = play.accept();
  server->on_message = [](scripted_server& self, const message&) { self.say(say({{"op", "got"}})); };
  play.run_for(1s);
  REQUIRE(play.result);
  REQUIRE(play.result->fatal);
  CHECK(play.result->fatal->kind == fault_class::login_rejected);
}

TEST_CASE("a link is left before its token expires, and made again at once") {
  stage play{talk_yaml(R"(
    before: [{set: {expires_in: 60}}]
    renew: {after: "${var:expires_in}s", margin: 10s}
    script: [{send: get}]
)")};
  auto first = play.accept();
  auto second = play.accept();
  play.run_for(49s);
  CHECK(play.links.dials == 1);
  play.run_for(2s);
  CHECK(play.links.dials == 2);
  CHECK(first->close_received);
  CHECK(heard(*second) == lines{"get"});
  CHECK(count(play, "s: reconnecting: it has reached its age") == 1);
}

TEST_CASE("a handler may ask for a new link") {
  stage play{talk_yaml("    on: [{reply: done, do: [{reconnect: 'the server restarts'}]}]\n")};
  auto first = play.accept();
  auto second = play.accept();
  play.run_for(5s);
  first->say(say({{"op", "done"}}));
  play.run_for(1s);
  CHECK(first->close_received);
  CHECK(play.links.dials == 2);
}

// The interval comes from a reply; a beat that is not answered is what the configuration makes of it.
TEST_CASE("the application's heartbeat") {
  const std::string action = GENERATE(as<std::string>{}, "reconnect", "log", "resubscribe");
  stage play{talk_yaml(R"(
    login: {json: {op: hello}, expect: done}
    subscribe: [{send: get}]
    liveness:
      ping_interval: 0
      idle_timeout: 0
      heartbeat: {every: "${reply:interval}", send: put, with: {id: "${counter:beat}"}, expect: got, timeout: 2s,
                  action: )" +
                       action + "}\n")};
  auto server = play.accept();
  bool alive = true;
  server->on_message = [&](scripted_server& self, const message& what) {
    const auto op = values_of(what)["op"];
    if (op == "hello") self.say(say({{"op", "done"}, {"interval", 10'000}}));
    if (op == "put" && alive) self.say(say({{"op", "got"}}));
  };
  play.run_for(25s);
  CHECK(heard(*server) == lines{"hello", "get", "put 1", "put 2"});
  alive = false;
  play.run_for(8s);
  const std::string missed = "heartbeat: no reply got within 2 s";
  if (action == "reconnect") {
    CHECK(count(play, "s: liveness: " + missed + "; next attempt in 1.0 s") == 1);
  } else {
    CHECK(count(play, "s: " + missed) == 1);
    CHECK(std::ranges::count(heard(*server), "get") == (action == "log" ? 1 : 2));
  }
}

TEST_CASE("a feed that goes quiet is subscribed to again") {
  stage play{talk_yaml(R"(
    subscribe: [{send: get}]
    liveness:
      ping_interval: 0
      idle_timeout: 0
      fresh: [{reply: tick, within: 5s, action: resubscribe}, {reply: ping, within: 60s, action: reconnect}]
)")};
  auto server = play.accept();
  play.run_for(4s);
  server->say(say({{"op", "tick"}}));
  play.run_for(4s);
  CHECK(heard(*server) == lines{"get"});
  play.run_for(1'500ms);
  CHECK(heard(*server) == lines{"get", "get"});
  CHECK(count(play, "s: no reply tick for 5.0 s") == 1);
  play.run_for(60s);
  CHECK(count(play, "s: liveness: no reply ping for 60 s; next attempt in 1.0 s") == 1);
}

TEST_CASE("a number that is missing is a gap, for each key by itself") {
  stage play{talk_yaml(R"(
    subscribe: [{send: get}]
    liveness:
      ping_interval: 0
      idle_timeout: 0
      sequence: [{reply: tick, field: n, key: [sym], action: resubscribe}]
)")};
  auto server = play.accept();
  const auto tick = [&](const char* symbol, int number) {
    server->say(say({{"op", "tick"}, {"sym", symbol}, {"n", number}}));
  };
  tick("a", 7);
  tick("b", 1);
  tick("a", 8);
  tick("a", 10);
  tick("b", 2);
  play.run_for(1s);
  CHECK(count(play, R"(s: gap in tick.n of ["a"]: expected 9, found 10)") == 1);
  CHECK(heard(*server) == lines{"get", "get"});
  const auto is_gap = [](const std::string& line) {
    return line.find(R"("event":"gap","reply":"tick","field":"n","key":["a"],"expected":9,"found":10})") !=
           std::string::npos;
  };
  CHECK(std::ranges::count_if(play.out.lines, is_gap) == 1);
}

TEST_CASE("the daemon's exit code for a fault can be chosen") {
  stage play{talk_yaml(R"(
    reconnect: {faults: [{on: ["closed:4001"], give_up_after: 2, exit_code: 64}]}
)")};
  for (int i = 0; i < 2; ++i) {
    auto server = play.accept();
    server->close({4001, "go away"});
  }
  play.run_for(1min);
  REQUIRE(play.result);
  CHECK(play.links.dials == 2);
  CHECK(play.result->exit_code == 64);
}

// The virtual clock starts at midnight of Thursday, 1970-01-01.
TEST_CASE("outside of its hours a session has no link") {
  stage play{talk_yaml("    active: {windows: ['Thu 01:00-02:00', 'Fri 01:00-02:00']}\n")};
  auto first = play.accept();
  auto second = play.accept();
  play.run_for(59min);
  CHECK(play.links.dials == 0);
  CHECK(count(play, "s: outside of active hours: connecting in 60 min") == 1);
  play.run_for(2min);
  CHECK(play.links.dials == 1);
  CHECK_FALSE(first->close_received);
  play.run_for(1h);
  CHECK(first->close_received);
  CHECK(play.links.dials == 1);
  play.run_for(23h);
  CHECK(play.links.dials == 2);
  CHECK_FALSE(second->close_received);
}
