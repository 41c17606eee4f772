// Steps that send and receive: what waits how long for what, and what is said when it does not come.
#include <cstdlib>

#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

/// A session that runs once; its server says nothing unless told to.
struct flow_messages_scene {
  explicit flow_messages_scene(const std::string& fields, bool once = true) : play(talk_yaml(fields), once) {}
  void say_got(int id) { server->say(say({{"op", "got"}, {"id", id}})); }
  [[nodiscard]] lines sent() const { return heard(*server); }
  [[nodiscard]] std::string end() const { return end_of(play); }

  stage play;
  std::shared_ptr<scripted_server> server = play.accept();
};

constexpr auto almost = 1ms;

}  // namespace

TEST_CASE("a reply is waited for as long as the step says, and its usual time if it says nothing") {
  const auto [step, limit] = GENERATE(table<std::string, std::chrono::seconds>({
      {"expect: got, timeout: 2s", 2s},
      {"expect: got", 30s},
      {"call: get, reply: got, timeout: 3s", 3s},
      {"call: get, reply: got", 30s},
  }));
  flow_messages_scene s{"    script: [{" + step + "}]\n"};
  s.play.run_for(limit - almost);
  CHECK(s.end() == "-");
  SECTION("it comes in time") {
    s.say_got(1);
    s.play.run_for(almost);
    CHECK(s.end().empty());
  }
  SECTION("it does not") {
    s.play.run_for(almost);
    CHECK(s.end() == "script: no reply got within " + std::to_string(limit.count()) + " s");
  }
}

// Who waits for a reply with another id than those that come is told so.
TEST_CASE("a timeout says what came instead") {
  flow_messages_scene s{"    script: [{expect: got, where: {id: 8}, timeout: 2s}]\n"};
  SECTION("one") {
    s.say_got(7);
    s.play.run_for(2s);
    CHECK(s.end() == "script: no reply got within 2 s; reply got came once, its id was 7, not 8");
  }
  SECTION("several: the last") {
    for (const int id : {5, 6, 7}) s.say_got(id);
    s.play.run_for(2s);
    CHECK(s.end() == "script: no reply got within 2 s; reply got came 3 times, its id was 7, not 8");
  }
  SECTION("without the field") {
    s.server->say(say({{"op", "got"}}));
    s.play.run_for(2s);
    CHECK(s.end() == "script: no reply got within 2 s; reply got came once, it has no id");
  }
}

// The same for what a call is correlated with; replies that came before do not count.
TEST_CASE("a call that times out says what came instead") {
  flow_messages_scene s{
      "    script: [{sleep: 1s}, {call: get, with: {id: 8}, reply: got, correlate: {id: id}, timeout: "
      "2s}]\n"};
  s.say_got(1);
  s.play.run_for(1s);
  s.say_got(7);
  s.play.run_for(2s);
  CHECK(s.end() == "script: no reply got within 2 s; reply got came once, its id was 7, not 8");
}

// The step's own limit is read from a value, then: the reply has none of its own.
TEST_CASE("a reply without a limit of its own is waited for until the step's is over") {
  flow_messages_scene s{"    before: [{set: {h: 24h}}]\n    script: [{expect: got, timeout: '${var:h}'}]\n"};
  s.play.run_for(24h - almost);
  CHECK(s.end() == "-");
  SECTION("it comes") {
    s.say_got(1);
    s.play.run_for(almost);
    CHECK(s.end().empty());
  }
  SECTION("it does not") {
    s.play.run_for(almost);
    CHECK(s.end() == "script: the step took longer than 86400 s");
  }
}

TEST_CASE("so many replies and not one fewer, within one limit for all") {
  flow_messages_scene s{R"(
    script:
      - {expect: got, count: 3, timeout: 5s, save: {all: "*"}}
      - {send: put, with: {id: "${reply:id}", data: "${var:all}"}}
)"};
  s.play.run_for(1s);
  s.say_got(1);
  s.say_got(2);
  s.play.run_for(4s - almost);
  CHECK(s.server->received.empty());
  SECTION("the last comes in time") {
    s.say_got(3);
    s.play.run_for(almost);
    REQUIRE(s.sent() == lines{"put 3"});
    CHECK(values_of(s.server->received[0])["data"].size() == 3);
    CHECK(values_of(s.server->received[0])["data"][1]["id"] == 2);
  }
  SECTION("it does not") {
    s.play.run_for(almost);
    CHECK(s.end() == "script: no reply got within 5 s");
  }
}

TEST_CASE("a reply that came before the last message does not count, whatever message that was") {
  const std::string step = GENERATE(as<std::string>{}, "send: put", "send: put, with: {id: '${counter:n}'}",
                                    "json: {op: x}", "call: put, reply: done");
  flow_messages_scene s{"    script: [{sleep: 2s}, {" + step +
                        "}, {sleep: 1s}, {expect: got, timeout: 1s}]\n"};
  s.server->on_message = [](scripted_server& self, const message&) { self.say(say({{"op", "done"}})); };
  s.play.run_for(1s);
  s.say_got(1);
  s.play.run_for(1h);
  CHECK(s.end() == "script: no reply got within 1 s");
}

TEST_CASE("one reply is a value, not a list") {
  flow_messages_scene s{
      "    script: [{expect: got, count: 1, save: {a: id}}, {send: put, with: {id: '${var:a}'}}]\n"};
  s.play.run_for(1s);
  s.say_got(4);
  s.play.run_for(1s);
  CHECK(s.sent() == lines{"put 4"});
}

TEST_CASE("replies that are not asked for are left for others") {
  flow_messages_scene s{R"(
    script:
      - {expect: [got, done], where: {id: 2}, timeout: 2s}
      - {expect: got, timeout: 2s}
      - {send: put, with: {id: "${reply:id}"}}
)"};
  s.play.run_for(1s);
  s.say_got(1);
  s.play.run_for(500ms);
  s.server->say(say({{"op", "done"}, {"id", 2}}));
  s.play.run_for(1s);
  CHECK(s.sent() == lines{"put 1"});
}

TEST_CASE("a reply that is not as it must be is shown, so much of it") {
  flow_messages_scene s{
      "    script: [{call: get, reply: got, check: {ok: true}, retries: 3}]\n"
      "    commands: {get: {idempotent: true}}\n"};
  s.play.run_for(1s);
  const std::string start = R"({"op": "got", "text": ")";
  s.server->say(say({{"op", "got"}, {"text", std::string(300, 'x')}}));
  s.play.run_for(1s);
  CHECK(s.end() ==
        "script: the reply got is not as it must be: " + start + std::string(200 - start.size(), 'x') + "");
  CHECK(s.sent() == lines{"get"});  // that is not a reason to ask again
}

TEST_CASE("what the reply must be, and which it is, can depend on values") {
  const std::string field = GENERATE(as<std::string>{}, "where", "check");
  flow_messages_scene s{
      "    before: [{set: {known: 1}}, {if: {known: 2}, then: [{set: {none: 1}}]}]\n    script: [{expect: "
      "got, " +
      field + ": {id: '${var:none}'}}]\n"};
  s.play.run_for(1s);
  s.say_got(1);
  s.play.run_for(1s);
  CHECK(s.end().starts_with("script: ${var:none}: "));
}

TEST_CASE("a call is sent again so many times, each time with the whole limit") {
  const int retries = GENERATE(0, 1, 2);
  flow_messages_scene s{
      "    commands: {get: {idempotent: true}}\n    script: [{call: get, with: {id: '${counter:n}'}, "
      "reply: got, timeout: 2s, retries: " +
      std::to_string(retries) + "}]\n"};
  s.play.run_for(2s * (retries + 1) - almost);
  CHECK(s.sent() == lines(static_cast<std::size_t>(retries) + 1, "get 1"));
  CHECK(s.end() == "-");
  for (int i = 1; i <= 3; ++i)
    CHECK(logged(s.play, "no reply to get in time: sent again (" + std::to_string(i) + ")") ==
          (i <= retries ? 1 : 0));
  SECTION("the last attempt is answered") {
    s.say_got(1);
    s.play.run_for(almost);
    CHECK(s.end().empty());
  }
  SECTION("it is not") {
    s.play.run_for(almost);
    CHECK(s.end() == "script: no reply got within 2 s");
    CHECK(s.sent() == lines(static_cast<std::size_t>(retries) + 1, "get 1"));
  }
}

TEST_CASE("only the reply with the command's value answers a call") {
  flow_messages_scene s{R"(
    script:
      - {call: get, with: {id: 7}, reply: got, correlate: {id: id}, timeout: 2s}
      - {set: {known_later: 1}}
      - {call: get, with: {data: "${var:known_later}"}, reply: got, correlate: {data.id: id}}
)"};
  s.play.run_for(1s);
  s.say_got(8);
  s.play.run_for(500ms);
  CHECK(s.end() == "-");
  s.say_got(7);
  s.play.run_for(1ms);
  CHECK(s.sent() == lines{"get 7"});
  CHECK(s.end() == "script: call get: 'with' has no data.id to correlate with");
}

TEST_CASE("a call that has its reply no longer counts in limits.calls", "[bounds]") {
  flow_messages_scene s{
      "    limits: {calls: 1}\n    script: [{repeat: 3, do: [{call: get, reply: got}]}, {send: put}]\n"};
  s.server->on_message = answer_gets;
  s.play.run_for(1s);
  CHECK(s.sent() == lines{"get", "get", "get", "put"});
  CHECK(s.end().empty());
}

// Nothing follows a call before its answer: its bytes need not wait for the turn's end.
TEST_CASE("a message whose answer is awaited leaves at once") {
  const auto [steps, flushed] = GENERATE(table<std::string, unsigned>({
      {"{send: put}, {sleep: 1s}", 0},
      {"{send: put}, {send: get}, {expect: done}", 1},
      {"{send: put}, {send: get}, {send: pong}", 0},
      {"{send: get, with: {id: '${counter:n}'}}, {expect: done}", 0},
      {"{call: get, reply: done}", 1},
      {"{json: {op: get}}, {expect: done}", 0},
  }));
  INFO(steps);
  flow_messages_scene s{"    script: [" + steps + "]\n"};
  s.play.run_for(1ms);
  CHECK(s.server->flushed == flushed);
}

TEST_CASE("a script waits while much is on its way") {
  const bool known = GENERATE(true, false);
  const std::string with = known ? "" : ", with: {id: '${counter:n}'}";
  flow_messages_scene s{"    script: [{repeat: 3, do: [{send: put" + with + "}]}, {send: put" + with +
                        "}, {send: put" + with + "}]\n"};
  s.server->on_message = [](scripted_server& self, const message&) {
    if (self.received.size() == 2) self.takes_bytes = false;
  };
  SECTION("too much") {
    s.server->unsent_bytes = outbox::low_water + 1;
    s.play.run_for(1h);
    CHECK(s.server->received.size() == (known ? 3 : 2));  // a known one looks before it is sent
    s.server->take_bytes(true);
    s.play.run_for(1ms);
    CHECK(s.server->received.size() == 5);
    CHECK(s.end().empty());
  }
  SECTION("not too much") {
    s.server->unsent_bytes = outbox::low_water;
    s.play.run_for(1h);
    CHECK(s.server->received.size() == 5);
    CHECK(s.end() == "-");  // the kernel has not taken all of it
  }
}

TEST_CASE("what cannot be sent is a fault that says so") {
  const auto [step, name] = GENERATE(table<std::string, std::string>({
      {"send: put", "put"},
      {"send: put, with: {id: '${counter:n}'}", "put"},
      {"json: {op: x}", "a JSON message"},
      {"call: get, reply: got", "get"},
  }));
  flow_messages_scene s{"    script: [{sleep: 1s}, {" + step + "}]\n"};
  s.play.run_for(1ms);
  s.server->unsent_bytes = outbox::high_water + 1;
  s.server->take_bytes(false);
  s.play.run_for(20s);
  const std::string why = "there is no link, or far too much is waiting to be sent";
  CHECK(s.end() == "script: " + name + " not sent: " + why + "");
  CHECK(logged(s.play, "s: command " + name + " not sent: " + why) == 1);
  CHECK(s.server->received.empty());
}

TEST_CASE("a command whose values do not fit is not sent") {
  stage play{R"(
sessions:
  s:
    url: ws://server/
    protocol:
      commands: {put: 'id:B'}
    script:
      - {set: {n: 256}}
      - {send: put, with: {id: "${var:n}"}}
)",
             true};
  auto server = play.accept();
  play.run_for(1s);
  CHECK(server->received.empty());
  CHECK(end_of(play).starts_with("script: command put not sent: "));
  CHECK(logged(play, "s: command put not sent: ") >= 1);
}

TEST_CASE("messages made from secrets are marked, others are not") {
  setenv("DUPLEXD_T", "sekret", 1);
  flow_messages_scene s{R"(
    script:
      - {send: put, with: {data: "${env:DUPLEXD_T}"}}
      - {send: put, with: {data: "${counter:n}"}}
      - {send: put}
      - {json: {a: "${env:DUPLEXD_T}"}}
      - {json: {a: 1}}
      - {call: get, with: {data: "${env:DUPLEXD_T}"}, reply: got}
)"};
  s.play.run_for(1ms);
  CHECK(s.server->confidential == std::vector<bool>{true, false, false, true, false, true});
  unsetenv("DUPLEXD_T");
}

TEST_CASE("a secret that is not there is a fault of its own") {
  setenv("DUPLEXD_T", "here when it is checked", 1);
  const std::string step = GENERATE(as<std::string>{}, "send: put, with: {data: '${env:DUPLEXD_T}'}",
                                    "json: {a: '${env:DUPLEXD_T}'}");
  flow_messages_scene s{"    script: [{" + step + "}]\n"};
  unsetenv("DUPLEXD_T");
  s.play.run_for(1ms);
  CHECK(s.end() == "secret: ${env:DUPLEXD_T}: the environment variable is not set");
}

TEST_CASE("a JSON message and an echo take their turns") {
  flow_messages_scene s{R"(
    rate: {messages: 1, per: 10s}
    on: [{reply: tick, do: {echo: true}}]
    script: [{json: {op: a}}, {json: {op: b}}]
)",
                        false};
  s.play.run_for(1s);
  CHECK(s.sent() == lines{"a"});
  s.server->say(say({{"op", "tick"}}));
  s.play.run_for(9s);
  CHECK(s.sent() == lines{"a", "b"});
  s.play.run_for(10s - almost);
  CHECK(s.sent() == lines{"a", "b"});
  s.play.run_for(almost);
  CHECK(s.sent() == lines{"a", "b", "tick"});
}

TEST_CASE("a known command with a rate of its own waits for its turn") {
  flow_messages_scene s{
      "    commands: {put: {rate: {messages: 1, per: 5s}}}\n"
      "    script: [{send: put}, {send: pong}, {send: put}]\n"};
  s.play.run_for(5s - almost);
  CHECK(s.sent() == lines{"put", "pong"});
  s.play.run_for(almost);
  CHECK(s.sent() == lines{"put", "pong", "put"});
}

TEST_CASE("a JSON message without a type is written as the protocol's JSON is") {
  const auto [form, sent] = GENERATE(table<std::string, std::string>({
      {"", R"({"op": "x", "id": [1, 2]})"},
      {"json: python, ", R"({"op": "x", "id": [1, 2]})"},
      {"json: compact, ", R"({"op":"x","id":[1,2]})"},
  }));
  stage play{
      "version: 1\nsessions:\n  s:\n    url: ws://server/\n    protocol: {" + form +
          "commands: {go: 'a:i=1'}}\n    liveness: {heartbeat: {every: 1s, json: {op: x, id: [1, 2]}}}\n"
          "    login: {json: {op: x, id: [1, 2]}}\n    script: [{json: {op: x, id: [1, 2]}}, {sleep: "
          "1500ms}]\n",
      true};
  auto server = play.accept();
  play.run_for(1300ms);
  REQUIRE(server->received.size() == 3);
  for (const message& each : server->received) CHECK(each == text(sent));
  play.run_for(1min);
}
