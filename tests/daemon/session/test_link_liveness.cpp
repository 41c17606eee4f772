// Who watches over a link: pings, silence, replies and numbers that do not come.
#include "tests/catch.hpp"
#include "tests/daemon/session/link_scene.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

TEST_CASE("pings leave at their interval, and a silent peer is given up at its limit") {
  link_scene s{"    liveness: {ping_interval: 20s, idle_timeout: 50s}\n"};
  for (const auto& [time, pings] : {std::pair{19'999ms, 0U}, {1ms, 1U}, {19'999ms, 1U}, {1ms, 2U}}) {
    s.play.run_for(time);
    CHECK(s.server->pings == pings);
  }
  s.play.run_for(10s - 1ms);
  CHECK(s.play.session->state() == link_state::open);
  s.play.run_for(1ms);
  CHECK(logged(s.play, "s: liveness: nothing was heard from the server for 50 s; next attempt") == 1);
  CHECK_FALSE(s.server->close_received);
  CHECK(s.server->finish_limit == 0s);
  CHECK(s.server->pings == 2);
}

TEST_CASE("whatever is heard counts as a sign of life") {
  link_scene s{"    liveness: {ping_interval: 0, idle_timeout: 5s}\n"};
  s.play.run_for(4s);
  s.server->say(binary("nonsense"));
  s.play.run_for(4999ms);
  CHECK(s.play.session->state() == link_state::open);
  CHECK(s.server->pings == 0);
  s.play.run_for(1ms);
  CHECK(s.play.session->state() != link_state::open);
}

// While outputs hold the receiver back silence says nothing; afterwards the peer has its whole time again.
TEST_CASE("a receiver that is held back blames nobody") {
  link_scene s{
      "    liveness: {ping_interval: 0, idle_timeout: 5s, fresh: [{reply: tick, within: 3s, action: "
      "reconnect}]}\n"};
  s.play.run_for(1s);
  s.play.out.full = true;
  s.tick({});
  s.play.run_for(100s);
  CHECK(s.play.session->state() == link_state::open);
  CHECK(logged(s.play, "no reply tick") == 0);
  s.play.out.full = false;
  s.play.out.changed.notify();
  s.play.run_for(500ms);
  CHECK(s.play.session->state() == link_state::open);
  s.tick({});
  s.play.run_for(2999ms);
  CHECK(s.play.session->state() == link_state::open);
  s.play.run_for(1ms);
  CHECK(logged(s.play, "s: liveness: no reply tick for 3 s; next attempt") == 1);
}

TEST_CASE("after the receiver was held back the idle timeout starts again") {
  link_scene s{"    liveness: {ping_interval: 0, idle_timeout: 5s}\n"};
  s.play.run_for(1s);
  s.play.out.full = true;
  s.tick({});
  s.play.run_for(100s);
  s.play.out.full = false;
  s.play.out.changed.notify();
  s.play.run_for(4999ms);
  CHECK(s.play.session->state() == link_state::open);
  s.play.run_for(1s);
  CHECK(logged(s.play, "nothing was heard from the server for 5 s") == 1);
}

TEST_CASE("what follows when a reply does not come again") {
  const auto [action, gets, open] = GENERATE(table<std::string, std::size_t, bool>(
      {{"log", 1, true}, {"resubscribe", 2, true}, {"reconnect", 1, false}}));
  link_scene s{
      "    subscribe: [{send: get}]\n    liveness: {ping_interval: 0, idle_timeout: 0, fresh: [{reply: tick, "
      "within: 3s, action: " +
      action + "}]}\n"};
  s.play.run_for(1s);
  s.tick({});
  s.play.run_for(3s - 1ms);
  CHECK(logged(s.play, "no reply tick") == 0);
  s.play.run_for(1ms);
  CHECK(logged(s.play, "s: no reply tick for 3.0 s") == 1);
  CHECK(s.sent().size() == gets);
  CHECK((s.play.session->state() == link_state::open) == open);
  CHECK(s.server->close_received.has_value() != open);
}

TEST_CASE("replies are expected from the login on, not before") {
  link_scene s{
      "    timeouts: {login: 10s}\n    login: {json: {op: hello}, expect: done}\n    liveness: "
      "{ping_interval: "
      "0, idle_timeout: 0, fresh: [{reply: tick, within: 3s, action: reconnect}]}\n"};
  s.play.run_for(9s);
  CHECK(logged(s.play, "no reply tick") == 0);
  s.server->say(say({{"op", "done"}}));
  s.play.run_for(3s - 1ms);
  CHECK(logged(s.play, "no reply tick") == 0);
  s.play.run_for(1ms);
  CHECK(logged(s.play, "s: liveness: no reply tick for 3 s") == 1);
}

TEST_CASE("what follows when a number is missing") {
  const auto [action, gets, open] = GENERATE(table<std::string, std::size_t, bool>(
      {{"log", 1, true}, {"resubscribe", 2, true}, {"reconnect", 1, false}}));
  link_scene s{
      "    subscribe: [{send: get}]\n    liveness: {ping_interval: 0, idle_timeout: 0, sequence: [{reply: "
      "tick, "
      "field: n, action: " +
      action + "}]}\n"};
  s.play.run_for(1s);
  s.tick({{"n", 1}});
  s.play.run_for(1ms);
  CHECK(logged(s.play, "gap") == 0);
  s.tick({{"n", 3}});
  s.play.run_for(1ms);
  CHECK(std::ranges::count(s.play.log(), "s: gap in tick.n: expected 2, found 3") == 1);
  CHECK(
      s.play.out.lines.back() ==
      R"({"v":1,"time":"1970-01-01T00:00:01.001000Z","session":"s","event":"gap","reply":"tick","field":"n",)"
      R"("key":[],"expected":2,"found":3})"
      "\n");
  CHECK(s.sent().size() == gets);
  CHECK((s.play.session->state() == link_state::open) == open);
  CHECK(logged(s.play, "s: liveness: gap in tick.n: expected 2, found 3; next attempt") == (open ? 0 : 1));
}

// Whatever the rule asks for: there is a new link already, and it may not end in a loop of them.
TEST_CASE("what was lost between two links is told") {
  const auto action = GENERATE(as<std::string>{}, "log", "resubscribe", "reconnect");
  stage play{
      talk_yaml("    subscribe: [{send: get}]\n    liveness: {ping_interval: 0, idle_timeout: 0, sequence: "
                "[{reply: tick, field: n, action: " +
                action + "}]}\n")};
  const auto next_link = [&](int number) {
    auto server = play.accept();
    play.run_for(1min);
    server->say(say({{"op", "tick"}, {"n", number}}));
    play.run_for(1s);
    CHECK(heard(*server) == lines{"get"});
    server->vanish({.kind = config::fault_class::lost, .cause = "gone"});
    play.run_for(1ms);
  };
  next_link(7);
  next_link(8);
  CHECK(logged(play, "gap") == 0);
  next_link(11);
  CHECK(logged(play, "s: gap in tick.n since the last connection: expected 9, found 11") == 1);
  CHECK(play.out.lines.back().ends_with(
      R"("reply":"tick","field":"n","key":[],"expected":9,"found":11,"over_connections":true})"
      "\n"));
  next_link(12);
  next_link(1);  // the server counts for each link, or says it all again
  next_link(2);
  CHECK(logged(play, "gap") == 1);
}
