// The steps of `close`: what is said before the close frame.
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

struct goodbye_scene {
  explicit goodbye_scene(const std::string& steps, const std::string& more = "")
      : play(talk_yaml("    close: {within: 1s, steps: " + steps + "}\n" + more)) {}
  ~goodbye_scene() {
    play.session->stop();
    play.run_for(1h);
    CHECK(end_of(play).empty());
  }
  goodbye_scene(const goodbye_scene&) = delete;
  goodbye_scene& operator=(const goodbye_scene&) = delete;
  stage play;
};

constexpr const char* ask =
    "[{send: get, with: {id: 7}}, {expect: got, timeout: 1h}, {send: put, with: {id: 8}}]";

}  // namespace

TEST_CASE("the steps of close run before the close frame, and wait for their answers", "[close]") {
  goodbye_scene s{ask};
  auto server = s.play.accept();
  auto next = s.play.accept();  // if it reconnects
  s.play.run_for(1s);
  SECTION("when the session ends") {
    s.play.session->stop();
  }
  SECTION("when it reconnects") {
    s.play.session->reconnect();
  }
  SECTION("when it is paused") {
    s.play.session->pause();
  }
  s.play.run_for(100ms);
  CHECK(heard(*server) == lines{"get 7"});
  CHECK_FALSE(server->close_received);
  server->say(say({{"op", "got"}, {"id", 7}, {"value", 70}}));
  s.play.run_for(100ms);
  CHECK(heard(*server) == lines{"get 7", "put 8"});
  CHECK(server->close_received);
  CHECK(s.play.session->counters().faults == 0);
}

TEST_CASE("steps of close that take too long are cancelled, and the close frame follows", "[close]") {
  goodbye_scene s{ask};
  auto server = s.play.accept();
  s.play.run_for(1s);
  s.play.session->stop();
  s.play.run_for(999ms);
  CHECK_FALSE(server->close_received);
  s.play.run_for(1ms);
  CHECK(server->close_received);
  CHECK(heard(*server) == lines{"get 7"});
  CHECK(logged(s.play, "close.within") == 1);
}

TEST_CASE("steps of close that fail are told, and the close frame follows", "[close]") {
  goodbye_scene s{"[{fail: no}, {send: get, with: {id: 7}}]"};
  auto server = s.play.accept();
  s.play.run_for(1s);
  s.play.session->stop();
  s.play.run_for(1ms);
  CHECK(server->close_received);
  CHECK(heard(*server).empty());
  CHECK(logged(s.play, "task close failed: no") == 1);
}

// Nobody is there, or nobody who knows us.
TEST_CASE("there is no goodbye on a connection that is lost, or before the login was granted", "[close]") {
  SECTION("lost") {
    goodbye_scene s{ask};
    auto server = s.play.accept();
    s.play.run_for(1s);
    server->vanish({.kind = config::fault_class::lost, .cause = "gone"});
    s.play.run_for(0s);
    CHECK(heard(*server).empty());
  }
  SECTION("not logged in") {
    goodbye_scene s{ask, "    login: {send: get, with: {id: 1}, expect: got}\n"};
    auto server = s.play.accept();
    s.play.run_for(1s);
    s.play.session->stop();
    s.play.run_for(1s);
    CHECK(heard(*server) == lines{"get 1"});
    CHECK(server->close_received);
  }
}

TEST_CASE("a server that closes while the steps of close run ends them", "[close]") {
  goodbye_scene s{ask};
  auto server = s.play.accept();
  s.play.run_for(1s);
  s.play.session->stop();
  s.play.run_for(10ms);
  server->vanish({.kind = config::fault_class::lost, .cause = "gone"});
  s.play.run_for(10ms);
  CHECK(s.play.session->phase() == session_phase::ended);
}
