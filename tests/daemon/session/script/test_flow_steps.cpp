// Steps one by one: what each makes of its time, its result, its values and its faults.
#include <algorithm>
#include <cstdlib>

#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

/// A session that runs once, with a server that answers each get.
struct played {
  explicit played(const std::string& fields, clock::duration time = 1h) : play(talk_yaml(fields), true) {
    server->on_message = answer_gets;
    play.run_for(time);
  }
  [[nodiscard]] std::string end() const { return end_of(play); }
  [[nodiscard]] lines sent() const { return heard(*server); }
  [[nodiscard]] ordered_json data(std::size_t index) const {
    return values_of(server->received.at(index))["data"];
  }

  stage play;
  std::shared_ptr<scripted_server> server = play.accept();
};

/// The variable `none` is known, and has no value.
const std::string never_set = "    before: [{set: {known: 1}}, {if: {known: 2}, then: [{set: {none: 1}}]}]\n";

}  // namespace

TEST_CASE("a fault names the line of the step that failed, once") {
  const auto cause_of = [](const std::string& script) {
    return text_of(*played{"    script:\n" + script}.play.result->fatal);
  };
  CHECK(cause_of("      - {fail: oh}\n") == "oh (line 18)");
  CHECK(cause_of("\n      - {fail: 'oh (no)'}\n") == "oh (no) (line 19)");
  CHECK(cause_of("      - {fail: 'a (line 3) b'}\n") == "a (line 3) b (line 18)");
  CHECK(cause_of("      - {fail: 'a (line 3)'}\n") == "a (line 3) (line 18)");
  CHECK(cause_of("      - gather: [\n          [{fail: oh}]]\n") == "oh (line 19)");
}

// Code decides by the reason, whatever the text says.
TEST_CASE("a fault has the reason and the place beside its text") {
  const auto [step, reason] = GENERATE(
      table<std::string, fault_reason>({{"expect: done, timeout: 1s", fault_reason::no_reply},
                                        {"call: put, reply: done, timeout: 1s", fault_reason::no_reply},
                                        {"gather: [[{expect: done, timeout: 1s}]]", fault_reason::no_reply},
                                        {"gather: [[{expect: done}]], timeout: 1s", fault_reason::other},
                                        {"fail: no reply done within 1 s", fault_reason::other}}));
  const played all{"    script: [{" + step + "}]\n"};
  INFO(step << ": " << all.end());
  const fault& what = *all.play.result->fatal;
  CHECK(what.reason == reason);
  CHECK(what.place == fault_place{"", 17});
}

TEST_CASE("what a step cannot read is a fault that names the reference") {
  const std::string step =
      GENERATE(as<std::string>{}, "sleep: '${var:none}'", "set: {a: '${var:none}'}",
               "send: put, with: {data: '${var:none}'}", "json: {a: '${var:none}'}", "fail: '${var:none}'",
               "every: '${var:none}', do: [{send: put}]",
               "if: {a: '${var:none}'}, then: {send: put}, else: {send: put}",
               "repeat: 2, do: [{set: {a: 1}}], until: {a: '${var:none}'}",
               "gather: [[{send: put}]], timeout: '${var:none}'", "expect: got, where: {a: '${var:none}'}");
  const played all{never_set + "    script: [{" + step + "}, {send: put, with: {id: 2}}]\n"};
  INFO(step << ": " << all.end());
  CHECK(all.end().ends_with(": ${var:none}: the variable is not set"));
  CHECK(all.play.time.now() == clock::time_point{} + 1h);
  CHECK(all.sent().empty());
}

TEST_CASE("the wish for a new link is told, and no step follows") {
  stage play{talk_yaml("    script: [{reconnect: 'the night'}, {send: put}]\n")};
  auto server = play.accept();
  auto next = play.accept();
  play.run_for(1ms);
  CHECK(server->received.empty());
  CHECK(logged(play, "reconnecting: the night") >= 1);
  stage other{talk_yaml(never_set + "    script: [{reconnect: '${var:none}'}]\n")};
  auto second = other.accept();
  other.run_for(1ms);
  CHECK(logged(other, "reconnecting: ${var:none}: ") >= 1);
}

// Whatever a step fails with is its own: what ends the link itself never passes through steps.
TEST_CASE("on_fault catches the fault of any step") {
  CHECK(played{"    script: [{fail: oh, on_fault: [{send: put}]}, {send: pong}]\n"}.sent() ==
        lines{"put", "pong"});
  CHECK(played{"    script: [{fail: oh, on_fault: [{fail: ah}]}]\n"}.end() == "script: ah");
  const auto step =
      GENERATE(as<std::string>{}, "http: {url: 'https://a/'}", "gather: [{http: {url: 'https://a/'}}]",
               "race: [{http: {url: 'https://a/'}}]", "repeat: 2, do: [{http: {url: 'https://a/'}}]",
               "if: {known: 1}, then: {http: {url: 'https://a/'}}");
  const auto kind =
      GENERATE(config::fault_class::connect, config::fault_class::tls, config::fault_class::resolve,
               config::fault_class::login_rejected, config::fault_class::http);
  stage play{talk_yaml("    before: [{set: {known: 1}}, {" + step +
                       ", on_fault: [{set: {known: 1}}]}]\n    script: [{" + step +
                       ", on_fault: [{send: put, with: {data: '${fault:class}'}}]}]\n"),
             true};
  auto server = play.accept();
  play.http.answer = [&](const http_request&) -> http_result {
    return fault{.kind = kind, .cause = "refused"};
  };
  play.run_for(1s);
  INFO(step << ": " << end_of(play));
  REQUIRE(server->received.size() == 1);
  CHECK(values_of(server->received[0])["data"] == config::name_of(kind));
  CHECK(end_of(play).empty());
}

TEST_CASE("on_fault catches a secret that cannot be read, and a login's own rejection") {
  setenv("DUPLEXD_T", "here", 1);
  stage play{
      talk_yaml(
          "    login: {steps: [{fail: no, on_fault: [{send: get}]}]}\n"
          "    script: [{send: put, with: {data: '${env:DUPLEXD_T}'}, on_fault: [{send: put, with: {data: "
          "'${fault:class}'}}]}]\n"),
      true};
  unsetenv("DUPLEXD_T");
  auto server = play.accept();
  play.run_for(1s);
  CHECK(heard(*server) == lines{"get", "put"});
  CHECK(values_of(server->received.at(1))["data"] == "secret");
  CHECK(end_of(play).empty());
}

TEST_CASE("what on_fault caught has a class, a text, a status and a line, inside of it") {
  stage play{talk_yaml(R"(
    script:
      - http: {url: "https://a/"}
        on_fault:
          - {send: put, with: {data: "${fault:*}"}}
          - {gather: [{fail: oh}], on_fault: [{send: put, with: {data: "${fault:text}"}}]}
          - {if: {fault.status: 404}, then: [{send: put, with: {data: "${fault:status}"}}]}
          - {gather: [[{send: put, with: {data: "${fault:line}"}}]]}
      - {if: {fault.status: {$exists: true}}, then: [{send: put}]}
)"),
             true};
  auto server = play.accept();
  play.http.answer = [](const http_request&) -> http_result {
    http_response refused;
    refused.status = 404;
    return refused;
  };
  play.run_for(1s);
  std::vector<ordered_json> seen;
  for (const message& each : server->received) seen.push_back(values_of(each)["data"]);
  const std::string text = "https://a/ answered with status 404";
  const ordered_json all{{"class", "http"}, {"text", text}, {"status", 404}, {"line", 19}};
  CHECK(seen == std::vector<ordered_json>{all, "oh", 404, 19});
  CHECK(end_of(play).empty());
}

TEST_CASE("the result of steps is that of the last one that has any") {
  const played all{R"(
    script:
      - gather: [[{call: get, with: {id: 4}, reply: got}, {send: pong}, {set: {a: 1}}], [{send: pong}]]
        save: {first: 0.value, second: '1'}
      - {send: put, with: {data: ["${var:first}", "${var:second}"]}}
)"};
  CHECK(all.data(3) == ordered_json{40, nullptr});
  CHECK(all.end().empty());
}

TEST_CASE("what is not in the result cannot be saved") {
  CHECK(played{"    script: [{call: get, reply: got, save: {a: none}}, {send: put}]\n"}.end() ==
        "script: the result has no none to save as a");
}

TEST_CASE("a step that takes longer than its timeout is cancelled, one that takes as long is not") {
  played just{"    script: [{gather: [[{sleep: 1999ms}]], timeout: 2s}, {send: put}]\n"};
  CHECK(just.sent() == lines{"put"});
  CHECK(just.end().empty());
  const played late{"    script: [{gather: [[{sleep: 2001ms}]], timeout: 2s}, {send: put}]\n"};
  CHECK(late.end() == "script: the step took longer than 2 s");
  CHECK(late.sent().empty());
  const played from_values{
      "    before: [{set: {ms: 1500}}]\n    script: [{gather: [[{sleep: 2s}]], timeout: '${var:ms}'}]\n"};
  CHECK(from_values.end() == "script: the step took longer than 1.5 s");
  const played at_once{
      "    before: [{set: {ms: 0}}]\n    script: [{gather: [[{sleep: 1ms}]], timeout: '${var:ms}'}]\n"};
  CHECK(at_once.end() == "script: the step took longer than 0 s");
}

// Whoever is cancelled has not failed.
TEST_CASE("a cancelled step is not a fault") {
  const std::string step = GENERATE(
      as<std::string>{}, "sleep: 60s", "gather: [[{sleep: 60s}]], timeout: 30s", "gather: [[{sleep: 60s}]]",
      "race: [[{sleep: 60s}], [{sleep: 50s}]]", "expect: done", "expect: done, timeout: 50s",
      "call: pong, reply: done", "every: 50s, do: [{send: pong}]", "repeat: forever, do: [{sleep: 1s}]",
      "http: {url: 'https://a/'}", "exec: [program]", "send: put", "json: {op: x}", "call: put, reply: done");
  stage play{talk_yaml(R"(
    rate: {messages: 1, per: 1h, burst: 1}
    script:
      - {send: get}
      - {spawn: it, do: [{)" +
                       step + R"(}]}
      - {sleep: 2s}
      - {cancel: it}
      - {wait: [it], save: {how: '0'}}
      - if: {how.done: true, how.fault: null}
        then: {reconnect: good}
        else: {reconnect: bad}
)")};
  auto server = play.accept();
  auto second = play.accept();
  play.run_for(3s);
  INFO(step);
  CHECK(logged(play, "reconnecting: good") == 1);
  CHECK(heard(*server) == lines{"get"});
}

TEST_CASE("conditions look at variables and at the last reply") {
  const auto [condition, holds] = GENERATE(table<std::string, bool>({
      {"{a: 1}", true},
      {"{a: 2}", false},
      {"{b.c: x}", true},
      {"{b.c: y}", false},
      {"{a: 1, b.c: y}", false},
      {"{known: 1}", false},
      {"{known: {$exists: false}}", true},
      {"{reply.value: 40}", true},
      {"{reply.value: 41}", false},
      {"{reply.value: 40, a: 1}", true},
  }));
  INFO(condition);
  const played all{R"(
    script:
      - {if: {a: 9}, then: [{set: {known: 1}}]}
      - {set: {a: 1, b: {c: x}}}
      - {call: get, with: {id: 4}, reply: got, save: {v: value}}
      - {if: )" + condition +
                   R"(, then: {send: put, with: {id: yes}}, else: {send: put, with: {id: no}}}
)"};
  CHECK(all.sent() == lines{"get 4", holds ? "put yes" : "put no"});
}

TEST_CASE("repeat carries its steps out so many times, or until its condition holds") {
  const auto [step, times] = GENERATE(table<std::string, long>({
      {"repeat: 1, do: [{send: put}]", 1},
      {"repeat: 3, do: [{send: put}]", 3},
      {"repeat: 3, do: [{send: put}, {set: {a: 1}}]", 3},
      {"repeat: 3, do: [{send: put}], until: {a: 1}", 3},
      {"repeat: 3, do: [{send: put}], until: {b: 2}", 1},
      {"repeat: forever, do: [{send: put}, {set: {n: '${counter:n}'}}], until: {n: 5}", 5},
      {"repeat: 3, do: [{set: {n: '${counter:n}'}}, {send: put}], until: {n: 2}", 2},
      {"repeat: 5, do: [{send: put}, {fail: oh}], on_fault: [{set: {a: 2}}]", 1},
  }));
  INFO(step);
  const played all{"    script: [{set: {b: 2}}, {" + step + "}]\n"};
  CHECK(std::ranges::count(all.sent(), "put") == times);
  CHECK(all.end().empty());
}

TEST_CASE("the result of repeat is its last round's") {
  const played all{R"(
    script:
      - gather: [[{repeat: 3, do: [{call: get, with: {id: "${counter:n}"}, reply: got}]}]]
        save: {last: 0.value}
      - {send: put, with: {data: "${var:last}"}}
)"};
  CHECK(all.data(3) == 30);
}

TEST_CASE("every leaves out the rounds that a long one runs into, and stays on its schedule") {
  played all{R"(
    script:
      - every: 10s
        do:
          - {send: put, with: {id: "${time:unix}"}}
          - {set: {n: "${counter:n}"}}
          - {if: {n: 1}, then: {sleep: 25s}}
          - {if: {n: 3}, then: {sleep: 10s}}
          - {if: {n: 4}, then: {sleep: 10001ms}}
)",
             89s};
  CHECK(all.sent() == lines{"put 10", "put 40", "put 50", "put 60", "put 80"});
}

TEST_CASE("the jitter of every is a share of its interval, to both sides") {
  for (const auto& [random, expected] : {std::pair{0.0, "put 6"}, {0.5, "put 10"}, {0.75, "put 12"}}) {
    stage play{talk_yaml(
        "    script: [{every: 10s, jitter: 0.4, do: [{send: put, with: {id: '${time:unix}'}}]}]\n")};
    play.random = random;
    auto server = play.accept();
    play.run_for(20s);
    CHECK(heard(*server).at(0) == expected);
  }
}

TEST_CASE("every needs an interval, and reads it for each round from the reply before the first") {
  CHECK(
      played{"    before: [{set: {ms: 0}}]\n    script: [{every: '${var:ms}', do: [{send: put}]}]\n"}.end() ==
      "script: every: the interval is not positive");
  const played shortest{
      "    before: [{set: {ms: 1}}]\n    script: [{every: '${var:ms}', do: [{send: put}]}]\n", 5ms};
  CHECK(shortest.sent().size() == 5);
  const played all{R"(
    script:
      - {call: get, with: {id: 100}, reply: got}
      - {every: "${reply:value}", do: [{call: get, with: {id: 1}, reply: got}]}
)",
                   3500ms};
  CHECK(all.sent() == lines{"get 100", "get 1", "get 1", "get 1"});
}

TEST_CASE("references to the time and to counters") {
  const played all{
      "    script: [{sleep: 90s}, {send: put, with: {data: ['${time:unix_ms}', "
      "'${counter:a}', '${counter:a}', '${counter:b}']}}]\n"};
  CHECK(all.data(0) == ordered_json{90'000, 1, 2, 1});
}

// A long text from outside may be a token: it is kept out of logs and recordings.
TEST_CASE("long texts that requests and programs give are taken for secrets") {
  stage play{talk_yaml(R"(
    script:
      - {http: {url: "https://a/"}, save: {a: body.long, b: body.short, c: body.number}}
      - {exec: [p], save: {d: long}}
      - {call: get, with: {id: from-the-server-itself}, reply: got, save: {e: id}}
)"),
             true};
  auto server = play.accept();
  server->on_message = answer_gets;
  play.http.answer = [](const http_request&) -> http_result {
    http_response made;
    made.status = 200;
    made.body = R"({"long": "0123456789abcdef", "short": "0123456789abcde", "number": 12345678901234567})";
    return made;
  };
  play.programs.answer = [](const program_request&) -> program_result {
    return std::string(R"({"long": "a token of a program"})");
  };
  play.run_for(1s);
  CHECK(end_of(play).empty());
  CHECK(play.secrets.in("0123456789abcdef"));
  CHECK(play.secrets.in("a token of a program"));
  CHECK(play.secrets.size() == 2);
}

// What has been sent in one turn leaves together, and no turn has more than its share.
TEST_CASE("a turn sends so many known commands and no more") {
  stage play{talk_yaml("    script: [{repeat: forever, do: [{send: put}]}]\n")};
  auto server = play.accept();
  std::size_t most = 0;
  for (int turn = 0; turn < 60; ++turn) {
    const std::size_t before = server->received.size();
    play.run_turns(1);
    most = std::max(most, server->received.size() - before);
  }
  CHECK(most > 512);
  CHECK(most <= 1'024);
}
