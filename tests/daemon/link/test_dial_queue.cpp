// Who may dial when: places, turns of the servers, and dials that take long.
#include "daemon/link/dial_queue.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;
using dial_numbers = std::vector<dial_queue::number>;

namespace {
constexpr duplexd::clock::time_point start{};
}

TEST_CASE("no more dials begin than there are places", "[dial_queue]") {
  dial_queue line{2};
  for (int i = 0; i < 4; ++i) line.enter("a");
  CHECK(line.admit(start) == dial_numbers{1, 2});
  CHECK(line.admit(start).empty());
  line.leave("a", 2);
  CHECK(line.admit(start) == dial_numbers{3});
  line.leave("a", 1);
  line.leave("a", 3);
  CHECK(line.admit(start) == dial_numbers{4});
  line.leave("a", 4);
  CHECK(line.admit(start).empty());
}

TEST_CASE("servers take turns, and those before one server come in order", "[dial_queue]") {
  dial_queue line{1};
  for (int i = 0; i < 3; ++i) line.enter("crowded");  // 1, 2, 3
  line.enter("quiet");                                // 4
  line.enter("crowded");                              // 5
  line.enter("another");                              // 6
  dial_numbers order;
  for (auto next = line.admit(start); !next.empty(); next = line.admit(start)) {
    order.push_back(next.at(0));
    for (const char* server : {"crowded", "quiet", "another"}) line.leave(server, next.at(0));
  }
  CHECK(order == dial_numbers{6, 1, 4, 2, 3, 5});
}

TEST_CASE("a dial that takes long loses its place to the next", "[dial_queue]") {
  dial_queue line{1};
  line.enter("mute");
  CHECK(line.admit(start) == dial_numbers{1});
  CHECK_FALSE(line.check_at());  // nobody waits
  line.enter("a");
  REQUIRE(line.check_at());
  CHECK(*line.check_at() == start + dial_queue::longest);
  CHECK(line.admit(start + 999ms).empty());
  CHECK(line.admit(start + 1s) == dial_numbers{2});
  line.leave("mute", 1);  // its place was given away: nobody else is let in for it
  line.enter("a");
  CHECK(line.admit(start + 1s).empty());
  line.leave("a", 2);
  CHECK(line.admit(start + 1s) == dial_numbers{3});
}

TEST_CASE("who leaves the line is not admitted", "[dial_queue]") {
  dial_queue line{1};
  for (int i = 0; i < 3; ++i) line.enter("a");
  CHECK(line.admit(start) == dial_numbers{1});
  line.leave("a", 2);
  line.leave("a", 1);
  CHECK(line.admit(start) == dial_numbers{3});
  CHECK_FALSE(line.check_at());
}

TEST_CASE("all places that were held too long are free at once", "[dial_queue]") {
  dial_queue line{2};
  for (int i = 0; i < 4; ++i) line.enter("a");
  CHECK(line.admit(start) == dial_numbers{1, 2});
  CHECK(line.admit(start + dial_queue::longest - 1ns).empty());
  CHECK(line.admit(start + dial_queue::longest) == dial_numbers{3, 4});
}

// The first of the places that will be free is the one to look for.
TEST_CASE("a look is due when the oldest place ends, and only while somebody waits", "[dial_queue]") {
  dial_queue line{2};
  CHECK_FALSE(line.check_at());
  line.enter("a");
  CHECK_FALSE(line.check_at());  // a place is free: nothing to wait for
  line.admit(start);
  line.enter("b");
  line.admit(start + 300ms);
  CHECK_FALSE(line.check_at());
  const auto waiting = line.enter("c");
  CHECK(line.check_at() == start + dial_queue::longest);
  line.leave("a", 1);
  CHECK(line.check_at() == start + 300ms + dial_queue::longest);
  line.leave("c", waiting);
  CHECK_FALSE(line.check_at());
}

TEST_CASE("who leaves twice, or was never there, changes nothing", "[dial_queue]") {
  dial_queue line{1};
  line.enter("a");
  line.enter("a");
  CHECK(line.admit(start) == dial_numbers{1});
  line.leave("b", 99);
  line.leave("a", 99);
  CHECK(line.admit(start).empty());
  line.leave("a", 1);
  line.leave("a", 1);
  CHECK(line.admit(start) == dial_numbers{2});
  CHECK(line.admit(start).empty());
}
