// The session around its links: attempts, what goes before them, the stop at any time, and submitted
// commands.
#include <boost/system/system_error.hpp>
#include <cstdlib>

#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

std::string two_urls(const std::string& more) {
  return "sessions: {s: {url: ['wss://a', 'wss://b']" + more + "}}";
}

lines states(const std::shared_ptr<lines>& told) {
  return *told;
}

std::shared_ptr<lines> submit(stage& play, const std::string& command, const ordered_json& values = {}) {
  auto told = std::make_shared<lines>();
  play.session->submit(command, values,
                       [told](const submission& what) { told->emplace_back(name_of(what.state)); });
  return told;
}

}  // namespace

// One round over the URLs, unless a rule makes the fault final.
TEST_CASE("with once, a fault ends the session with the exit code of its rule") {
  const auto [kind, dials, exit_code] = GENERATE(table<config::fault_class, unsigned, int>(
      {{config::fault_class::tls, 1, 64}, {config::fault_class::connect, 2, 0}}));
  stage play{two_urls(", reconnect: {faults: [{on: [tls], give_up_after: 3, exit_code: 64}]}"), true};
  play.refuse({.kind = kind, .cause = "oh"});
  play.refuse({.kind = kind, .cause = "oh"});
  play.run_for(1s);
  REQUIRE(play.result);
  CHECK(play.links.dials == dials);
  CHECK(play.result->exit_code.value_or(0) == exit_code);
}

TEST_CASE("a dial that never ends is given up by a stop, and is not a failure") {
  stage play{talk_yaml("")};
  play.links.answers.emplace_back(nullptr);
  play.run_for(1h);
  CHECK(play.links.dials == 1);
  CHECK_FALSE(play.result);
  play.session->stop();
  play.run_for(0s);
  CHECK(end_of(play).empty());
  CHECK(play.log() == lines{"s: attempting connection to ws://server/", "s: session ended"});
}

TEST_CASE("an exception of the dialer is not swallowed") {
  stage play{talk_yaml("")};
  play.links.answers.emplace_back([](const dial_request&) -> dial_result {
    throw boost::system::system_error(asio::error::connection_reset);
  });
  CHECK_THROWS_AS(play.run_for(1s), boost::system::system_error);
}

TEST_CASE("a session that is stopped before it runs does not dial") {
  stage play{talk_yaml("")};
  play.session->stop();
  play.run_for(1s);
  CHECK(play.links.dials == 0);
  CHECK(play.log() == lines{"s: session ended"});
  CHECK(end_of(play).empty());
}

TEST_CASE("a stop while the steps before the dial run is a clean end") {
  stage play{talk_yaml("    before: [{sleep: 1h}]\n")};
  play.run_for(1s);
  play.session->stop();
  play.run_for(0s);
  CHECK(play.links.dials == 0);
  CHECK(end_of(play).empty());
  CHECK(logged(play, "next attempt") == 0);
}

TEST_CASE("a stop outside of its hours, or in the wait for the next attempt, ends a session at once") {
  stage idle{talk_yaml("    active: {windows: ['Thu 01:00-02:00']}\n")};
  idle.run_for(30min);
  CHECK(logged(idle, "outside of active hours") == 1);
  idle.session->stop();
  idle.run_for(0s);
  CHECK(end_of(idle).empty());
  CHECK(idle.links.dials == 0);
  stage waiting{talk_yaml("    reconnect: {initial: 1h, maximum: 1h}\n")};
  waiting.run_for(30min);
  waiting.session->stop();
  waiting.run_for(0s);
  CHECK(end_of(waiting).empty());
  CHECK(waiting.links.dials == 1);
}

TEST_CASE("the delay before the next attempt is as long as it is said to be") {
  stage play{talk_yaml("")};
  play.random = 0.5;
  play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  auto server = play.accept();
  play.run_for(499ms);
  CHECK(play.links.dials == 1);
  CHECK(play.session->state() != link_state::open);
  play.run_for(1ms);
  CHECK(play.links.dials == 2);
  CHECK(play.session->state() == link_state::open);
  CHECK(play.session->name() == "s");
}

// What goes before the dial is the same for every URL: its fault is followed by the delay, not by the next.
TEST_CASE("a fault before the dial is not the URL's") {
  stage play{two_urls(", before: [{fail: oh}]")};
  play.run_for(500ms);
  CHECK(play.links.dials == 0);
  CHECK(play.log() ==
        lines{"s: attempting connection to wss://a", "s: script: oh (line 1); next attempt in 1.0 s"});
}

TEST_CASE("an address that cannot be read is the URL's fault: the next one is tried") {
  setenv("DUPLEXD_NONE", "here", 1);
  stage play{"sessions: {s: {url: ['wss://${env:DUPLEXD_NONE}', 'wss://b']}}"};
  unsetenv("DUPLEXD_NONE");
  auto server = play.accept();
  play.run_for(1ms);
  CHECK(logged(play,
               "s: secret: url: ${env:DUPLEXD_NONE}: the environment variable is not set; next attempt "
               "at once") == 1);
  CHECK(play.session->state() == link_state::open);
}

TEST_CASE("it is told when certificates are not verified, where there are any") {
  const auto [url, told] = GENERATE(table<std::string, long>({{"wss://a", 1}, {"ws://a", 0}}));
  stage play{"sessions: {s: {url: '" + url + "', tls: {verify: false}}}"};
  auto server = play.accept();
  play.run_for(1ms);
  CHECK(logged(play, "certificate is not verified") == told);
  stage verified{"sessions: {s: {url: '" + url + "'}}"};
  auto other = verified.accept();
  verified.run_for(1ms);
  CHECK(logged(verified, "certificate is not verified") == 0);
}

TEST_CASE("a session that wishes for a new link gets it without delay, unless it is to stop") {
  stage play{talk_yaml("    on: [{reply: done, do: {reconnect: why}}]\n")};
  auto first = play.accept();
  auto second = play.accept();
  play.run_for(40s);
  first->answers_close = false;
  first->say(say({{"op", "done"}}));
  play.run_for(1s);
  const bool stops = GENERATE(false, true);
  if (stops) play.session->stop();
  first->close({1000, ""});
  play.run_for(1ms);
  CHECK(play.links.dials == (stops ? 1U : 2U));
  CHECK(end_of(play) == (stops ? "" : "-"));
}

TEST_CASE("what becomes of a submitted command is told once, unless it may be dropped") {
  stage play{talk_yaml("    commands: {put: {offline: queue, ttl: 5s}, pong: {offline: drop}}\n")};
  const auto put = submit(play, "put");
  const auto pong = submit(play, "pong");
  const auto get = submit(play, "get");
  const auto none = submit(play, "none");
  CHECK(states(pong) == lines{"refused"});
  CHECK(states(get) == lines{"refused"});
  CHECK(play.log() == lines{"s: command get refused: there is no link",
                            "s: command none refused: the protocol has no such command"});
  play.links.answers.emplace_back(nullptr);  // a dial that takes for ever
  play.run_for(5s - 1ms);
  CHECK(states(put) == lines{"queued"});
  play.run_for(1ms);
  CHECK(states(put) == lines{"queued", "expired"});
  CHECK(logged(play, "s: command put expired: it waited for too long") == 1);
  CHECK(logged(play, "command put queued") == 0);
  CHECK(logged(play, "command pong") == 0);
}

TEST_CASE("the first command that is submitted while the session runs is looked after too") {
  stage play{talk_yaml("    commands: {put: {offline: queue, ttl: 5s}}\n")};
  play.links.answers.emplace_back(nullptr);
  play.run_for(1s);
  const auto first = submit(play, "put");
  const auto second = submit(play, "put");
  play.run_for(5s);
  CHECK(states(first) == lines{"queued", "expired"});
  CHECK(states(second) == lines{"queued", "expired"});
}

TEST_CASE("a command that may be dropped is told about when it is not dropped") {
  stage play{talk_yaml("    commands: {pong: {offline: drop}}\n")};
  auto server = play.accept();
  play.run_for(1ms);
  const auto pong = submit(play, "pong");
  play.run_for(1ms);
  CHECK(states(pong) == lines{"queued", "written"});
  CHECK(logged(play, "s: command pong written") == 1);
}

// A link ignores what is sent after its close frame: to call that written would be a lie.
TEST_CASE("a command that comes while the link is being closed does not leave by it") {
  stage play{
      talk_yaml("    commands: {put: {offline: queue}}\n    on: [{reply: done, do: {reconnect: why}}]\n")};
  auto first = play.accept();
  auto second = play.accept();
  play.run_for(1s);
  first->answers_close = false;
  first->say(say({{"op", "done"}}));
  play.run_for(1s);
  REQUIRE(first->close_received);
  const auto put = submit(play, "put");
  const auto get = submit(play, "get");
  play.run_for(1s);
  CHECK(states(put) == lines{"queued"});
  CHECK(states(get) == lines{"refused"});
  first->close({1000, ""});
  play.run_for(1ms);
  CHECK(first->received.empty());
  CHECK(heard(*second) == lines{"put"});
  CHECK(states(put) == lines{"queued", "written"});
}

TEST_CASE("what waits when the session ends is refused, and told") {
  stage play{talk_yaml("    commands: {put: {offline: queue}}\n"), true};
  const auto put = submit(play, "put");
  play.run_for(1s);
  CHECK(states(put) == lines{"queued", "refused"});
  CHECK(logged(play, "s: command put refused: the session has ended") == 1);
  CHECK(play.log().back() == "s: session ended");
}

// Servers take turns before the gate: it is asked in the name of the URL's host and port.
TEST_CASE("a session stands in the line of its server", "[dial_limiter]") {
  const auto [url, server] = GENERATE(table<std::string, std::string>({
      {"wss://a:1/x", "a:1"},
      {"wss://a:1?x", "a:1"},
      {"wss://a:1", "a:1"},
      {"${var:url}", "${var:url}"},
  }));
  stage play{"sessions: {s: {url: '" + url + "', before: [{set: {url: 'wss://b'}}]}}", false, 1};
  auto held = std::make_unique<dial_limiter::pass>(*play.limiter, "zzz");
  auto first = std::make_unique<dial_limiter::pass>(*play.limiter, server);
  auto second = std::make_unique<dial_limiter::pass>(*play.limiter, server);
  auto link = play.accept();
  play.run_for(1ms);
  held.reset();
  first.reset();
  play.run_for(1ms);
  CHECK(play.links.dials == 0);  // of the same line, the second is before it
  second.reset();
  play.run_for(1ms);
  CHECK(play.links.dials == 1);
}
