// A session that an operator pauses, resumes, reconnects and drains.
#include <malloc.h>

#include "config/load/load.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

struct wishes_scene {
  explicit wishes_scene(const std::string& more = "") : play(talk_yaml(more)) {}
  ~wishes_scene() { end(); }
  /// For tests whose outputs do not live as long as the scene.
  void end() {
    play.session->stop();
    play.run_for(10s);
    CHECK(end_of(play).empty());
  }
  wishes_scene(const wishes_scene&) = delete;
  wishes_scene& operator=(const wishes_scene&) = delete;

  session_phase phase() const { return play.session->phase(); }
  std::string submit(const std::string& command, int id) {
    return play.session->submit(command, {{"id", id}})->why;
  }
  stage play;
};

}  // namespace

TEST_CASE("a paused session closes cleanly and stays away until it is resumed") {
  wishes_scene s;
  auto server = s.play.accept();
  s.play.run_for(1s);
  CHECK(s.phase() == session_phase::up);
  s.play.session->pause();
  s.play.run_for(24h);
  CHECK(server->close_received);
  CHECK(s.phase() == session_phase::paused);
  CHECK(s.play.links.dials == 1);
  CHECK(s.play.session->counters().faults == 0);
  s.play.session->pause();  // nothing changes
  auto again = s.play.accept();
  s.play.session->resume();
  s.play.run_for(1s);
  CHECK(s.phase() == session_phase::up);
  CHECK(s.play.links.dials == 2);
  s.play.session->resume();  // nothing changes
  s.play.run_for(1s);
  CHECK(s.play.links.dials == 2);
  CHECK_FALSE(again->close_received);
}

// Whatever it is doing when somebody asks.
TEST_CASE("a session can be paused and stopped in every phase") {
  const bool stops_while_paused = GENERATE(false, true);
  const int before = GENERATE(0, 1, 2, 3);
  wishes_scene s{before == 3 ? "    active: {time_zone: UTC, windows: ['Sat 00:00-00:01']}\n" : ""};
  if (before == 0) s.play.links.answers.emplace_back(nullptr);  // a dial that never ends
  if (before == 1) s.play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  auto server = before == 2 ? s.play.accept() : nullptr;
  s.play.run_for(0s);
  s.play.session->pause();
  s.play.run_for(1min);
  CHECK(s.phase() == session_phase::paused);
  const auto dials = s.play.links.dials;
  s.play.run_for(24h);
  CHECK(s.play.links.dials == dials);
  if (stops_while_paused) return;
  s.play.session->resume();
  s.play.run_for(0s);
  CHECK(s.phase() != session_phase::paused);
}

TEST_CASE("a reconnect makes a new connection at once, without a fault") {
  wishes_scene s{"    reconnect: {initial: 1h, maximum: 1h, jitter: none}\n"};
  SECTION("of one that stands") {
    auto server = s.play.accept();
    s.play.run_for(1s);
    auto second = s.play.accept();
    s.play.session->reconnect();
    s.play.run_for(1s);
    CHECK(server->close_received);
    CHECK(s.phase() == session_phase::up);
    CHECK(s.play.session->counters().faults == 0);
  }
  SECTION("instead of waiting") {
    s.play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
    s.play.run_for(1s);
    CHECK(s.phase() == session_phase::waiting);
    auto second = s.play.accept();
    s.play.session->reconnect();
    s.play.run_for(1s);
    CHECK(s.phase() == session_phase::up);
  }
  SECTION("of one that is paused") {
    s.play.session->pause();
    s.play.run_for(1s);
    auto second = s.play.accept();
    s.play.session->reconnect();
    s.play.run_for(1s);
    CHECK(s.phase() == session_phase::up);
  }
}

TEST_CASE("a drained session takes no more commands and pauses when those it has are done") {
  wishes_scene s{"    commands: {get: {confirm: got, correlate: {id: id}, timeout: 3s}}\n"};
  auto server = s.play.accept();
  s.play.run_for(1s);
  CHECK(s.submit("get", 1).empty());
  s.play.session->drain();
  CHECK(s.submit("get", 2) == "the session is being drained");
  s.play.run_for(1s);
  CHECK(s.phase() == session_phase::up);
  server->say(say({{"op", "got"}, {"id", 1}, {"value", 10}}));
  s.play.run_for(1s);
  CHECK(s.phase() == session_phase::paused);
  CHECK(heard(*server) == lines{"get 1"});
  CHECK(s.play.session->counters().unsuccessful == 1);
  auto again = s.play.accept();
  s.play.session->resume();
  s.play.run_for(1s);
  CHECK(s.submit("get", 3).empty());
  s.play.run_for(1s);
  CHECK(heard(*again) == lines{"get 3"});
}

// Any number of them.
TEST_CASE("commands that a drained session refuses leave nothing behind") {
  wishes_scene s{"    commands: {get: {confirm: got, correlate: {id: id}, timeout: 3h}}\n"};
  auto server = s.play.accept();
  s.play.run_for(1s);
  CHECK(s.submit("get", 1).empty());
  s.play.session->drain();
  const auto refuse = [&](int count) {
    for (int i = 0; i < count; ++i) CHECK(s.submit("get", 2) == "the session is being drained");
    s.play.run_for(1s);
    s.play.telemetry.lines.clear();
    s.play.telemetry.lines.shrink_to_fit();
    return mallinfo2().uordblks;
  };
  (void)refuse(20'000);
  const auto before = refuse(20'000);
  CHECK(refuse(20'000) < before + 100'000);
  server->say(say({{"op", "got"}, {"id", 1}, {"value", 10}}));
  s.play.run_for(1s);
  CHECK(s.phase() == session_phase::paused);
}

TEST_CASE("a session without commands is drained at once, and may be resumed before it is") {
  wishes_scene s{"    commands: {get: {confirm: got, correlate: {id: id}, timeout: 3s}}\n"};
  auto server = s.play.accept();
  s.play.run_for(1s);
  SECTION("at once") {
    s.play.session->drain();
    s.play.run_for(1s);
    CHECK(s.phase() == session_phase::paused);
  }
  SECTION("resumed") {
    CHECK(s.submit("get", 1).empty());
    s.play.session->drain();
    s.play.session->resume();
    CHECK(s.submit("get", 2).empty());
    s.play.run_for(5s);
    CHECK(s.phase() == session_phase::up);
  }
}

TEST_CASE("an output that is attached gets every event until it is detached") {
  wishes_scene s;
  recorded_output tap{s.play.loop.get_executor()};
  auto server = s.play.accept();
  s.play.run_for(1s);
  const auto tick = [&](int id) {
    server->say(say({{"op", "tick"}, {"id", id}}));
    s.play.run_for(1s);
  };
  tick(1);
  s.play.session->attach(tap);
  tick(2);
  s.play.session->detach(tap);
  tick(3);
  REQUIRE(tap.lines.size() == 1);
  CHECK(tap.lines[0] == s.play.out.lines[1]);
  CHECK(s.play.out.lines.size() == 3);
}

namespace {

std::shared_ptr<const config::session_settings> other_settings(const std::string& yaml) {
  protocol::diagnostics mistakes;
  auto loaded = config::load_text(yaml, config::document_format::yaml, "f.yaml", {}, mistakes);
  REQUIRE(mistakes.empty());
  return std::make_shared<const config::session_settings>(std::move(loaded->sessions.at(0)));
}

}  // namespace

TEST_CASE("other settings hold from the next connection on, which is made at once") {
  wishes_scene s;
  recorded_output tap{s.play.loop.get_executor()};
  auto server = s.play.accept();
  s.play.run_for(1s);
  s.play.session->attach(tap);
  const auto next = other_settings(talk_yaml("    linger: 7s\n    limits: {variables: 1KiB}\n"));
  recorded_output out{s.play.loop.get_executor()};
  SECTION("connected") {
    auto second = s.play.accept();
    s.play.session->replace(next, {{&out, nullptr}});
    CHECK(s.play.session->settings().linger == 7s);
    s.play.run_for(1s);
    CHECK(server->close_received);
    CHECK(s.phase() == session_phase::up);
    second->say(say({{"op", "tick"}, {"id", 1}}));
    s.play.run_for(1s);
    CHECK(out.lines.size() == 1);
    CHECK(tap.lines == out.lines);
    CHECK(s.play.out.lines.empty());
    CHECK(s.play.session->counters().faults == 0);
  }
  SECTION("paused: it stays so") {
    s.play.session->pause();
    s.play.run_for(1s);
    s.play.session->replace(next, {{&out, nullptr}});
    s.play.run_for(1h);
    CHECK(s.phase() == session_phase::paused);
    auto second = s.play.accept();
    s.play.session->resume();
    s.play.run_for(1s);
    CHECK(s.phase() == session_phase::up);
    second->say(say({{"op", "tick"}, {"id", 1}}));
    s.play.run_for(1s);
    CHECK(out.lines.size() == 1);
  }
  s.end();
}

TEST_CASE("other settings end a wait for the next attempt") {
  wishes_scene s{"    reconnect: {initial: 1h, maximum: 1h, jitter: none}\n"};
  s.play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  s.play.run_for(1s);
  CHECK(s.phase() == session_phase::waiting);
  auto second = s.play.accept();
  s.play.session->replace(other_settings(talk_yaml("    linger: 7s\n")), {{&s.play.out, nullptr}});
  s.play.run_for(1s);
  CHECK(s.phase() == session_phase::up);
}

// A drain that ends while the connection is being replaced is not forgotten.
TEST_CASE("a drained session that gets other settings pauses when its commands have ended") {
  wishes_scene s{"    commands: {get: {confirm: got, correlate: {id: id}, timeout: 3s}}\n"};
  auto server = s.play.accept();
  s.play.run_for(1s);
  CHECK(s.submit("get", 1).empty());
  s.play.session->drain();
  s.play.session->replace(other_settings(talk_yaml("    linger: 7s\n")), {{&s.play.out, nullptr}});
  s.play.run_for(10s);
  CHECK(s.phase() == session_phase::paused);
  CHECK(s.play.links.dials == 1);
}

TEST_CASE("other settings may take the cookies away, and bring them back") {
  const std::string rarely = "    reconnect: {initial: 1h, maximum: 1h, jitter: none}\n";
  std::vector<bool> jars;
  wishes_scene s{rarely};
  for (int i = 0; i < 3; ++i)
    s.play.links.answers.emplace_back([&](const dial_request& request) -> dial_result {
      jars.push_back(request.cookies != nullptr);
      return fault{.kind = config::fault_class::connect, .cause = "refused"};
    });
  for (const char* next : {"    cookies: false\n", ""}) {
    s.play.run_for(1s);
    s.play.session->replace(other_settings(talk_yaml(rarely + next)), {{&s.play.out, nullptr}});
  }
  s.play.run_for(0s);
  CHECK(jars == std::vector<bool>{true, false, true});
}

TEST_CASE("a session that has ended is not drained") {
  stage play{talk_yaml("    script: [{send: put}]\n"), true};
  auto server = play.accept();
  play.run_for(10s);
  REQUIRE(play.result);
  play.session->drain();
  CHECK(play.session->submit("get", {{"id", 1}})->why == "the session has ended");
}

// Nobody would wait for it: with AddressSanitizer it would be seen here.
TEST_CASE("a drained session that has ended starts nothing for what it refuses") {
  const bool comes_again = GENERATE(false, true);
  stage play{
      talk_yaml("    reconnect: {initial: 1h, maximum: 1h, jitter: none}\n"
                "    commands: {get: {offline: queue, ttl: 1h}}\n")};
  play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  play.run_for(1s);
  CHECK_FALSE(play.session->submit("get", {{"id", 1}})->has_ended);
  play.session->drain();
  play.session->stop();
  play.run_for(1s);
  REQUIRE(play.result);
  CHECK(play.session->submit("get", {{"id", 2}}, {}, {.comes_again = comes_again})->why ==
        "the session has ended");
  play.session.reset();
  play.run_for(1s);
}

TEST_CASE("the status says how much the kernel has not taken") {
  wishes_scene s;
  auto server = s.play.accept();
  s.play.run_for(1s);
  CHECK(s.play.session->status().unsent == 0);
  server->unsent_bytes = 7;
  server->take_bytes(false);
  CHECK(s.play.session->status().unsent == 7);
  server->take_bytes(true);
}
