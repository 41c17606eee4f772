#include <boost/asio/post.hpp>

#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

// Chained results: what a reply held is used by the next command, and keeps its type.
TEST_CASE("a reply's values go into later commands") {
  stage play{talk_yaml(R"(
    script:
      - {call: get, with: {id: 4}, reply: got, save: {tens: value}}
      - {send: put, with: {id: "${var:tens}", data: "${reply:value}/${var:tens}"}}
      - set: {both: ["${var:tens}", "x"]}
      - {send: put, with: {id: 2, data: "${var:both}"}}
)"),
             true};
  auto server = play.accept();
  server->on_message = answer_gets;
  play.run_for(1s);
  REQUIRE(server->received.size() == 3);
  CHECK(values_of(server->received[1]) == ordered_json{{"op", "put"}, {"id", 40}, {"data", "40/40"}});
  CHECK(values_of(server->received[2])["data"] == ordered_json{40, "x"});
}

// Two calls at once, answered in the other order: each gets its own reply.
TEST_CASE("calls are correlated, and gather's results are in order") {
  stage play{talk_yaml(R"(
    script:
      - gather:
          - {call: get, with: {id: 1}, reply: got, correlate: {id: id}}
          - {call: get, with: {id: 2}, reply: got, correlate: {id: id}}
        save: {first: 0.value, second: 1.value}
      - {send: put, with: {data: ["${var:first}", "${var:second}"]}}
)"),
             true};
  auto server = play.accept();
  std::vector<message> held;
  server->on_message = [&](scripted_server& self, const message& what) {
    if (values_of(what)["op"] != "get") return;
    held.push_back(what);
    if (held.size() < 2) return;
    answer_gets(self, held[1]);
    answer_gets(self, held[0]);
  };
  play.run_for(1s);
  REQUIRE(server->received.size() == 3);
  CHECK(values_of(server->received[2])["data"] == ordered_json{10, 20});
}

TEST_CASE("the first fault of a gather cancels the other branches and is the cause") {
  stage play{talk_yaml(R"(
    script:
      - gather:
          - [{sleep: 10s}, {send: put}]
          - [{sleep: 1s}, {fail: enough}]
)"),
             true};
  auto server = play.accept();
  play.run_for(20s);
  REQUIRE(play.result);
  REQUIRE(play.result->fatal);
  CHECK(play.result->fatal->kind == config::fault_class::script);
  CHECK(play.result->fatal->cause == "enough");
  CHECK(server->received.empty());
}

TEST_CASE("the first branch that ends wins a race, the others are cancelled") {
  stage play{talk_yaml(R"(
    script:
      - race: [[{sleep: 3s}, {send: put, with: {id: slow}}], [{sleep: 1s}, {send: put, with: {id: quick}}]]
        save: {winner: first}
      - sleep: 5s
      - {send: put, with: {id: "${var:winner}"}}
)"),
             true};
  auto server = play.accept();
  play.run_for(10s);
  CHECK(heard(*server) == lines{"put quick", "put 1"});
}

// As asyncio.wait: what has not ended goes on.
TEST_CASE("wait cancels nothing") {
  stage play{talk_yaml(R"(
    script:
      - {spawn: slow, do: [{sleep: 5s}, {send: put, with: {id: slow}}]}
      - wait: [slow, {sleep: 1s}]
        until: first
        save: {slow_done: 0.done, quick_done: 1.done}
      - {send: put, with: {data: ["${var:slow_done}", "${var:quick_done}"]}}
      - {wait: [slow], until: all}
      - {send: put, with: {id: end}}
)"),
             true};
  auto server = play.accept();
  play.run_for(2s);
  CHECK(heard(*server) == lines{"put"});
  CHECK(values_of(server->received[0])["data"] == ordered_json{false, true});
  play.run_for(10s);
  CHECK(heard(*server) == lines{"put", "put slow", "put end"});
}

TEST_CASE("wait until the first error: the fault is a result, not the link's end") {
  stage play{talk_yaml(R"(
    script:
      - wait: [[{sleep: 1s}], [{sleep: 2s}, {fail: oh}], [{sleep: 60s}]]
        until: first_error
        save: {done: 0.done, fault: 1.fault, later: 2.done}
      - {send: put, with: {data: ["${var:done}", "${var:fault}", "${var:later}"]}}
)")};
  auto server = play.accept();
  play.run_for(3s);
  REQUIRE(server->received.size() == 1);
  const auto data = values_of(server->received[0])["data"];
  CHECK(data[0] == true);
  CHECK(data[1].get<std::string>().find("oh") == 0);
  CHECK(data[2] == false);
  CHECK_FALSE(play.result);
}

// A task starts at once and need not be waited for; a fault in it ends the link.
TEST_CASE("spawned tasks run beside the script") {
  stage play{talk_yaml(R"(
    script:
      - {spawn: beat, do: [{every: 1s, do: [{send: pong}]}]}
      - {sleep: 3500ms}
      - {cancel: beat}
      - {send: put, with: {id: end}}
      - {sleep: 5s}
)"),
             true};
  auto server = play.accept();
  play.run_for(20s);
  CHECK(heard(*server) == lines{"pong", "pong", "pong", "put end"});

  stage failing{talk_yaml("    script: [{spawn: t, do: [{sleep: 1s}, {fail: broken}]}, {sleep: 60s}]\n"),
                true};
  auto other = failing.accept();
  failing.run_for(2s);
  REQUIRE(failing.result);
  CHECK(failing.result->fatal->cause.find("broken") == 0);
}

TEST_CASE("a timeout cancels the step and is a fault, unless the step says what then") {
  stage play{talk_yaml(R"(
    script:
      - gather: [[{sleep: 60s}]]
        timeout: 2s
        on_fault: [{send: put, with: {id: late}}]
      - {expect: got, timeout: 3s}
)"),
             true};
  auto server = play.accept();
  play.run_for(4900ms);
  CHECK(heard(*server) == lines{"put late"});
  CHECK_FALSE(play.result);
  play.run_for(200ms);
  REQUIRE(play.result);
  CHECK(play.result->fatal->cause == "no reply got within 3 s");
}

TEST_CASE("only an idempotent call is sent again, as the same command") {
  stage play{talk_yaml(R"(
    commands: {get: {idempotent: true}}
    script:
      - {call: get, with: {id: "${counter:id}"}, reply: got, correlate: {id: id}, timeout: 1s, retries: 2}
)"),
             true};
  auto server = play.accept();
  unsigned seen = 0;
  server->on_message = [&](scripted_server& self, const message& what) {
    if (++seen == 3) answer_gets(self, what);
  };
  play.run_for(10s);
  CHECK(heard(*server) == lines{"get 1", "get 1", "get 1"});
  REQUIRE(play.result);
  CHECK_FALSE(play.result->fatal);
  CHECK(logged(play, "no reply to get in time: sent again (2)") == 1);
}

TEST_CASE("if, repeat and until") {
  stage play{talk_yaml(R"(
    script:
      - repeat: forever
        do:
          - {call: get, with: {id: "${counter:n}"}, reply: got, save: {n: id}}
          - if: {reply.value: {$min: 20, $max: 20}}
            then: {send: put, with: {id: twenty}}
            else: {send: put, with: {id: other}}
        until: {n: {$any: [3, 4]}}
      - repeat: 2
        do: [{send: pong}]
)"),
             true};
  auto server = play.accept();
  server->on_message = answer_gets;
  play.run_for(1s);
  CHECK(heard(*server) ==
        lines{"get 1", "put other", "get 2", "put twenty", "get 3", "put other", "pong", "pong"});
}

TEST_CASE("rounds are counted beyond 65,536") {
  stage play{talk_yaml(R"(
    script:
      - {repeat: 70000, do: [{set: {n: "${counter:n}"}}]}
      - {send: put, with: {id: "${var:n}"}}
)"),
             true};
  auto server = play.accept();
  play.run_for(1s);
  CHECK(heard(*server) == lines{"put 70000"});
}

// A loop that never waits leaves the loop turns for the others.
TEST_CASE("a script that never waits does not starve the session") {
  stage play{talk_yaml("    script: [{repeat: forever, do: [{set: {a: 1}}]}]\n")};
  auto server = play.accept();
  server->say(say({{"op", "tick"}}));
  play.run_turns(2'000);
  CHECK(play.out.lines.size() == 1);
}

// Commands that need not wait go out without a coroutine for each, but a turn has only so many of them.
TEST_CASE("a script that sends without end leaves turns for the others, and ends when it is told to") {
  for (const char* script : {"{send: put}", "{send: put}, {send: pong}", "{send: put}, {sleep: 0s}"}) {
    stage play{talk_yaml(std::string("    script: [{repeat: forever, do: [") + script + "]}]\n")};
    auto server = play.accept();
    server->say(say({{"op", "tick"}}));
    play.run_turns(200);
    CHECK(play.out.lines.size() == 1);
    CHECK(server->received.size() > 10);
    CHECK(server->received.size() < 200 * 1'024);
    server->vanish({.kind = config::fault_class::lost, .cause = "gone"});
    play.run_turns(200);
    const auto before = server->received.size();
    play.run_turns(200);
    CHECK(server->received.size() == before);
  }
}

TEST_CASE("known commands keep their order among other steps") {
  stage play{talk_yaml(R"(
    script:
      - {send: put, with: {id: 1}}
      - {send: put, with: {id: 2}}
      - {send: put, with: {id: "${counter:n}", data: x}}
      - {send: put, with: {id: 3}}
      - {send: put, with: {id: 4}, timeout: 1s}
      - repeat: 3
        do:
          - {send: put, with: {id: 5}}
          - {send: pong}
      - repeat: 2
        do:
          - {send: put, with: {id: 6}}
          - {set: {a: 1}}
          - {send: put, with: {id: 7}}
      - {send: get, with: {id: 8}}
      - {expect: got}
)"),
             true};
  auto server = play.accept();
  server->on_message = answer_gets;
  play.run_for(1s);
  CHECK(heard(*server) == lines{"put 1", "put 2", "put 1", "put 3", "put 4", "put 5", "pong", "put 5", "pong",
                                "put 5", "pong", "put 6", "put 7", "put 6", "put 7", "get 8"});
  REQUIRE(play.result);
  CHECK_FALSE(play.result->fatal);
}

// A thousand and more in one run: none is left out where one turn ends and the next goes on.
TEST_CASE("many known commands go on where the turn before ended") {
  std::string steps;
  for (int i = 0; i < 3'000; ++i) steps += "      - {send: put, with: {id: " + std::to_string(i) + "}}\n";
  stage play{talk_yaml("    script:\n" + steps), true};
  auto server = play.accept();
  std::size_t in_first_turn = 0;
  server->on_message = [&](scripted_server& self, const message&) {
    if (self.received.size() == 1) asio::post(play.loop, [&] { in_first_turn = self.received.size(); });
  };
  play.run_for(1s);
  CHECK(in_first_turn == 1'024);
  REQUIRE(server->received.size() == 3'000);
  for (int i = 0; i < 3'000; ++i)
    REQUIRE(values_of(server->received[static_cast<std::size_t>(i)])["id"] == i);
}

TEST_CASE("handlers answer the server, one after the other, and send messages back as they came") {
  stage play{talk_yaml(R"(
    on:
      - reply: ping
        do: [{sleep: 1s}, {send: pong, with: {id: "${reply:id}"}}]
      - reply: tick
        where: {ack: true}
        do: {echo: true}
)")};
  auto server = play.accept();
  server->say(say({{"op", "ping"}, {"id", 1}}));
  server->say(say({{"op", "ping"}, {"id", 2}}));
  server->say(text(R"({"op":  "tick", "ack": true})"));
  server->say(say({{"op", "tick"}, {"ack", false}}));
  play.run_for(500ms);
  REQUIRE(server->received.size() == 1);
  CHECK(server->received[0] == text(R"({"op":  "tick", "ack": true})"));
  play.run_for(3s);
  CHECK(heard(*server) == lines{"tick", "pong 1", "pong 2"});
}

TEST_CASE("several replies to one call") {
  stage play{talk_yaml(R"(
    script:
      - {call: get, reply: [got, done], count: 3, timeout: 5s, save: {all: "*"}}
      - {send: put, with: {data: "${var:all}"}}
)"),
             true};
  auto server = play.accept();
  server->on_message = [](scripted_server& self, const message& what) {
    if (values_of(what)["op"] != "get") return;
    self.say(say({{"op", "got"}, {"n", 1}}));
    self.say(say({{"op", "got"}, {"n", 2}}));
    self.say(say({{"op", "done"}, {"n", 3}}));
  };
  play.run_for(1s);
  REQUIRE(server->received.size() == 2);
  CHECK(values_of(server->received[1])["data"].size() == 3);
}

TEST_CASE("a reply that is not as it must be is a fault that shows it") {
  stage play{talk_yaml("    script: [{call: get, reply: got, check: {ok: true}}]\n"), true};
  auto server = play.accept();
  server->on_message = [](scripted_server& self, const message&) {
    self.say(say({{"op", "got"}, {"ok", false}}));
  };
  play.run_for(1s);
  REQUIRE(play.result);
  CHECK(play.result->fatal->cause.find(R"(the reply got is not as it must be: {"op": "got", "ok": false})") ==
        0);
}

TEST_CASE("messages keep to their rates") {
  stage play{talk_yaml(R"(
    rate: {messages: 2, per: 1s, burst: 2}
    commands: {put: {rate: {messages: 1, per: 5s}}}
    script: [{repeat: 5, do: [{send: get}]}, {send: put}, {send: put}]
)")};
  auto server = play.accept();
  play.run_for(0ms);
  CHECK(server->received.size() == 2);
  play.run_for(500ms);
  CHECK(server->received.size() == 3);
  play.run_for(1'600ms);
  CHECK(heard(*server).back() == "put");
  CHECK(server->received.size() == 6);
  play.run_for(4s);
  CHECK(server->received.size() == 6);
  play.run_for(2s);
  CHECK(server->received.size() == 7);
}

TEST_CASE("every keeps to its schedule, within its jitter") {
  stage play{talk_yaml("    script: [{every: 10s, jitter: 0.1, do: [{send: pong}, {sleep: 3s}]}]\n")};
  play.random = 0;  // as early as it may be
  auto server = play.accept();
  play.run_for(8'999ms);
  CHECK(server->received.empty());
  play.run_for(1ms);
  CHECK(server->received.size() == 1);
  play.run_for(9'999ms);
  CHECK(server->received.size() == 1);
  play.run_for(1ms);
  CHECK(server->received.size() == 2);
}
