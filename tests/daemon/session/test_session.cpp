#include <algorithm>
#include <cstring>

#include "tests/catch.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

// '=i' of the host, as the reference session's server answers.
std::string packed(std::int32_t value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

const std::string reference_login = R"({"role": "admin", "user_id": "test1234"})";
const std::string set_service = packed(2) + R"(["first", "test"])";
const std::string to_free = packed(0) + std::string(1, '\0');

// Answers every binary command with its opcode.
void echo_opcode(scripted_server& server, const message& what) {
  if (what.kind == protocol::frame_kind::binary) server.say(binary(what.bytes.substr(0, 4)));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("the reference session says, hears and logs what the asyncio script does") {
  stage play{reference_yaml, true};
  auto server = play.accept();
  server->on_message = echo_opcode;
  play.run_for(10s);

  CHECK(server->received ==
        std::vector<message>{text(reference_login), binary(set_service), binary(to_free)});
  REQUIRE(server->close_received);
  CHECK(server->close_received->code == 1000);
  CHECK(server->close_received->text == "user quit");
  CHECK(play.log() == std::vector<std::string>{
                          "callcentre: attempting connection to wss://ws.test.com:2443/",
                          "callcentre: connected", "callcentre: login sent", "callcentre: script finished",
                          "callcentre: closed: 1000 user quit", "callcentre: session ended"});
  REQUIRE(play.result);
  CHECK_FALSE(play.result->fatal);
  REQUIRE(play.out.lines.size() == 2);
  CHECK(
      play.out.lines[0] ==
      R"({"v":1,"time":"1970-01-01T00:00:00.500000Z","session":"callcentre","event":"reply","reply":"reply",)"
      R"("data":{"code":2,"rest":""}})"
      "\n");
  CHECK(
      play.out.lines[1] ==
      R"({"v":1,"time":"1970-01-01T00:00:01.000000Z","session":"callcentre","event":"reply","reply":"reply",)"
      R"("data":{"code":0,"rest":""}})"
      "\n");
}

TEST_CASE("steps wait for their time, and the login goes before them") {
  stage play{reference_yaml, true};
  auto server = play.accept();
  play.run_for(499ms);
  CHECK(server->received.size() == 1);
  play.run_for(1ms);
  CHECK(server->received.size() == 2);
  play.run_for(499ms);
  CHECK(server->received.size() == 2);
  play.run_for(1ms);
  CHECK(server->received.size() == 3);
}

TEST_CASE("a reply that no layout fits is an event with its bytes, and not fatal") {
  stage play{reference_yaml};
  auto server = play.accept();
  play.run_for(1ms);
  server->say(binary("\x01\x02\x03"));
  play.run_for(1ms);
  REQUIRE(play.out.lines.size() == 1);
  const auto event = nlohmann::json::parse(play.out.lines[0]);
  CHECK(event["event"] == "raw");
  CHECK(event["frame"] == "binary");
  CHECK(event["bytes"] == "010203");
  CHECK(event["size"] == 3);
  CHECK(event["error"]["offset"] == 0);
  CHECK_FALSE(event["error"]["message"].get<std::string>().empty());
  CHECK(play.session->state() == link_state::open);
}

TEST_CASE("replies that are still on their way when the close frame leaves are read") {
  stage play{reference_yaml, true};
  auto server = play.accept();
  server->on_message = echo_opcode;
  server->answers_close = false;
  play.run_for(1100ms);
  REQUIRE(server->close_received);
  server->say(binary(packed(7)));
  play.run_for(1ms);
  server->close({1000, "bye"});
  play.run_for(1ms);
  REQUIRE(play.out.lines.size() == 3);
  CHECK(play.out.lines[2].find(R"("code":7)") != std::string::npos);
  CHECK(play.log().back() == "callcentre: session ended");
}

TEST_CASE("a server that never answers the close frame is left after the close timeout") {
  stage play{reference_yaml, true};
  auto server = play.accept();
  server->on_message = echo_opcode;
  server->answers_close = false;
  play.run_for(5900ms);
  CHECK_FALSE(play.result);
  play.run_for(200ms);
  REQUIRE(play.result);
  CHECK_FALSE(play.result->fatal);
  CHECK(play.log()[play.log().size() - 2] == "callcentre: closed: 1006 no close frame came back");
}

TEST_CASE("an expected reply that does not come ends a session that runs once with a script fault") {
  stage play{reference_yaml, true};
  auto server = play.accept();
  play.run_for(20s);
  REQUIRE(play.result);
  REQUIRE(play.result->fatal);
  CHECK(play.result->fatal->kind == config::fault_class::script);
  CHECK(server->close_received);
}

TEST_CASE("a reply that came between the last send and the expect step counts, an earlier one does not") {
  const std::string yaml =
      replaced(reference_yaml, "- send: to_free\n", "- send: to_free\n      - sleep: 1s\n");
  stage play{yaml, true};
  auto server = play.accept();
  SECTION("after the last send") {
    server->on_message = [](scripted_server& self, const message& what) {
      if (what.bytes == to_free) self.say(binary(packed(0)));
    };
    play.run_for(20s);
    REQUIRE(play.result);
    CHECK_FALSE(play.result->fatal);
  }
  SECTION("before it") {
    server->on_message = [](scripted_server& self, const message& what) {
      if (what.bytes == set_service) self.say(binary(packed(2)));
    };
    play.run_for(20s);
    REQUIRE(play.result);
    CHECK(play.result->fatal);
  }
}

TEST_CASE("without --once the session stays, receives, and logs in again after each loss") {
  stage play{reference_yaml};
  auto first = play.accept();
  first->on_message = echo_opcode;
  auto second = play.accept();
  second->on_message = echo_opcode;
  play.run_for(10s);
  CHECK(play.session->state() == link_state::open);
  first->vanish({.kind = config::fault_class::lost, .cause = "the connection was reset"});
  play.run_for(10s);
  CHECK(second->received ==
        std::vector<message>{text(reference_login), binary(set_service), binary(to_free)});
  CHECK(play.links.dials == 2);
  const auto& log = play.log();
  CHECK(std::ranges::count(log, "callcentre: lost: the connection was reset; next attempt in 1.0 s") == 1);
}

TEST_CASE("a refused dial is tried again with growing delays, for ever") {
  stage play{reference_yaml};
  play.run_for(24h);
  // Delays 1, 2, 4, 8, 16, 32, then 60 s for the rest of the day.
  CHECK(play.links.dials == 1 + 6 + (24 * 3600 - 63) / 60);
  CHECK_FALSE(play.result);
  CHECK(play.log()[1] == "callcentre: connect: connection refused; next attempt in 1.0 s");
  CHECK(play.log()[3] == "callcentre: connect: connection refused; next attempt in 2.0 s");
}

TEST_CASE("a fault that the configuration calls fatal ends the session and names itself") {
  stage play{replaced(reference_yaml, "    outputs:", "    reconnect: {fatal: [tls]}\n    outputs:")};
  play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  play.refuse({.kind = config::fault_class::tls, .cause = "certificate has expired"});
  play.run_for(1min);
  REQUIRE(play.result);
  REQUIRE(play.result->fatal);
  CHECK(play.result->fatal->kind == config::fault_class::tls);
  CHECK(play.log()[play.log().size() - 2] == "callcentre: tls: certificate has expired; giving up");
}

TEST_CASE("stop closes an open link with the configured close frame") {
  stage play{reference_yaml};
  auto server = play.accept();
  play.run_for(100ms);
  play.session->stop();
  play.run_for(100ms);
  REQUIRE(server->close_received);
  CHECK(server->close_received->text == "user quit");
  REQUIRE(play.result);
  CHECK_FALSE(play.result->fatal);
  CHECK(server->received.size() == 1);
}

TEST_CASE("stop gives up a wait") {
  stage play{reference_yaml};
  play.run_for(500ms);
  play.session->stop();
  play.run_for(1ms);
  REQUIRE(play.result);
  CHECK_FALSE(play.result->fatal);
}

TEST_CASE("a silent link is pinged, and given up after the idle timeout") {
  stage play{reference_yaml};
  auto server = play.accept();
  server->on_message = echo_opcode;
  play.run_for(59s);
  CHECK(server->pings == 2);
  CHECK(play.session->state() == link_state::open);
  play.run_for(3s);
  CHECK_FALSE(server->close_received);
  CHECK(std::ranges::count(
            play.log(),
            "callcentre: liveness: nothing was heard from the server for 60 s; next attempt in 1.0 s") == 1);
}

TEST_CASE(
    "an output that takes nothing holds the receiver back, and the silence is not blamed on the server") {
  stage play{reference_yaml};
  auto server = play.accept();
  server->on_message = echo_opcode;
  play.run_for(2s);
  play.out.full = true;
  server->say(binary(packed(1)));
  play.run_for(1ms);
  server->say(binary(packed(2)));
  const auto before = play.out.lines.size();
  play.run_for(5min);
  CHECK(play.out.lines.size() == before);
  CHECK(play.session->state() == link_state::open);
  play.out.full = false;
  play.out.changed.notify();
  play.run_for(1s);
  CHECK(play.out.lines.size() == before + 2);
  CHECK(play.session->state() == link_state::open);
}

TEST_CASE("everything waits for the login's reply, and another reply means rejected") {
  const std::string with_timeout =
      replaced(reference_yaml, "    outputs:", "    timeouts: {login: 3s}\n    outputs:");
  const std::string yaml =
      replaced(with_timeout, "user_id: test1234}}", "user_id: test1234}, expect: reply, where: {code: 1}}");
  stage play{yaml, true};
  auto server = play.accept();
  play.run_for(2s);
  CHECK(server->received.size() == 1);
  SECTION("granted") {
    server->say(binary(packed(1)));
    play.run_for(600ms);
    CHECK(server->received.size() == 2);
  }
  SECTION("rejected") {
    server->say(binary(packed(9)));
    play.run_for(1s);
    REQUIRE(play.result);
    REQUIRE(play.result->fatal);
    CHECK(play.result->fatal->kind == config::fault_class::login_rejected);
    CHECK(server->received.size() == 1);
  }
  SECTION("silence") {
    play.run_for(2s);
    REQUIRE(play.result);
    CHECK(play.result->fatal->kind == config::fault_class::script);
  }
}

TEST_CASE("a rejected login is not hammered") {
  stage play{reference_yaml};
  play.random = 0;
  for (int i = 0; i < 100; ++i)
    play.refuse({.kind = config::fault_class::login_rejected, .cause = "HTTP 401"});
  play.run_for(10min);
  CHECK(play.links.dials == 1 + 20);  // every half of the longest delay at the least
}

TEST_CASE("a command submitted from outside goes through the same door and ends in one state") {
  stage play{reference_yaml};
  auto server = play.accept();
  server->on_message = echo_opcode;
  play.run_for(2s);
  SECTION("written") {
    const auto command = play.session->submit("to_free", {});
    play.run_for(1ms);
    CHECK(command->state == command_state::written);
    CHECK(server->received.back() == binary(to_free));
  }
  SECTION("refused: no such command") {
    CHECK(play.session->submit("to_fre", {})->state == command_state::refused);
  }
  SECTION("refused: unknown field") {
    CHECK(play.session->submit("to_free", {{"sate", 1}})->state == command_state::refused);
  }
  SECTION("unknown: the link ended before the kernel took it") {
    server->takes_bytes = false;
    const auto command = play.session->submit("to_free", {});
    play.run_for(1ms);
    CHECK(command->state == command_state::queued);
    server->vanish({.kind = config::fault_class::lost, .cause = "reset"});
    play.run_for(1ms);
    CHECK(command->state == command_state::unknown);
    CHECK(play.session->submit("to_free", {})->state == command_state::refused);
  }
}

// Bounded work in each turn of the loop: others, timers and the watchdog have theirs in between.
TEST_CASE("a flood on one link leaves turns for everybody else") {
  stage play{reference_yaml};
  auto server = play.accept();
  server->on_message = echo_opcode;
  play.run_for(10s);
  const std::size_t before = play.out.lines.size();
  constexpr std::size_t flood = 10'000;
  for (std::size_t i = 0; i < flood; ++i) server->say(binary(packed(7)));
  std::size_t seen = before;
  std::size_t most_in_a_turn = 0;
  for (int turn = 0; turn < 1'000 && seen < before + flood; ++turn) {
    play.run_turns(1);
    most_in_a_turn = std::max(most_in_a_turn, play.out.lines.size() - seen);
    seen = play.out.lines.size();
  }
  CHECK(seen == before + flood);
  CHECK(most_in_a_turn == 256);
}
