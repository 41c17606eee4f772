// What runs beside a script until the link is left: handlers, the renewal, the hours.
#include <algorithm>

#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

/// When a session with that `renew` leaves its link for its age; empty: not within an hour.
std::optional<std::chrono::milliseconds> renewed_after(const std::string& renew, bool once = false,
                                                       const std::string& more = "") {
  stage play{
      talk_yaml("    before: [{set: {none: 1, s: 60, ms: 7500, at: 90, text: '45', at_ms: 200000000123, "
                "words: soon}}]\n    renew: " +
                renew + "\n" + more + (once ? "    script: [{sleep: 2h}]\n" : "")),
      once};
  auto first = play.accept();
  auto second = play.accept();
  const auto begin = play.time.now();
  std::optional<std::chrono::milliseconds> when;
  for (int i = 0; i < 3600 * 2 && !when; ++i) {
    play.run_for(500ms);
    if (logged(play, "reconnecting: it has reached its age") > 0)
      when = std::chrono::duration_cast<std::chrono::milliseconds>(play.time.now() - begin);
  }
  return when;
}

}  // namespace

TEST_CASE("a link's age, or a time, or the earlier of both says when it is made again") {
  CHECK(renewed_after("{after: 60s}") == 60s);
  CHECK(renewed_after("{after: '${var:ms}'}") == 7500ms);
  CHECK(renewed_after("{after: 60s, margin: 10s}") == 50s);
  CHECK(renewed_after("{after: '${var:ms}', margin: 10s}") == 500ms);  // at once
  CHECK(renewed_after("{at: '${var:at}'}") == 90s);
  CHECK(renewed_after("{at: '${var:text}'}") == 45s);
  CHECK(renewed_after("{at: '1970-01-01T00:01:20Z'}") == 80s);
  CHECK(renewed_after("{at: '1970-01-01T00:50:00Z'}") == 50min);
  CHECK(renewed_after("{at: '1970-01-01T01:01:20.5+01:00'}") == 80'500ms);
  CHECK(renewed_after("{at: '${var:at}', margin: 30s}") == 60s);
  CHECK(renewed_after("{after: 60s, at: '${var:at}'}") == 60s);
  CHECK(renewed_after("{after: 100s, at: '${var:at}'}") == 90s);
  CHECK(renewed_after("{after: 100s, at: '${var:at}', margin: 1s}") == 89s);
  CHECK_FALSE(renewed_after("{after: 60s}", true));
  CHECK_FALSE(renewed_after("{at: '${var:at}'}", true));
}

TEST_CASE("a time of renewal may be in milliseconds, and very far away") {
  const auto [at, seconds] = GENERATE(table<std::string, std::int64_t>({
      {"1700000000", 1'700'000'000},
      {"1700000000000", 1'700'000'000},
      {"100000000001", 100'000'000},  // the smallest that is in milliseconds
      {"100000000000", 100'000'000'000},
  }));
  stage play{talk_yaml("    before: [{set: {at: " + at + "}}]\n    renew: {at: '${var:at}'}\n")};
  const bool is_soon = seconds < 100'000'000'000;
  play.time.wall_shift = std::chrono::seconds(is_soon ? seconds - 60 : 1'700'000'000);
  auto first = play.accept();
  play.run_for(60s - 1ms);
  CHECK_FALSE(first->close_received);
  play.run_for(3ms);  // 1 ms of it is the value's own
  CHECK(first->close_received.has_value() == is_soon);
}

TEST_CASE("a renewal that has no time is a fault") {
  const auto [renew, end] = GENERATE(table<std::string, std::string>({
      {"{after: '${var:words}'}", "script: renew.after: ${var:words}: the value is not a duration"},
      {"{at: '${var:words}'}",
       "script: renew.at: the value is neither a Unix time nor a time such as 2026-11-26T07:10:00Z"},
      {"{at: '${var:zero}'}", "script: renew.at: the value is neither a Unix time"},
      {"{at: '${var:list}'}", "script: renew.at: the value is neither a Unix time"},
      {"{at: '${var:gone.field}'}", "script: renew.at: ${var:gone.field}: "},
  }));
  stage play{talk_yaml(
      "    before: [{set: {words: soon, zero: 0, list: [1], gone: 1}}]\n    renew: " + renew + "\n")};
  auto server = play.accept();
  play.run_for(1ms);
  CHECK(logged(play, "s: " + end) == 1);
}

TEST_CASE("the smallest time of renewal is a time") {
  stage play{talk_yaml("    before: [{set: {at: 1}}]\n    renew: {at: '${var:at}'}\n")};
  auto first = play.accept();
  play.run_for(999ms);
  CHECK_FALSE(first->close_received);
  play.run_for(1ms);
  CHECK(first->close_received);
}

// The bytes that wait for a handler are bounded: at the bound the link is not read, and nothing is lost.
TEST_CASE("a slow handler holds reading back") {
  stage play{
      talk_yaml("    limits: {inbox: 64KiB}\n"
                "    liveness: {ping_interval: 0s, idle_timeout: 10s}\n"
                "    on: [{reply: ping, do: [{sleep: 1s}, {send: pong, with: {id: '${reply:id}'}}]}]\n")};
  auto server = play.accept();
  play.run_for(1ms);
  const std::string padding(16'000, 'x');
  constexpr int count = 40;
  for (int i = 0; i < count; ++i) server->say(say({{"op", "ping"}, {"id", i}, {"s", padding}}));
  play.run_for(500ms);
  // One is worked on, the budget has five, as many are read ahead: their bytes are just beyond the bounds.
  CHECK(play.out.lines.size() == 6);
  CHECK(server->underway.size() == count - 11);
  play.run_for(10s);
  CHECK(server->received.size() == 10);
  play.run_for(30s + 500ms);
  REQUIRE(server->received.size() == count);
  CHECK(heard(*server).back() == "pong 39");
  CHECK(play.out.lines.size() == count);
  CHECK(logged(play, "s: liveness: nothing was heard from the server for 10.0 s") == 0);
}

TEST_CASE("each handler has the replies of its names, and those that fit") {
  stage play{talk_yaml(R"(
    before: [{set: {key: k}}]
    on:
      - {reply: [ping, tick], where: {key: "${var:key}"}, do: {send: pong, with: {id: "${reply:id}"}}}
      - {reply: tick, do: {send: put, with: {id: "${reply:id}"}}}
)")};
  auto server = play.accept();
  play.run_for(1ms);
  server->say(say({{"op", "ping"}, {"id", 1}, {"key", "k"}}));
  server->say(say({{"op", "ping"}, {"id", 2}, {"key", "other"}}));
  server->say(say({{"op", "tick"}, {"id", 3}, {"key", "k"}}));
  server->say(say({{"op", "got"}, {"id", 4}, {"key", "k"}}));
  play.run_for(1ms);
  auto sent = heard(*server);
  std::ranges::sort(sent);
  CHECK(sent == lines{"pong 1", "pong 3", "put 3"});
}

TEST_CASE("a handler that cannot read what it asks for is a fault, as is one that fails") {
  const auto [handler, end] = GENERATE(table<std::string, std::string>({
      {"{reply: ping, where: {a: '${reply:none}'}, do: {send: pong}}", "s: script: ${reply:none}: "},
      {"{reply: ping, do: {fail: oh}}", "s: script: oh (line 17); "},
  }));
  stage play{talk_yaml("    on: [" + handler + "]\n")};
  auto server = play.accept();
  play.run_for(1ms);
  server->say(say({{"op", "ping"}, {"id", 1}}));
  play.run_for(1ms);
  CHECK(logged(play, end) == 1);
  CHECK(server->received.empty());
}

TEST_CASE("subscribing again starts from the login's reply, and its fault is the script's") {
  stage play{talk_yaml(R"(
    login: {json: {op: hello}, expect: done}
    subscribe: [{send: get, with: {id: "${reply:id}"}}, {if: {reply.again: 1}, then: {fail: oh}}]
    liveness:
      ping_interval: 0
      idle_timeout: 0
      fresh: [{reply: tick, within: 5s, action: resubscribe}]
)")};
  auto server = play.accept();
  server->on_message = [](scripted_server& self, const message& what) {
    if (values_of(what)["op"] == "hello") self.say(say({{"op", "done"}, {"id", 7}}));
  };
  play.run_for(4999ms);
  CHECK(heard(*server) == lines{"hello", "get 7"});
  CHECK(logged(play, "subscribing again") == 0);
  play.run_for(1ms);
  CHECK(heard(*server) == lines{"hello", "get 7", "get 7"});
  CHECK(logged(play, "s: subscribing again") == 1);
  play.run_for(5s);
  CHECK(heard(*server).size() == 4);
}

// The wall's clock may be set: both sides of the hours are looked for again within a minute.
TEST_CASE("a session notices that the wall's clock was set") {
  stage play{talk_yaml("    active: {windows: ['Thu 01:00-02:00']}\n")};
  auto server = play.accept();
  play.run_for(30s);
  CHECK(play.links.dials == 0);
  play.time.wall_shift = 1h + 30min;
  play.run_for(1min);
  CHECK(play.links.dials == 1);
  play.run_for(10min);
  CHECK_FALSE(server->close_received);
  play.time.wall_shift = 2h;
  play.run_for(1min);
  CHECK(server->close_received);
  CHECK(logged(play, "reconnecting: its hours are over") == 1);
  CHECK(play.links.dials == 1);
}

TEST_CASE("a link is left at the very end of its hours, and made at their beginning") {
  stage play{talk_yaml("    active: {windows: ['Thu 01:00-02:00']}\n")};
  auto server = play.accept();
  play.run_for(1h - 1ms);
  CHECK(play.links.dials == 0);
  play.run_for(1ms);
  CHECK(play.links.dials == 1);
  play.run_for(1h - 1ms);
  CHECK_FALSE(server->close_received);
  play.run_for(1ms);
  CHECK(server->close_received);
  CHECK(logged(play, "s: outside of active hours: connecting in 10020 min") == 1);
}
