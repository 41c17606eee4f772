// Steps that run others beside them: results, endings, and what branches take from their parent.
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

struct flow_branches_scene {
  explicit flow_branches_scene(const std::string& fields, clock::duration time = 1min)
      : play(talk_yaml(fields), true) {
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
  const flow_branches_scene s{R"(
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
  const flow_branches_scene s{R"(
    script:
      - race: [[{sleep: 2s}], [{sleep: 1s}, {call: get, with: {id: 1}, reply: got}], [{sleep: 3s}]]
        save: {all: "*"}
      - {send: put, with: {data: ["${var:all}", "${time:unix}"]}}
)"};
  const auto data = s.last_data();
  CHECK(data[0]["first"] == 1);
  CHECK(data[0]["result"]["value"] == 10);
  CHECK(data[1] == 1);
  CHECK(flow_branches_scene{"    script: [{race: [[{sleep: 2s}], [{sleep: 1s}, {fail: oh}]]}, {send: put}]\n"}
            .end() == "script: oh");
}

TEST_CASE("wait ends when its condition holds") {
  const auto [until, seconds, done] = GENERATE(table<std::string, int, ordered_json>({
      {"", 4, {true, true, true}},
      {"until: all", 4, {true, true, true}},
      {"until: first", 1, {true, false, false}},
      {"until: first_error", 2, {true, true, false}},
  }));
  const flow_branches_scene s{R"(
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
  const flow_branches_scene s{
      "    script: [{wait: [[{sleep: 1s}], [{sleep: 2s}]], until: first_error}, {send: put, with: "
      "{data: '${time:unix}'}}]\n"};
  CHECK(s.last_data() == 2);
}

TEST_CASE("a task that was not started cannot be waited for, but may be cancelled") {
  CHECK(flow_branches_scene{
            "    script: [{cancel: none}, {if: {a: 1}, then: [{spawn: none, do: [{sleep: 1s}]}]}, {wait: "
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
  const flow_branches_scene s{R"(
    script:
      - {spawn: t, do: [{sleep: 1s}, {fail: oh}]}
      - {wait: [t], save: {a: 0.fault}}
      - {wait: [t], save: {b: 0.fault}}
      - {send: put, with: {data: ["${var:a}", "${var:b}"]}}
)"};
  CHECK(s.last_data() == ordered_json{"oh (line 19)", "oh (line 19)"});
}

TEST_CASE("cancel waits until the task has come to its end") {
  const flow_branches_scene s{R"(
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

TEST_CASE("a task takes the place of another of its name: the other one goes on, and cancel ends both") {
  const auto [step, sent] = GENERATE(
      table<std::string, lines>({{"wait: [t]", {"put 1", "put 2", "put 1400"}}, {"cancel: t", {"put 800"}}}));
  const flow_branches_scene s{R"(
    script:
      - repeat: 2
        do: [{spawn: t, do: [{sleep: 1s}, {send: put, with: {id: "${counter:n}"}}]}, {sleep: 400ms}]
      - {)" + step +
                              R"(}
      - {send: put, with: {id: "${time:unix_ms}"}}
      - {sleep: 5s}
)"};
  CHECK(s.sent() == sent);
}

TEST_CASE("what a step with a timeout has started ends with its time") {
  const auto step =
      GENERATE(as<std::string>{}, "gather: [[{spawn: t, do: [{sleep: 3s}, {send: put}]}, {sleep: 9s}]]",
               "gather: [[{spawn: t, do: [{spawn: u, do: [{sleep: 3s}, {send: put}]}]}, {sleep: 9s}]]",
               "wait: [[{sleep: 3s}, {send: put}], [{sleep: 9s}]]",
               "repeat: 1, do: [{gather: [[{spawn: t, do: [{sleep: 3s}, {send: put}]}]], timeout: 1s}, "
               "{sleep: 9s}]");
  const flow_branches_scene s{"    script: [{" + step +
                              R"(, timeout: 2s, on_fault: [{send: pong}]}, {sleep: 20s}]
)"};
  INFO(step);
  CHECK(s.sent() == lines{"pong"});
  CHECK(s.end().empty());
}

TEST_CASE("what a step with a timeout has started goes on if the step ends in time") {
  const flow_branches_scene s{R"(
    script:
      - {spawn: before, do: [{sleep: 5s}, {send: put, with: {id: 1}}]}
      - {gather: [[{spawn: t, do: [{sleep: 3s}, {send: put, with: {id: 2}}]}]], timeout: 2s}
      - {gather: [[{sleep: 9s}]], timeout: 1s, on_fault: [{send: pong}]}
      - {sleep: 20s}
)"};
  CHECK(s.sent() == lines{"pong", "put 2", "put 1"});
}

// Starting takes no time and does not fail.
TEST_CASE("what stands beside spawn is the task's: timeout, on_fault and finally") {
  const flow_branches_scene s{R"(
    script:
      - {spawn: a, timeout: 2s, on_fault: [{send: put, with: {id: 2}}], do: [{sleep: 3s}, {send: put, with: {id: 3}}]}
      - {spawn: b, on_fault: [{send: put, with: {id: 1}}], do: [{sleep: 1s}, {fail: oh}]}
      - {spawn: c, finally: [{send: put, with: {id: 5}}], do: [{sleep: 4s}]}
      - {send: put, with: {id: 0}}
      - {sleep: 20s}
)"};
  CHECK(s.sent() == lines{"put 0", "put 1", "put 2", "put 5"});
  CHECK(s.end().empty());
  CHECK(
      flow_branches_scene{"    script: [{spawn: a, timeout: 2s, do: [{sleep: 3s}]}, {sleep: 20s}]\n"}.end() ==
      "script: the step took longer than 2 s");
}

// As asyncio.gather.
TEST_CASE("gather may let the others go on after a fault") {
  const flow_branches_scene s{R"(
    script:
      - gather: [[{sleep: 2s}, {send: put, with: {id: 2}}], [{sleep: 1s}, {fail: oh}], [{sleep: 3s}, {fail: ah}]]
        others: continue
        on_fault: [{send: put, with: {id: "${fault:text}"}}]
      - {sleep: 9s}
      - gather: [[{sleep: 2s}, {call: get, with: {id: 2}, reply: got}], [{sleep: 1s}, {call: get, with: {id: 1}, reply: got}]]
        others: continue
        save: {a: 0.value, b: 1.value}
      - {send: put, with: {data: ["${var:a}", "${var:b}"]}}
)"};
  CHECK(s.sent() == lines{"put oh", "put 2", "get 1", "get 2", "put"});
  CHECK(s.last_data() == ordered_json{20, 10});
  CHECK(logged(s.play, "s: a branch failed: ah (line 19)") == 1);
  CHECK(s.end().empty());
}

TEST_CASE("a gather that lets the others go on ends them when it is cancelled itself") {
  const flow_branches_scene s{R"(
    script:
      - {race: [{gather: [[{sleep: 2s}, {send: put}], [{sleep: 3s}]], others: continue}, [{sleep: 1s}]]}
      - {gather: [[{sleep: 2s}, {send: put}], [{sleep: 3s}]], others: continue, timeout: 1s, on_fault: [{send: pong}]}
      - {sleep: 9s}
)"};
  CHECK(s.sent() == lines{"pong"});
}

TEST_CASE("a task's fault is kept for whoever waits later, if it is to be") {
  const flow_branches_scene s{R"(
    script:
      - {spawn: t, on_fault: keep, do: [{sleep: 1s}, {fail: oh}]}
      - {sleep: 2s}
      - {send: pong}
      - {wait: [t], save: {why: 0.fault}}
      - {send: put, with: {data: "${var:why}"}}
)"};
  CHECK(s.sent() == lines{"pong", "put"});
  CHECK(s.last_data() == "oh (line 19)");
  CHECK(logged(s.play, "s: task t failed: oh (line 19)") == 1);
  const flow_branches_scene waited{
      "    script: [{spawn: t, on_fault: keep, do: [{sleep: 1s}, {fail: oh}]}, {wait: [t]}, {send: put}]\n"};
  CHECK(waited.sent() == lines{"put"});
  CHECK(logged(waited.play, "task t failed") == 0);
  const flow_branches_scene usual{
      "    script: [{spawn: t, on_fault: end_link, do: [{fail: oh}]}, {sleep: 2s}]\n"};
  CHECK(usual.end() == "script: oh");
  CHECK(logged(usual.play, "task t failed") == 0);
}

TEST_CASE("finally is carried out whatever the end of its step") {
  const auto [step, sent] = GENERATE(table<std::string, lines>({
      {"{sleep: 1s, finally: F}", {"put 1000"}},
      {"{send: pong, finally: F}", {"pong", "put 0"}},
      {"{gather: [[{sleep: 1s}, {fail: oh}]], finally: F, on_fault: [{sleep: 1s}]}", {"put 2000"}},
      {"{gather: [[{sleep: 1s, finally: F}, {fail: oh}]], finally: F, on_fault: [{sleep: 1s}]}",
       {"put 1000", "put 2000"}},
      {"{sleep: 9s, timeout: 2s, finally: F, on_fault: [{send: pong}]}", {"pong", "put 2000"}},
      {"{repeat: 1, do: [{sleep: 9s, finally: F}], timeout: 2s, on_fault: [{send: pong}]}",
       {"put 2000", "pong"}},
      {"{race: [[{sleep: 9s, finally: F}], [{sleep: 3s}]]}", {"put 3000"}},
      {"{gather: [[{sleep: 9s, finally: F}], [{sleep: 3s}, {fail: oh}]], on_fault: [{send: pong}]}",
       {"put 3000", "pong"}},
      {"{spawn: t, do: [{sleep: 9s, finally: F}]}, {sleep: 1s}, {cancel: t}, {send: pong}",
       {"put 1000", "pong"}},
      {"{spawn: t, do: [{gather: [[{sleep: 9s, finally: [{sleep: 1s}, {send: pong}]}]], finally: F}]}, "
       "{sleep: 1s}, "
       "{cancel: t}",
       {"pong", "put 2000"}},
  }));
  std::string steps = step;
  const std::string cleanup = "[{send: put, with: {id: '${time:unix_ms}'}}]";
  for (auto at = steps.find(": F"); at != std::string::npos; at = steps.find(": F"))
    steps.replace(at, 3, ": " + cleanup);
  const flow_branches_scene s{"    script: [" + steps + "]\n"};
  INFO(step);
  CHECK(s.sent() == sent);
  CHECK(s.end().empty());
}

TEST_CASE("a fault in finally is the step's, unless the step has one already") {
  const auto [step, end] = GENERATE(table<std::string, std::string>({
      {"sleep: 1s, finally: [{fail: ah}]", "script: ah"},
      {"fail: oh, finally: [{fail: ah}]", "script: oh"},
      {"fail: oh, on_fault: [{sleep: 0}], finally: [{fail: ah}]", "script: ah"},
      {"race: [[{sleep: 9s, finally: [{fail: ah}]}], [{sleep: 1s}]]", ""},
  }));
  INFO(step);
  CHECK(flow_branches_scene{"    script: [{" + step + "}]\n"}.end() == end);
}

TEST_CASE("finally has its time, and is cut off then") {
  const auto [time, sent, end] = GENERATE(table<std::string, lines, std::string>(
      {{"2999ms", {"put"}, ""}, {"3001ms", {}, "script: 'finally' took longer than 3 s"}}));
  const flow_branches_scene s{"    script: [{sleep: 0, finally: [{sleep: " + time + "}, {send: put}]}]\n"};
  CHECK(s.sent() == sent);
  CHECK(s.end() == end);
  CHECK(logged(s.play, "'finally' took longer than 3 s (timeouts.cleanup)") == (end.empty() ? 0 : 1));
  // It counts for those that are cancelled too.
  const flow_branches_scene other{
      "    timeouts: {cleanup: 1s}\n    script: [{race: [[{sleep: 9s, finally: [{sleep: 9s}, {send: put}]}], "
      "[{sleep: 1s}]]}, {send: put, with: {id: '${time:unix}'}}]\n"};
  CHECK(other.sent() == lines{"put 2"});
}

TEST_CASE("what steps send at their end leaves before the close frame") {
  stage play{talk_yaml("    script: [{sleep: 1h, finally: [{sleep: 1s}, {send: put}]}]\n")};
  auto server = play.accept();
  play.run_for(1s);
  play.session->stop();
  play.run_for(500ms);
  CHECK_FALSE(server->close_received);
  play.run_for(500ms);
  CHECK(heard(*server) == lines{"put"});
  CHECK(server->close_received);
  CHECK(end_of(play).empty());
}

TEST_CASE("a lost link does not wait longer for cleanup than its limit") {
  stage play{talk_yaml("    script: [{sleep: 1h, finally: [{expect: got}]}]\n"), true};
  auto server = play.accept();
  play.run_for(1s);
  server->vanish({.kind = config::fault_class::lost, .cause = "gone"});
  play.run_for(2999ms);
  CHECK(end_of(play) == "-");
  play.run_for(1ms);
  CHECK(end_of(play) == "lost: gone");
}

TEST_CASE("branches and tasks start from their parent's last reply") {
  const flow_branches_scene s{R"(
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
  CHECK(flow_branches_scene{"    login: {steps: [{gather: [[{fail: no}]]}]}\n"}.end() ==
        "login_rejected: no");
  stage play{talk_yaml("    on: [{reply: tick, do: [{gather: [[{echo: true}]]}]}]\n")};
  auto server = play.accept();
  play.run_for(1s);
  server->say(binary("no reply"));
  server->say(text(R"({"op":   "tick"})"));
  play.run_for(1s);
  CHECK(server->received == std::vector<message>{text(R"({"op":   "tick"})")});
}
