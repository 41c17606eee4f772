// How messages are taken off a link: in turns, within bounds, and all of them before its end.
#include <algorithm>

#include "daemon/runtime/turn_budget.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
using lines = std::vector<std::string>;

namespace {

// One message holds any number of packets: a length, a kind, a number.
std::string packets_yaml(const std::string& fields) {
  return R"(version: 1
sessions:
  s:
    url: ws://server/
    protocol:
      byte_order: big
      opcode: {at: 0, type: B}
      framing: {length: H, strip: true}
      commands:
        ask: "kind:B=9 id:H"
      replies:
        - {layout: "kind:B=1 id:H", as: ack, when: {opcode: 1}}
        - {layout: "kind:B=2 id:H", as: tick, when: {opcode: 2}}
    liveness: {ping_interval: 0, idle_timeout: 0}
)" + fields;
}

std::string packet(int kind, int id) {
  return {0, 3, static_cast<char>(kind), static_cast<char>(id >> 8), static_cast<char>(id)};
}

constexpr auto refused = "login_rejected: the server answered the login with";

}  // namespace

// What came in one piece with the end of the link counts, whatever the end is.
TEST_CASE("a reply that came before the end decides") {
  const bool broken = GENERATE(false, true);
  stage play{
      talk_yaml("    login: {json: {op: in}, expect: got, reject: done}\n"
                "    reconnect: {fatal: [login_rejected]}\n")};
  auto server = play.accept();
  server->say(say({{"op", "done"}, {"why", "no"}}));
  if (broken)
    server->vanish({.kind = config::fault_class::protocol_error, .cause = "bad frame"});
  else
    server->close({1008, "policy"});
  play.run_for(1h);
  CHECK(end_of(play).starts_with(refused));
}

TEST_CASE("a script that needs one more reply ends well if it came before the close") {
  stage play{talk_yaml("    script: [{send: get}, {expect: got, check: {id: 1}}, {expect: done}]\n"), true};
  auto server = play.accept();
  server->on_message = [](scripted_server& self, const message&) {
    self.say(say({{"op", "got"}, {"id", 1}}));
    self.say(say({{"op", "done"}}));
    self.close({1000, ""});
  };
  play.run_for(1s);
  CHECK(end_of(play).empty());
}

TEST_CASE("what handlers answer without waiting leaves before the end") {
  const int count = GENERATE(1, 5, 100, 3'000);
  stage play{
      talk_yaml("    on: [{reply: ping, do: [{send: pong, with: {id: '${reply:id}'}}]},\n"
                "         {reply: tick, do: [{sleep: 1ms}, {send: put}]}]\n")};
  auto server = play.accept();
  play.run_for(1ms);
  for (int i = 1; i <= count; ++i) server->say(say({{"op", "ping"}, {"id", i}}));
  server->say(say({{"op", "tick"}}));
  server->close({1000, ""});
  play.run_for(500ms);
  REQUIRE(server->received.size() == static_cast<std::size_t>(count));
  CHECK(heard(*server).back() == "pong " + std::to_string(count));
}

// Each handler takes what its message asks for; the end does not wait for a script that never waits.
TEST_CASE("the end of a link comes though a script goes on for ever") {
  stage play{talk_yaml("    script: [{repeat: forever, do: [{set: {a: 1}}]}]\n")};
  auto server = play.accept();
  play.run_turns(100);
  server->close({1000, ""});
  play.run_turns(1'000);
  CHECK(logged(play, "the server closed the link with code 1000") == 1);
}

TEST_CASE("an acknowledgement and many packets in one message reach all who wait") {
  stage play{packets_yaml("    script: [{call: ask, with: {id: 7}, reply: ack, correlate: {id: id}},\n"
                          "             {expect: tick, count: 600, timeout: 5s}]\n"),
             true};
  auto server = play.accept();
  server->on_message = [](scripted_server& self, const message&) {
    std::string all = packet(1, 7);
    for (int i = 0; i < 600; ++i) all += packet(2, i);
    self.say(binary(all));
  };
  play.run_for(1s);
  CHECK(end_of(play).empty());
  CHECK(play.out.lines.size() == 601);
}

// A message of many packets is handled in turns: the handlers have theirs in between.
TEST_CASE("packets of one message give handlers their turn in between") {
  stage play{packets_yaml("    on: [{reply: tick, do: [{send: ask, with: {id: '${reply:id}'}}]}]\n")};
  auto server = play.accept();
  play.run_for(1ms);
  std::string all;
  constexpr int count = 3 * static_cast<int>(turn_budget::items);
  for (int i = 0; i < count; ++i) all += packet(2, i);
  std::size_t most_ahead = 0;
  server->on_message = [&](scripted_server& self, const message&) {
    most_ahead = std::max(most_ahead, play.out.lines.size() - self.received.size());
  };
  server->say(binary(all));
  play.run_for(1ms);
  CHECK(server->received.size() == count);
  CHECK(most_ahead <= 2 * turn_budget::items);
  CHECK(server->received.back().bytes == packet(9, count - 1));
}

TEST_CASE("calls whose answers come at once each get their own") {
  stage play{
      talk_yaml("    script: [{repeat: 300, do: [{spawn: one, do: [{set: {}}]}]},\n"
                "             {every: 1s, do: [{sleep: 0s}]}]\n"
                "    on: [{reply: tick, do: [{spawn: t, do: [{call: get, with: {id: '${reply:id}'}, "
                "reply: got, correlate: {id: id}, timeout: 5s},\n"
                "         {send: put, with: {id: '${reply:id}'}}]}]}]\n")};
  auto server = play.accept();
  play.run_for(1ms);
  constexpr int count = 600;
  std::vector<message> answers;
  server->on_message = [&](scripted_server&, const message& what) {
    const auto values = values_of(what);
    if (values["op"] == "get") answers.push_back(say({{"op", "got"}, {"id", values["id"]}}));
  };
  for (int i = 0; i < count; ++i) server->say(say({{"op", "tick"}, {"id", i}}));
  play.run_for(1s);
  REQUIRE(answers.size() == count);
  std::ranges::reverse(answers);
  for (const message& each : answers) server->say(each);
  play.run_for(1s);
  const auto said = heard(*server);
  CHECK(std::ranges::count_if(said, [](const auto& line) { return line.starts_with("put "); }) == count);
  CHECK(said.back() == "put 0");
  CHECK(logged(play, "script:") == 0);
}

TEST_CASE("calls and tasks are bounded") {
  SECTION("calls: one more fails") {
    const int calls = GENERATE(2, 3);
    stage play{talk_yaml("    limits: {calls: 2}\n    script: [{gather: [" +
                         std::string(calls == 2 ? "" : "[{call: get, reply: got}], ") +
                         "[{call: get, reply: got}], [{call: get, reply: got}]]}]\n"),
               true};
    auto server = play.accept();
    server->on_message = answer_gets;
    play.run_for(1s);
    CHECK(end_of(play) ==
          (calls == 2 ? "" : "script: call get: 2 calls wait for their reply already (limits.calls)"));
  }
  SECTION("tasks: spawn waits") {
    stage play{
        talk_yaml("    limits: {tasks: 2}\n"
                  "    script: [{repeat: 5, do: [{spawn: t, do: [{sleep: 1s}, {send: put}]}]}]\n")};
    auto server = play.accept();
    play.run_for(1500ms);
    CHECK(server->received.size() == 2);
    CHECK(logged(play, "spawn waits: 2 tasks are running (limits.tasks)") > 0);
    play.run_for(2s);
    CHECK(server->received.size() == 5);
  }
  SECTION("variables: a step that would exceed them fails") {
    const int size = GENERATE(400, 1'500);
    stage play{talk_yaml("    limits: {variables: 1KiB}\n"
                         "    script: [{set: {a: x}}, {send: get}, {expect: got, save: {a: text}}]\n"),
               true};
    auto server = play.accept();
    server->on_message = [&](scripted_server& self, const message&) {
      self.say(say({{"op", "got"}, {"text", std::string(static_cast<std::size_t>(size), 'x')}}));
    };
    play.run_for(1s);
    CHECK(end_of(play) == (size < 1'000
                               ? ""
                               : "script: a not saved: the variables would take more than 1024 bytes "
                                 "(limits.variables)"));
  }
  SECTION("keys of sequences: further ones are not watched") {
    stage play{
        talk_yaml("    limits: {sequences: 1KiB}\n"
                  "    liveness: {ping_interval: 0, idle_timeout: 0, "
                  "sequence: [{reply: tick, field: n, key: [k]}]}\n")};
    auto server = play.accept();
    play.run_for(1ms);
    for (int round = 1; round <= 3; round += 2)
      for (int key = 10; key < 40; ++key) server->say(say({{"op", "tick"}, {"k", key}, {"n", round}}));
    play.run_for(1s);
    CHECK(logged(play, "a new key of liveness.sequence is not watched (limits.sequences)") > 0);
    const auto gaps = logged(play, "gap in tick.n of [");
    CHECK(gaps == 1024 / (96 + 4));
    CHECK(logged(play, "gap in tick.n of [10]") == 1);
    CHECK(logged(play, "gap in tick.n of [39]") == 0);
  }
}

// Outputs are asked before each message, so that what is pending is bounded by one message.
TEST_CASE("a full output stops at once, however much is there to read") {
  stage play{
      talk_yaml("    limits: {inbox: 1KiB}\n"
                "    liveness: {ping_interval: 0, idle_timeout: 10s, fresh: [{reply: tick, within: 2s, "
                "action: reconnect}]}\n")};
  auto server = play.accept();
  play.run_for(1ms);
  for (int i = 0; i < 100; ++i) server->say(say({{"op", "tick"}, {"id", i}}));
  play.out.full = true;
  play.run_for(1h);
  CHECK(play.out.lines.empty());
  CHECK(server->underway.size() > 80);  // 1 KiB was read ahead
  play.out.full = false;
  play.out.changed.notify();
  play.run_for(1s);
  CHECK(play.out.lines.size() == 100);
  CHECK(play.session->state() == link_state::open);
  play.run_for(2s);
  CHECK(logged(play, "no reply tick for 2.0 s") == 1);
}

TEST_CASE("a call has patience while an output is full") {
  stage play{talk_yaml("    script: [{call: get, reply: got, timeout: 5s}]\n"), true};
  auto server = play.accept();
  play.run_turns(1);
  play.out.full = true;
  server->on_message = answer_gets;
  play.run_for(1min);
  CHECK(server->received.size() == 1);
  CHECK(end_of(play) == "-");
  play.out.full = false;
  play.out.changed.notify();
  play.run_for(1s);
  CHECK(end_of(play).empty());
}
