// One link from its first message to its end: who ends it, what is said about it, and who watches.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "daemon/session/active_link.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/session/link_scene.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

/// A session like the stage's own, but with these outputs.
std::unique_ptr<session> with_outputs(stage& play, std::vector<event_route> outputs) {
  const session_context context{.loop = play.loop.get_executor(),
                                .links = play.links,
                                .http = play.http,
                                .programs = play.programs,
                                .time = play.time,
                                .telemetry = play.telemetry,
                                .random = [] { return 1.0; },
                                .outputs = std::move(outputs)};
  return std::make_unique<session>(
      std::make_shared<const config::session_settings>(play.settings.sessions.at(0)), context);
}

}  // namespace

TEST_CASE("a link that is left in order says why, and its end is waited for") {
  link_scene s{"    close: {code: 4321, reason: so long}\n    timeouts: {close: 3s}\n"};
  s.play.run_for(1s);
  CHECK_FALSE(s.server->finish_limit);
  SECTION("the server answers") {
    s.play.session->stop();
    s.play.run_for(0s);
    CHECK(s.server->finish_limit == 3s);
    CHECK(s.last_line() == "s: closed: 4321 so long");
  }
  SECTION("the server answers at the last moment") {
    s.server->answers_close = false;
    s.play.session->stop();
    s.play.run_for(3s - 1ms);
    CHECK_FALSE(s.play.result);
    s.server->close({4000, "mine"});
    s.play.run_for(0s);
    CHECK(s.server->finish_limit == 3s);
    CHECK(s.last_line() == "s: closed: 4321 so long");
  }
  SECTION("the server does not answer: who left us waiting is not waited for again") {
    s.server->answers_close = false;
    s.play.session->stop();
    s.play.run_for(3s - 1ms);
    CHECK_FALSE(s.play.result);
    s.play.run_for(1ms);
    CHECK(s.server->finish_limit == 0s);
    CHECK(s.last_line() == "s: closed: 1006 no close frame came back");
  }
  SECTION("the connection breaks before the server answers") {
    s.server->answers_close = false;
    s.play.session->stop();
    s.play.run_for(1s);
    s.server->vanish({.kind = config::fault_class::lost, .cause = "reset"});
    s.play.run_for(0s);
    CHECK(s.last_line() == "s: closed: 1006 no close frame came back");
  }
  REQUIRE(s.server->close_received);
  CHECK(s.server->close_received->code == 4321);
  CHECK(s.server->close_received->text == "so long");
  CHECK(end_of(s.play).empty());
}

TEST_CASE("a server that closes the link is quoted, and no close frame of ours follows") {
  link_scene s{""};
  s.play.run_for(1s);
  const auto [reason, said] =
      GENERATE(table<std::string, std::string>({{"", "4001"}, {"go away", "4001, go away"}}));
  s.server->close({4001, reason});
  s.play.run_for(1ms);
  CHECK(logged(s.play,
               "s: closed: the server closed the link with code " + said + "; next attempt in 1.0 s") == 1);
  CHECK_FALSE(s.server->close_received);
  CHECK(s.server->finish_limit == 5s);
}

// RFC 6455, 7.1.1: the server ends TCP first, in its own time. Only the end of the session waits for that.
TEST_CASE("a server that takes its time to end TCP holds up no new link") {
  link_scene s{"    reconnect: {initial: 1s, jitter: none}\n    timeouts: {close: 5s}\n"};
  s.server->ends_tcp = false;
  const auto second = s.play.accept();
  second->ends_tcp = false;
  const auto third = s.play.accept();
  third->ends_tcp = false;
  s.play.run_for(1s);
  s.server->close({1012, "restart"});
  s.play.run_for(1ms);
  CHECK(logged(s.play,
               "s: closed: the server closed the link with code 1012, restart; next attempt in 1.0 s") == 1);
  CHECK(s.server->finish_limit == 5s);
  CHECK_FALSE(s.server->left);
  s.play.run_for(1s);
  CHECK(s.play.links.dials == 2);
  CHECK(s.play.session->state() == link_state::open);
  CHECK_FALSE(s.server->left);
  SECTION("until its time is over") {
    s.play.run_for(4s);
    CHECK(s.server->left);
  }
  SECTION("or until the next one takes its place") {
    second->close({1012, ""});
    s.play.run_for(1ms);
    CHECK(s.server->left);
    CHECK_FALSE(second->left);
  }
  SECTION("or until the session ends, which waits for the last one") {
    s.play.session->stop();
    s.play.run_for(1s);
    CHECK_FALSE(s.play.result);
    CHECK_FALSE(second->left);
    s.play.run_for(4s);
    CHECK(second->left);
    CHECK(s.server->left);
    CHECK(s.play.result);
  }
}

TEST_CASE(
    "a server that ends a script's link with a complaint is a fault with --once, even after the script") {
  const auto [code, end] = GENERATE(
      table<std::uint16_t, std::string>({{1000, ""},
                                         {1001, ""},
                                         {1005, ""},
                                         {1002, "closed: the server closed the link with code 1002, no"},
                                         {1008, "closed: the server closed the link with code 1008, no"},
                                         {1011, "closed: the server closed the link with code 1011, no"},
                                         {4001, "closed: the server closed the link with code 4001, no"}}));
  link_scene s{"    script: [{send: put}]\n    linger: 5s\n", true};
  s.play.run_for(1s);
  CHECK(end_of(s.play) == "-");
  s.server->close({code, "no"});
  s.play.run_for(1s);
  CHECK(end_of(s.play) == end);
}

TEST_CASE("an offer of subprotocols that was ignored is logged") {
  const std::string line = "s: the server chose none of the subprotocols that were offered (stomp, mqtt)";
  link_scene s{"    subprotocols: [stomp, mqtt]\n"};
  const bool chosen = GENERATE(true, false);
  if (chosen) s.server->subprotocol = "mqtt";
  s.play.run_for(1s);
  CHECK(logged(s.play, line) == (chosen ? 0 : 1));
  link_scene other{""};
  other.play.run_for(1s);
  CHECK(logged(other.play, "subprotocol") == 0);
}

TEST_CASE("one jar for each session, or none") {
  const bool on = GENERATE(true, false);
  link_scene s{std::string(on ? "" : "    cookies: false\n") +
               "    before: [{http: {url: 'https://a/'}}]\n    reconnect: {initial: 1s, jitter: none}\n"};
  s.play.http.answer = [](const http_request&) -> http_result {
    http_response made;
    made.status = 200;
    return made;
  };
  std::vector<std::shared_ptr<cookie_jar>> jars;
  s.play.links.answers.clear();
  for (int i = 0; i < 2; ++i)
    s.play.links.answers.emplace_back([&](const dial_request& request) -> dial_result {
      jars.push_back(request.cookies);
      return fault{.kind = config::fault_class::connect, .cause = "no"};
    });
  s.play.run_for(1500ms);
  REQUIRE(jars.size() == 2);
  CHECK(jars[0] == jars[1]);
  CHECK((jars[0] != nullptr) == on);
  for (const auto& asked : s.play.http.asked) CHECK(asked.cookies == jars[0]);
}

TEST_CASE("a script that has not ended is cancelled when the link is closed") {
  link_scene s{"    script: [{sleep: 2s}, {send: put}]\n"};
  s.play.run_for(1s);
  s.server->answers_close = false;
  s.play.session->stop();
  s.play.run_for(4s);
  CHECK(s.server->received.empty());
}

TEST_CASE("a message that no layout fits is told and given to nobody") {
  stage play{talk_yaml("    script: [{expect: got}]\n")};
  auto server = play.accept();
  play.run_for(1s);
  server->say(binary("\x01\x02\x03"));
  server->say(text(R"({"op":"got")"));
  play.run_for(1ms);
  CHECK(logged(play, "s: no layout fits a message of 3 bytes: ") == 1);
  CHECK(logged(play, "s: no layout fits a message of 11 bytes: ") == 1);
  CHECK(play.out.lines.size() == 2);
  CHECK(logged(play, "script finished") == 0);
  server->say(say({{"op", "got"}}));
  play.run_for(1ms);
  CHECK(logged(play, "script finished") == 1);
}

// Without an output no line is made, but everything else is as it was; with two both have every line.
TEST_CASE("every output gets every line, and none needs to be there") {
  const unsigned count = GENERATE(0U, 1U, 2U);
  stage play{
      talk_yaml("    script: [{expect: got}]\n    liveness: {ping_interval: 0, idle_timeout: 0, sequence: "
                "[{reply: got, field: n}]}\n")};
  recorded_output second{play.loop.get_executor()};
  std::vector<event_route> outputs{{&play.out}, {&second}};
  outputs.resize(count);
  play.session = with_outputs(play, outputs);
  auto server = play.accept();
  play.run_for(1s);
  server->say(binary("\x01"));
  server->say(say({{"op", "got"}, {"n", 1}}));
  server->say(say({{"op", "got"}, {"n", 3}}));
  play.run_for(1ms);
  CHECK(logged(play, "s: no layout fits a message of 1 bytes: ") == 1);
  CHECK(logged(play, "s: gap in got.n: expected 2, found 3") == 1);
  CHECK(logged(play, "script finished") == 1);
  CHECK(play.out.lines.size() == (count > 0 ? 4U : 0U));
  CHECK(second.lines == (count > 1 ? play.out.lines : lines{}));
  play.session->stop();
  play.run_for(1s);
}

TEST_CASE("all outputs must have room before more is read") {
  stage play{talk_yaml("")};
  recorded_output second{play.loop.get_executor()};
  play.session = with_outputs(play, {{&play.out}, {&second}});
  auto server = play.accept();
  play.run_for(1s);
  server->say(say({{"op", "tick"}}));
  play.run_for(1ms);
  second.full = true;
  server->say(say({{"op", "tick"}}));
  play.run_for(1s);
  CHECK(play.out.lines.size() == 1);
  second.full = false;
  second.changed.notify();
  play.run_for(1ms);
  CHECK(play.out.lines.size() == 2);
  play.session->stop();
  play.run_for(1s);
}

// Whoever loaded the configuration may let go of it, or load another one.
TEST_CASE("a session holds its settings itself") {
  stage play{talk_yaml("    script: [{sleep: 1s}, {send: put}]\n"), true};
  const auto server = play.accept();
  play.run_for(500ms);
  config::settings others;
  play.settings = std::move(others);
  play.run_for(1s);
  CHECK(heard(*server) == lines{"put"});
  CHECK(end_of(play).empty());
}

TEST_CASE("a link that comes when the stop has been asked for is closed at once") {
  stage play{talk_yaml("    script: [{sleep: 1h}]\n")};
  const session_context context{.loop = play.loop.get_executor(),
                                .links = play.links,
                                .http = play.http,
                                .programs = play.programs,
                                .time = play.time,
                                .telemetry = play.telemetry,
                                .random = [] { return 1.0; },
                                .outputs = {}};
  auto settings = std::make_shared<const config::session_settings>(play.settings.sessions.at(0));
  const auto server = std::make_shared<scripted_server>(play.loop.get_executor());
  scripted_link link{server};
  variables values;
  outbox commands{play.loop.get_executor(), play.time,
                  std::make_shared<const config::session_settings>(*settings)};
  sequence_watch sequences{settings->liveness.sequence, settings->limits.sequences};
  stop_flag stop{play.loop.get_executor()};
  CHECK_FALSE(stop.raised());
  stop.raise();
  CHECK(stop.raised());
  lag_watch lag{settings->lag};
  active_link on_link{settings, context, values, commands, sequences, lag, stop, link};
  const std::weak_ptr kept = settings;
  settings.reset();  // the session was given others
  CHECK_FALSE(kept.expired());
  std::optional<link_result> outcome;
  asio::co_spawn(play.loop, on_link.run(), [&](const std::exception_ptr& bug, link_result how) {
    if (bug) std::rethrow_exception(bug);
    outcome = std::move(how);
  });
  play.time.run_for(0s);
  REQUIRE(outcome);
  CHECK_FALSE(outcome->failed);
  CHECK_FALSE(outcome->renew);
  CHECK(server->close_received);
}

// A server that talks but never reads is given up all the same.
TEST_CASE("a link that delivers nothing ends") {
  stage play{talk_yaml("    liveness: {ping_interval: 0, idle_timeout: 0, send_timeout: 10s}\n"
                       "    script: [{sleep: 1h}]\n"),
             true};
  auto server = play.accept();
  server->sending = {.pending = 1, .delivered = 7};
  play.run_for(9s);
  CHECK(end_of(play) == "-");
  play.run_for(5s);
  CHECK(end_of(play) == "liveness: the server took nothing of what was sent for 10 s");
}
