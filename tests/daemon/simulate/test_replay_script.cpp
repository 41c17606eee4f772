#include <chrono>
#include <string>
#include <vector>

#include "daemon/simulate/replay_script.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace std::chrono_literals;
using action = replay_step::action;
using protocol::frame_kind;

const auto day = std::chrono::system_clock::time_point{} + 24h;
const replay_script::time_point start{};

capture_entry opened() {
  return {.time = day, .session = "a", .event = capture_event::opened};
}
capture_entry said(capture_way way, std::chrono::milliseconds at, std::string bytes) {
  const std::size_t size = bytes.size();
  return {.time = day + at, .session = "a", .way = way, .bytes = std::move(bytes), .size = size};
}
capture_entry closed(capture_way way, std::chrono::milliseconds at, std::uint16_t code) {
  return {.time = day + at, .session = "a", .event = capture_event::close, .way = way, .reason = {code, ""}};
}
capture_entry ended(std::chrono::milliseconds at, std::string fault = {}) {
  return {.time = day + at, .session = "a", .event = capture_event::ended, .fault = std::move(fault)};
}
constexpr auto in = capture_way::in;
constexpr auto out = capture_way::out;

void say(replay_script& script, const std::string& bytes, frame_kind kind = frame_kind::binary) {
  script.client_said(
      {.kind = kind, .bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}});
}

}  // namespace

TEST_CASE("what followed a client's message follows it again, after the same time") {
  replay_script script(
      {opened(), said(in, 100ms, "hello"), said(out, 500ms, "A"), said(in, 530ms, "B"), said(in, 560ms, "C"),
       closed(out, 600ms, 1000), closed(in, 601ms, 1000), ended(602ms)},
      1, start);
  CHECK(script.next(start).until == start + 100ms);
  auto step = script.next(start + 100ms);
  CHECK(step.kind == action::say);
  CHECK(step.what->bytes == "hello");
  CHECK(script.next(start + 100ms).kind == action::wait);
  say(script, "A");  // two seconds later than in the capture
  CHECK(script.next(start + 2500ms).until == start + 2530ms);
  CHECK(script.next(start + 2531ms).what->bytes == "B");
  CHECK(script.next(start + 2531ms).until == start + 2560ms);
  CHECK(script.next(start + 2560ms).what->bytes == "C");
  CHECK(script.next(start + 2560ms).kind == action::wait);
  script.client_left(close_reason{1000, ""});
  CHECK(script.next(start + 3s).kind == action::over);
  CHECK(script.equal() == 1);
  CHECK(script.differences().empty());
}

TEST_CASE("speed divides the delays, and 0 does without") {
  const std::vector<capture_entry> link{opened(), said(in, 1000ms, "x")};
  replay_script fast(link, 10, start);
  CHECK(fast.next(start).until == start + 100ms);
  replay_script max(link, 0, start);
  CHECK(max.next(start).kind == action::say);
}

TEST_CASE("a burst is said at once, and before the client's close what reached it only after that") {
  replay_script script({opened(), said(in, 100ms, "1"), said(in, 103ms, "2"), closed(out, 104ms, 1000),
                        said(in, 140ms, "3"), closed(in, 150ms, 1000), ended(151ms)},
                       1, start);
  CHECK(script.next(start).until == start + 100ms);
  for (const char* each : {"1", "2", "3"}) CHECK(script.next(start + 100ms).what->bytes == each);
  CHECK(script.next(start + 100ms).kind == action::wait);
  script.client_left(close_reason{1000, ""});
  CHECK(script.differences().empty());
}

TEST_CASE("a client's message that differs is told with its number, and the replay goes on") {
  replay_script script({opened(), said(out, 0ms, "A"), said(in, 1ms, "a"), said(out, 2ms, "B"), ended(3ms)},
                       0, start);
  say(script, "X");
  CHECK(script.next(start).what->bytes == "a");
  say(script, "B", frame_kind::text);  // the same bytes in another kind of frame
  CHECK(script.next(start).kind == action::wait);
  REQUIRE(script.differences().size() == 2);
  CHECK(script.differences()[0].number == 1);
  CHECK(script.differences()[0].expected->bytes == "A");
  CHECK(script.differences()[0].found == "X");
  CHECK(script.differences()[1].number == 2);
  CHECK(script.differences()[1].kind == frame_kind::text);
}

TEST_CASE("a redacted message of the client's stands for any, one of the server's is left out") {
  auto login = said(out, 0ms, R"({"token":"***"})");
  login.redacted = true;
  auto secret = said(in, 1ms, "");
  secret.redacted = true;
  secret.bytes.reset();
  replay_script script({opened(), login, secret, said(in, 2ms, "b")}, 0, start);
  say(script, "anything");
  CHECK(script.next(start).what->bytes == "b");
  CHECK(script.equal() == 1);
  CHECK(script.differences().empty());
}

TEST_CASE("messages that are missing or too many are differences") {
  const std::vector<capture_entry> link{opened(), said(out, 0ms, "A"), said(out, 1ms, "B"),
                                        closed(out, 2ms, 1000), ended(3ms)};
  SECTION("the client leaves too early") {
    replay_script script(link, 0, start);
    say(script, "A");
    script.client_left(close_reason{1000, ""});
    REQUIRE(script.differences().size() == 2);  // B, and a close before its time
    CHECK(script.differences()[0].expected->bytes == "B");
    CHECK(script.differences()[0].found == "close 1000");
  }
  SECTION("the client says no more") {
    replay_script script(link, 0, start);
    say(script, "A");
    CHECK(script.next(start).kind == action::wait);
    CHECK(script.next(start + 9s).kind == action::wait);
    CHECK(script.next(start + 11s).kind == action::over);
    CHECK(script.differences().size() == 2);
  }
  SECTION("the client says more") {
    replay_script script(link, 0, start);
    for (const char* each : {"A", "B", "C"}) say(script, each);
    CHECK(script.next(start).kind == action::wait);
    script.client_left(close_reason{1000, ""});
    REQUIRE(script.differences().size() == 1);
    CHECK(script.differences()[0].number == 3);
    CHECK(script.differences()[0].expected == nullptr);
  }
  SECTION("the client closes with another code") {
    replay_script script(link, 0, start);
    for (const char* each : {"A", "B"}) say(script, each);
    script.client_left(close_reason{4000, "oops"});
    REQUIRE(script.differences().size() == 1);
    CHECK(script.differences()[0].found == "close 4000 oops");
  }
}

TEST_CASE("the server closes, vanishes or falls silent as it did") {
  SECTION("a close frame") {
    replay_script script({opened(), closed(in, 10ms, 1001), closed(out, 11ms, 1001), ended(12ms)}, 0, start);
    const auto step = script.next(start);
    CHECK(step.kind == action::close);
    CHECK(step.what->reason.code == 1001);
    CHECK(script.next(start).kind == action::over);
    script.client_left(close_reason{1001, ""});
    CHECK(script.differences().empty());
  }
  SECTION("a lost connection") {
    replay_script script({opened(), ended(10ms, "lost")}, 1, start);
    CHECK(script.next(start).kind == action::wait);
    CHECK(script.next(start + 10ms).kind == action::drop);
  }
  SECTION("silence, until the client gives up") {
    replay_script script({opened(), ended(60s)}, 1, start);
    CHECK(script.next(start + 59s).kind == action::wait);
    script.client_left(std::nullopt);
    CHECK(script.differences().empty());
  }
}

TEST_CASE("the first link of a session is found, or the reason why not") {
  auto other = opened();
  other.session.assign(1, 'b');  // "b" is a false alarm of g++ 12 (-Wrestrict)
  std::string why;
  const std::vector<capture_entry> capture{
      ended(0ms), opened(), other, said(in, 1ms, "1"), ended(2ms), opened(), said(in, 3ms, "2")};
  const auto link = first_link(capture, "a", why);
  REQUIRE(link);
  CHECK(link->size() == 3);
  CHECK((*link)[1].bytes == "1");
  CHECK_FALSE(first_link(capture, "", why));
  CHECK(why == "choose a session with --session; available: a, b");
  CHECK_FALSE(first_link(capture, "c", why));
  CHECK(why == "no such session in it; available: a, b");
  CHECK_FALSE(first_link({}, "", why));
  CHECK(why == "there is no link in it");
}

TEST_CASE("a client's message is awaited for its own time and ten seconds more") {
  const std::vector<capture_entry> link{opened(), said(out, 500ms, "A"), said(in, 600ms, "a")};
  const auto limit = start + 500ms + replay_script::patience;
  replay_script silent(link, 1, start);
  CHECK(silent.next(start).until == limit);
  CHECK(silent.next(limit - 1ns).kind == action::wait);
  CHECK(silent.next(limit).kind == action::over);
  REQUIRE(silent.differences().size() == 1);
  CHECK(silent.differences()[0].number == 1);
  CHECK(silent.differences()[0].found == "nothing within 10 s of its time");
  replay_script late(link, 1, start);
  say(late, "A");
  CHECK(late.next(limit - 1ns).until == limit - 1ns + 100ms);
  CHECK(late.differences().empty());
}

// Counted from the first of them, so that a steady stream is none.
TEST_CASE("a burst is what came within five milliseconds") {
  replay_script script({opened(), said(in, 100ms, "1"), said(in, 104ms, "2"), said(in, 105ms, "3"),
                        said(out, 106ms, "A"), said(in, 107ms, "4")},
                       1, start);
  for (const char* each : {"1", "2"}) CHECK(script.next(start + 100ms).what->bytes == each);
  CHECK(script.next(start + 100ms).until == start + 105ms);
  CHECK(script.next(start + 105ms).what->bytes == "3");
  say(script, "A");
  CHECK(script.next(start + 105ms).until == start + 106ms);  // a message of the client's is between
}

TEST_CASE("a client that leaves before everything was said is told from one that leaves at the end") {
  const std::vector<capture_entry> link{opened(), said(out, 0ms, "A"), said(in, 1s, "a"), said(in, 2s, "b")};
  const auto left_at = [&](std::chrono::milliseconds when, const std::optional<close_reason>& closed) {
    replay_script script(link, 1, start);
    say(script, "A");
    for (auto step = script.next(start + when); step.kind == action::say;) step = script.next(start + when);
    script.client_left(closed);
    CHECK(script.next(start + 1h).kind == action::over);
    return script.differences();
  };
  const auto early = left_at(1s, close_reason{1000, ""});
  REQUIRE(early.size() == 1);
  CHECK(early[0].number == 0);
  CHECK(early[0].expected == nullptr);
  CHECK(early[0].found == "close 1000, before everything was said");
  CHECK(left_at(0s, std::nullopt).at(0).found == "the connection was lost, before everything was said");
}

TEST_CASE("a close is as recorded with both its code and its reason") {
  auto recorded = closed(out, 1ms, 4000);
  recorded.reason.text = "enough";
  const std::vector<capture_entry> whole{opened(), recorded, ended(2ms)};
  replay_script same(whole, 0, start);
  CHECK(same.next(start).kind == action::wait);
  same.client_left(close_reason{4000, "enough"});
  CHECK(same.differences().empty());
  for (const std::optional<close_reason>& each :
       {std::optional(close_reason{4001, "enough"}), std::optional(close_reason{4000, ""}),
        std::optional<close_reason>()}) {
    replay_script script(whole, 0, start);
    CHECK(script.next(start).kind == action::wait);
    script.client_left(each);
    const auto found = script.differences();
    REQUIRE(found.size() == 1);
    CHECK(found[0].number == 0);
    REQUIRE(found[0].expected);
    CHECK(found[0].expected->reason.code == 4000);
  }
}

TEST_CASE("messages that come together with the close are compared") {
  replay_script script(
      {opened(), said(out, 0ms, "A"), said(out, 1ms, "B"), closed(out, 2ms, 1000), ended(3ms)}, 0, start);
  say(script, "A");
  say(script, "X");
  script.client_left(close_reason{1000, ""});
  CHECK(script.equal() == 1);
  REQUIRE(script.differences().size() == 1);
  CHECK(script.differences()[0].number == 2);
  CHECK(script.differences()[0].found == "X");
}
