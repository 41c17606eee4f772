#include <algorithm>

#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;
using nlohmann::ordered_json;

namespace {

/// What a command's submitter was told, in order.
struct follower {
  lines states;
  std::function<void(const submission&)> hook() {
    return [this](const submission& what) { states.emplace_back(name_of(what.state)); };
  }
};

const char* const queueing = R"(
    commands:
      put: {offline: queue, ttl: 10s, coalesce: [id]}
      get: {offline: queue, ttl: 10s, confirm: got, correlate: {id: id}, timeout: 3s}
      pong: {offline: drop}
    outbox: {max: 3}
)";

}  // namespace

// Commands that come before there is a link wait for the login, then leave in order.
TEST_CASE("queued commands wait for the login") {
  stage play{talk_yaml(std::string(queueing) + "    login: {json: {op: hello}, expect: done}\n")};
  auto server = play.accept();
  follower put;
  follower pong;
  play.session->submit("put", {{"id", 1}}, put.hook());
  play.session->submit("pong", {}, pong.hook());
  CHECK(put.states == lines{"queued"});
  CHECK(pong.states == lines{"refused"});
  play.run_for(2s);
  CHECK(heard(*server) == lines{"hello"});
  server->say(say({{"op", "done"}}));
  play.run_for(1s);
  CHECK(heard(*server) == lines{"hello", "put 1"});
  CHECK(put.states == lines{"queued", "written"});
}

TEST_CASE("a stale command is never sent") {
  stage play{talk_yaml(queueing)};
  for (int i = 0; i < 4; ++i) play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  auto server = play.accept();
  follower early;
  follower late;
  play.session->submit("put", {{"id", 1}}, early.hook());
  play.run_for(9s);
  play.session->submit("put", {{"id", 2}}, late.hook());
  play.run_for(8s);
  CHECK(early.states == lines{"queued", "expired"});
  CHECK(heard(*server) == lines{"put 2"});
  CHECK(late.states == lines{"queued", "written"});
}

TEST_CASE("the queue is bounded, and newer commands replace older ones of their kind") {
  stage play{talk_yaml(queueing)};
  play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  auto server = play.accept();
  std::vector<follower> told(5);
  play.session->submit("put", {{"id", 1}, {"data", "old"}}, told[0].hook());
  play.session->submit("put", {{"id", 2}}, told[1].hook());
  play.session->submit("put", {{"id", 1}, {"data", "new"}}, told[2].hook());
  play.session->submit("get", {{"id", 3}}, told[3].hook());
  play.session->submit("get", {{"id", 4}}, told[4].hook());
  CHECK(told[0].states == lines{"queued", "replaced"});
  CHECK(told[4].states == lines{"refused"});
  play.run_for(5s);
  CHECK(heard(*server) == lines{"put 1", "put 2", "get 3"});
  CHECK(values_of(server->received[0])["data"] == "new");
}

TEST_CASE("a command is confirmed by its reply, by nobody else's, or not in time") {
  stage play{talk_yaml(queueing)};
  auto server = play.accept();
  play.run_for(1s);
  follower one;
  follower two;
  play.session->submit("get", {{"id", 1}}, one.hook());
  play.session->submit("get", {{"id", 2}}, two.hook());
  play.run_for(100ms);
  server->say(say({{"op", "got"}, {"id", 2}}));
  server->say(say({{"op", "got"}, {"id", 2}}));
  play.run_for(2s);
  CHECK(one.states == lines{"queued", "written"});
  CHECK(two.states == lines{"queued", "written", "confirmed"});
  play.run_for(2s);
  CHECK(one.states == lines{"queued", "written", "timed out"});
}

TEST_CASE("what was written but not confirmed when the link ends is unknown, and not sent again") {
  stage play{talk_yaml(queueing)};
  auto server = play.accept();
  auto next = play.accept();
  play.run_for(1s);
  follower told;
  play.session->submit("get", {{"id", 1}}, told.hook());
  play.run_for(1s);
  server->vanish({.kind = config::fault_class::lost, .cause = "reset"});
  play.run_for(10s);
  CHECK(told.states == lines{"queued", "written", "unknown"});
  CHECK(next->received.empty());
}

TEST_CASE("submitted commands wait for their turn, and the end of the session refuses what is left") {
  stage play{talk_yaml(std::string(queueing) + "    rate: {messages: 1, per: 5s}\n")};
  auto server = play.accept();
  play.run_for(1s);
  std::vector<follower> told(3);
  for (int i = 0; i < 3; ++i)
    play.session->submit("put", {{"id", i}}, told[static_cast<std::size_t>(i)].hook());
  play.run_for(1s);
  CHECK(server->received.size() == 1);
  play.run_for(5s);
  CHECK(server->received.size() == 2);
  play.session->stop();
  play.run_for(10s);
  REQUIRE(play.result);
  CHECK(told[2].states == lines{"queued", "refused"});
}
