// Steps that run others beside them: results, endings, and what branches take from their parent.
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

struct scene {
  explicit scene(const std::string& fields, clock::duration time = 1min) : play(talk_yaml(fields), true) {
    server->on_message = answer_gets;
    play.run_for(time);
  }
  [[nodiscard]] lines sent() const { return heard(*server); }
  [[nodiscard]] std::string end() const { return end_of(play); }
  [[nodiscard]] ordered_json last_data() const { return values_of(server->received.back())["data"]; }

  stage play;
  std::shared_ptr<scripted_server> server = play.accept();
};

}  // namespace

TEST_CASE("gather waits for its slowest branch, and each result has its place") {
  const scene s{R"(
    script:
      - gather: [[{sleep: 3s}, {call: get, with: {id: 1}, reply: got}], [{sleep: 1s}],
                 [{call: get, with: {id: 2}, reply: got}]]
        save: {all: "*"}
      - {send: put, with: {data: ["${var:all}", "${time:unix}"]}}
)"};
  const auto data = s.last_data();
  CHECK(data[1] == 3);
  REQUIRE(data[0].size() == 3);
  CHECK(data[0][0]["value"] == 10);
  CHECK(data[0][1].is_null());
  CHECK(data[0][2]["value"] == 20);
}

TEST_CASE("the wish of a branch for a new link ends gather and race at once") {
  const std::string verb = GENERATE(as<std::string>{}, "gather", "race");
  stage play{talk_yaml("    script: [{" + verb +
                       ": [[{sleep: 9s}, {send: put}], [{sleep: 1s}, {reconnect: why}]]}, {send: put}]\n")};
  auto first = play.accept();
  auto second = play.accept();
  play.run_for(1500ms);
  CHECK(first->received.empty());
  CHECK(first->close_received);
  CHECK(logged(play, "reconnecting: why") == 1);
}

TEST_CASE("race says which branch was first, and what it gave") {
  const scene s{R"(
    script:
      - race: [[{sleep: 2s}], [{sleep: 1s}, {call: get, with: {id: 1}, reply: got}], [{sleep: 3s}]]
        save: {all: "*"}
      - {send: put, with: {data: ["${var:all}", "${time:unix}"]}}
)"};
  const auto data = s.last_data();
  CHECK(data[0]["first"] == 1);
  CHECK(data[0]["result"]["value"] == 10);
  CHECK(data[1] == 1);
  CHECK(scene{"    script: [{race: [[{sleep: 2s}], [{sleep: 1s}, {fail: oh}]]}, {send: put}]\n"}.end() ==
        "script: oh");
}

TEST_CASE("wait ends when its condition holds") {
  const auto [until, seconds, done] = GENERATE(table<std::string, int, ordered_json>({
      {"", 4, {true, true, true}},
      {"until: all", 4, {true, true, true}},
      {"until: first", 1, {true, false, false}},
      {"until: first_error", 2, {true, true, false}},
  }));
  const scene s{R"(
    script:
      - wait: [[{sleep: 1s}], [{sleep: 2s}, {fail: oh}], [{sleep: 4s}, {call: get, with: {id: 1}, reply: got}]]
        save: {all: "*"}
        )" + until +
                R"(
      - {send: put, with: {data: ["${var:all}", "${time:unix}"]}}
      - {sleep: 10s}
)"};
  const auto put = values_of(s.server->received.at(seconds == 4 ? 1 : 0))["data"];
  CHECK(put[1] == seconds);
  for (std::size_t i = 0; i < 3; ++i) CHECK(put[0][i]["done"] == done[i]);
  CHECK(put[0][0]["fault"].is_null());
  if (seconds >= 2) CHECK(put[0][1]["fault"] == "oh (line 19)");
  if (seconds == 4) CHECK(put[0][2]["result"]["value"] == 10);
  // A fault that comes when nobody waits for it any more ends the link.
  CHECK(s.end() == (seconds == 1 ? "script: oh" : ""));
}

TEST_CASE("wait until the first error ends when all have ended without one") {
  const scene s{
      "    script: [{wait: [[{sleep: 1s}], [{sleep: 2s}]], until: first_error}, {send: put, with: "
      "{data: '${time:unix}'}}]\n"};
  CHECK(s.last_data() == 2);
}

TEST_CASE("a task that was not started cannot be waited for, but may be cancelled") {
  CHECK(scene{"    script: [{cancel: none}, {if: {a: 1}, then: [{spawn: none, do: [{sleep: 1s}]}]}, {wait: "
              "[none]}]\n"}
            .end() == "script: the task none was not started");
}

TEST_CASE("a task's wish for a new link is the one of whoever waits for it") {
  stage play{talk_yaml(R"(
    script:
      - {spawn: t, do: [{sleep: 1s}, {reconnect: why}]}
      - {wait: [t]}
      - {send: put}
)")};
  auto first = play.accept();
  auto second = play.accept();
  play.run_for(1500ms);
  CHECK(first->received.empty());
  CHECK(logged(play, "reconnecting: why") == 1);
}

TEST_CASE("a fault of a named task is a result while somebody waits, also after it ended") {
  const scene s{R"(
    script:
      - {spawn: t, do: [{sleep: 1s}, {fail: oh}]}
      - {wait: [t], save: {a: 0.fault}}
      - {wait: [t], save: {b: 0.fault}}
      - {send: put, with: {data: ["${var:a}", "${var:b}"]}}
)"};
  CHECK(s.last_data() == ordered_json{"oh (line 19)", "oh (line 19)"});
}

TEST_CASE("cancel waits until the task has come to its end") {
  const scene s{R"(
    script:
      - {spawn: t, do: [{repeat: forever, do: [{sleep: 1s}, {send: pong}]}]}
      - {sleep: 2500ms}
      - {cancel: t}
      - {cancel: t}
      - {send: put, with: {data: "${time:unix_ms}"}}
      - {sleep: 10s}
)"};
  CHECK(s.sent() == lines{"pong", "pong", "put"});
  CHECK(s.last_data() == 2500);
  CHECK(s.end().empty());
}

TEST_CASE("a task takes the place of another of its name; the other one goes on") {
  const scene s{R"(
    script:
      - repeat: 2
        do: [{spawn: t, do: [{sleep: 1s}, {send: put, with: {id: "${counter:n}"}}]}, {sleep: 500ms}]
      - {wait: [t]}
      - {send: put, with: {id: "${time:unix_ms}"}}
      - {sleep: 5s}
)"};
  CHECK(s.sent() == lines{"put 1", "put 2", "put 1500"});
}

TEST_CASE("branches and tasks start from their parent's last reply") {
  const scene s{R"(
    script:
      - {call: get, with: {id: 3}, reply: got}
      - gather: [[{send: put, with: {id: "${reply:value}"}}]]
      - {spawn: t, do: [{send: put, with: {id: "${reply:id}"}}]}
      - {wait: [t]}
)"};
  CHECK(s.sent() == lines{"get 3", "put 30", "put 3"});
}

TEST_CASE("what came since the parent's last message counts for its branches too") {
  stage play{talk_yaml(R"(
    script:
      - {send: pong}
      - {sleep: 2s}
      - {gather: [[{expect: got, timeout: 1s}]]}
      - {send: put, with: {id: "1"}}
      - {gather: [[{expect: got, timeout: 1s}]]}
)"),
             true};
  auto server = play.accept();
  play.run_for(1s);
  server->say(say({{"op", "got"}}));
  server->say(say({{"op", "got"}}));
  play.run_for(1min);
  CHECK(heard(*server) == lines{"pong", "put 1"});  // before that `put` it is too early for the second
  CHECK(end_of(play) == "script: no reply got within 1 s");
}

TEST_CASE("a branch of a login rejects it, and a branch of a handler sends its message back") {
  CHECK(scene{"    login: {steps: [{gather: [[{fail: no}]]}]}\n"}.end() == "login_rejected: no");
  stage play{talk_yaml("    on: [{reply: tick, do: [{gather: [[{echo: true}]]}]}]\n")};
  auto server = play.accept();
  play.run_for(1s);
  server->say(binary("no reply"));
  server->say(text(R"({"op":   "tick"})"));
  play.run_for(1s);
  CHECK(server->received == std::vector<message>{text(R"({"op":   "tick"})")});
}
