// Which replies are unpacked for steps: each place of the configuration that names one counts.
#include "daemon/session/script/awaited_replies.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using name_set = std::set<std::string>;

TEST_CASE("every place that asks for a reply is known") {
  const auto [fields, expected] = GENERATE(table<std::string, name_set>({
      {"", {}},
      {"    login: {json: {a: 1}}\n", {}},
      {"    login: {json: {a: 1}, expect: got}\n", {"got"}},
      {"    login: {json: {a: 1}, expect: got, reject: [tick, ping]}\n", {"got", "tick", "ping"}},
      {"    login: {steps: [{expect: challenge}, {call: get, reply: [got, done]}]}\n",
       {"challenge", "got", "done"}},
      {"    subscribe: [{call: get, reply: got}]\n", {"got"}},
      {"    script: [{every: 1s, do: [{race: [[{expect: tick}], [{expect: ping}]]}]}]\n", {"tick", "ping"}},
      {"    script: [{fail: no, on_fault: [{expect: got}]}]\n", {"got"}},
      {"    on: [{reply: [tick, done], do: [{send: pong}]}]\n", {}},
      {"    on: [{reply: tick, do: [{expect: got}]}]\n", {"got"}},
      {"    liveness: {heartbeat: {every: 1s, send: pong, expect: ping}}\n", {"ping"}},
      {"    liveness: {heartbeat: {every: 1s, send: pong}}\n", {}},
      {"    liveness: {sequence: [{reply: tick, field: n}]}\n", {}},
      {"    liveness: {fresh: [{reply: tick, within: 1s}]}\n", {}},
      {"    commands: {put: {confirm: done}, get: {idempotent: true}}\n", {}},
  }));
  INFO(fields);
  const stage play{talk_yaml(fields)};
  CHECK(awaited_replies(play.settings.sessions.at(0)) == expected);
}
