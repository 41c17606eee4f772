// A session that takes what a reload changes while its connection stays.
#include "config/load/load.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

struct adopt_scene {
  explicit adopt_scene(const std::string& fields) : play(talk_yaml(fields)) {
    server = play.accept();
    play.run_for(1s);
  }
  ~adopt_scene() {
    play.session->stop();
    play.run_for(1h);
    CHECK(end_of(play).empty());
  }
  adopt_scene(const adopt_scene&) = delete;
  adopt_scene& operator=(const adopt_scene&) = delete;

  /// The session gets the settings of these fields; the first event goes to `out`.
  void adopt(const std::string& fields, output* to = nullptr) {
    protocol::diagnostics mistakes;
    auto loaded =
        config::load_text(talk_yaml(fields), config::document_format::yaml, "next.yaml", {}, mistakes);
    REQUIRE(loaded);
    config::session_settings& next = loaded->sessions.at(0);
    const auto& now = play.session->settings();
    CHECK(next.digest.fixed == now.digest.fixed);
    next.protocol = now.protocol;
    const auto shared = std::make_shared<const config::session_settings>(std::move(next));
    std::vector<event_route> routes;
    for (const config::output_route& each : shared->outputs)
      routes.push_back({to == nullptr ? &play.out : to, &each});
    play.session->adopt(shared, std::move(routes));
  }
  void tick(int id) {
    server->say(say({{"op", "tick"}, {"id", id}}));
    play.run_for(0s);
  }

  stage play;
  std::shared_ptr<scripted_server> server;
};

std::string on_tick(const std::string& steps) {
  return "    on: [{reply: tick, do: [" + steps + "]}]\n";
}

constexpr const char* put_it = "{send: put, with: {id: '${reply:id}'}}";
constexpr const char* get_it = "{send: get, with: {id: '${reply:id}'}}";

}  // namespace

TEST_CASE("handlers change between two replies, and the connection stays", "[adopt]") {
  adopt_scene s{on_tick(put_it)};
  s.tick(1);
  s.adopt(on_tick(get_it));
  s.tick(2);
  s.adopt("");
  s.tick(3);
  s.adopt(on_tick(put_it));
  s.tick(4);
  CHECK(heard(*s.server) == lines{"put 1", "get 2", "put 4"});
  CHECK(s.play.links.dials == 1);
}

TEST_CASE("a handler that runs comes to the end of its replies as it began, and then the new one begins",
          "[adopt]") {
  const std::string slow = "{sleep: 10s}, ";
  adopt_scene s{on_tick(slow + put_it)};
  s.tick(1);
  s.tick(2);
  s.adopt(on_tick(get_it));
  s.tick(3);
  CHECK(heard(*s.server).empty());
  s.play.run_for(15s);
  CHECK(heard(*s.server) == lines{"put 1"});
  s.play.run_for(10s);
  CHECK(heard(*s.server) == lines{"put 1", "put 2", "get 3"});
  s.tick(4);
  CHECK(heard(*s.server).back() == "get 4");
  CHECK(s.play.links.dials == 1);
}

TEST_CASE("a handler that has not changed goes on beside one that has", "[adopt]") {
  const std::string kept =
      "    on:\n      - {reply: tick, do: [{sleep: 10s}, " + std::string(put_it) + "]}\n";
  adopt_scene s{kept + "      - {reply: ping, do: [{send: pong}]}\n"};
  s.tick(1);
  s.adopt(kept + "      - {reply: ping, do: [{send: get}]}\n");
  s.tick(2);
  s.server->say(say({{"op", "ping"}}));
  s.play.run_for(30s);
  CHECK(heard(*s.server) == lines{"get", "put 1", "put 2"});
}

TEST_CASE("a task holds the steps that it was started from", "[adopt]") {
  adopt_scene s{on_tick("{spawn: t, do: [{sleep: 10s}, " + std::string(put_it) + "]}")};
  s.adopt(on_tick("{spawn: t, do: [{sleep: 20s}, " + std::string(put_it) + "]}"));
  s.tick(1);
  for (int i = 0; i < 20; ++i) s.adopt(on_tick("{sleep: " + std::to_string(i) + "ms}"));
  s.play.run_for(1min);
  CHECK(heard(*s.server) == lines{"put 1"});
}

TEST_CASE("a new handler may wait for a reply that no step waited for before", "[adopt]") {
  adopt_scene s{on_tick(put_it)};
  s.server->on_message = answer_gets;
  s.adopt(on_tick(
      "{call: get, with: {id: 7}, reply: got, timeout: 5s}, {send: put, with: {id: '${reply:value}'}}"));
  s.tick(1);
  s.play.run_for(1s);
  CHECK(heard(*s.server) == lines{"get 7", "put 70"});
}

TEST_CASE("the clocks of liveness change at once", "[adopt]") {
  adopt_scene s{"    liveness: {ping_interval: 0, idle_timeout: 0}\n"};
  s.play.run_for(1h);
  CHECK(s.server->pings == 0);
  s.adopt("    liveness: {ping_interval: 10s, idle_timeout: 0}\n");
  s.play.run_for(35s);
  CHECK(s.server->pings >= 3);
  auto second = s.play.accept();
  s.adopt("    liveness: {ping_interval: 0, idle_timeout: 1m}\n");
  s.tick(1);
  CHECK(s.play.links.dials == 1);
  s.play.run_for(2min);
  CHECK(logged(s.play, "nothing was heard from the server for 60 s") == 1);
}

TEST_CASE("rules of freshness come, change and go", "[adopt]") {
  const auto rule = [](const char* within) {
    return std::string("    liveness: {ping_interval: 0, idle_timeout: 0, fresh: [{reply: tick, within: ") +
           within + "}]}\n";
  };
  adopt_scene s{""};
  s.adopt(rule("1m"));
  s.play.run_for(50s);
  CHECK(logged(s.play, "tick") == 0);
  s.adopt(rule("1m") + "    required: false\n");  // the same rule: its time goes on
  s.play.run_for(15s);
  CHECK(logged(s.play, "tick") == 1);
  s.adopt("");
  s.play.run_for(1h);
  CHECK(logged(s.play, "tick") == 1);
}

TEST_CASE("sequences are watched from the reload on", "[adopt]") {
  const std::string watched =
      "    liveness: {ping_interval: 0, idle_timeout: 0, sequence: [{reply: tick, field: id}]}\n";
  adopt_scene s{""};
  s.tick(1);
  s.tick(5);
  s.adopt(watched);
  s.tick(6);
  s.adopt(watched + "    limits: {tasks: 7}\n");  // it goes on counting
  s.tick(8);
  CHECK(logged(s.play, "expected 7, found 8") == 1);
  s.adopt("");
  s.tick(20);
  CHECK(logged(s.play, "expected") == 1);
}

TEST_CASE("limits hold for steps that run already", "[adopt]") {
  adopt_scene s{on_tick("{spawn: t, do: [{sleep: 1h}]}") + "    limits: {tasks: 1}\n"};
  s.tick(1);
  s.tick(2);
  CHECK(logged(s.play, "limits.tasks") == 1);
  s.adopt(on_tick("{spawn: t, do: [{sleep: 1h}]}") + "    limits: {tasks: 3}\n");
  s.play.run_for(1h);
  s.tick(3);
  s.tick(4);
  CHECK(logged(s.play, "limits.tasks") == 1);
}

TEST_CASE("outputs and what is selected for them change between two replies", "[adopt]") {
  adopt_scene s{""};
  s.tick(1);
  s.adopt("    outputs: [{to: stdout, replies: [tick], where: {id: 3}}]\n");
  s.tick(2);
  s.tick(3);
  CHECK(s.play.out.lines.size() == 2);
  recorded_output other{s.play.loop.get_executor()};
  s.adopt("    outputs: [{to: stdout, replies: [tick]}]\n", &other);
  s.tick(4);
  CHECK(s.play.out.lines.size() == 2);
  CHECK(other.lines.size() == 1);
  s.adopt("");
}

TEST_CASE("an output without room that is taken away holds nothing up any more", "[adopt]") {
  adopt_scene s{""};
  s.play.out.full = true;
  s.tick(1);
  CHECK(s.play.out.lines.empty());
  recorded_output other{s.play.loop.get_executor()};
  s.adopt("    required: false\n", &other);
  s.play.run_for(0s);
  CHECK(other.lines.size() == 1);
  s.play.out.full = false;
  s.adopt("");
}

TEST_CASE("what a session is to take with its next connection counts, if that was asked for before",
          "[adopt]") {
  adopt_scene s{""};
  auto second = s.play.accept();
  protocol::diagnostics mistakes;
  auto loaded = config::load_text(talk_yaml("    linger: 7s\n"), config::document_format::yaml, "next.yaml",
                                  {}, mistakes);
  REQUIRE(loaded);
  s.play.session->replace(std::make_shared<const config::session_settings>(std::move(loaded->sessions.at(0))),
                          {{&s.play.out, nullptr}});
  s.adopt("    linger: 7s\n" + on_tick(put_it));
  s.play.run_for(1s);
  second->say(say({{"op", "tick"}, {"id", 1}}));
  s.play.run_for(1s);
  CHECK(heard(*second) == lines{"put 1"});
  CHECK(s.play.links.dials == 2);
}

TEST_CASE("lag is watched as the settings now say, and counts go on", "[adopt]") {
  adopt_scene s{""};
  s.play.time.wall_shift = 1'800'000'000s;
  const auto tick_old = [&s] {
    const auto then = s.play.time.wall().time_since_epoch() - 60s;
    s.server->say(
        say({{"op", "tick"}, {"at", std::chrono::duration_cast<std::chrono::milliseconds>(then).count()}}));
    s.play.run_for(0s);
  };
  const auto limited = [](const std::string& limit) {
    return "    lag: {reply: tick, field: at}\n    liveness: {ping_interval: 0, idle_timeout: 0, lag: "
           "{at_most: " +
           limit + "}}\n";
  };
  const auto count = [&s] { return s.play.session->lag().histogram().counts.at(9); };
  tick_old();
  CHECK(count() == 0);
  s.adopt("    lag: {reply: tick, field: at}\n");
  tick_old();
  CHECK(s.play.session->status().newest_event_age == 60s);
  CHECK(logged(s.play, "the newest event") == 0);
  s.adopt(limited("10s"));
  tick_old();
  CHECK(logged(s.play, "s: the newest event of tick is 60.0 s old, allowed: 10.0 s") == 1);
  s.adopt(limited("20s"));
  tick_old();
  tick_old();
  CHECK(logged(s.play, "s: the newest event of tick is 60.0 s old, allowed: 20.0 s") == 1);
  s.adopt(limited("60s"));
  tick_old();
  CHECK(logged(s.play, "the newest event") == 2);
  CHECK(count() == 5);
  s.adopt("");
  tick_old();
  CHECK(count() == 5);
  CHECK_FALSE(s.play.session->status().newest_event_age.has_value());
}
