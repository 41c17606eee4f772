#include "daemon/event/flood_guard.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;

namespace {

unsigned admitted(flood_guard& guard, flood_guard::time_point from, unsigned count,
                  std::chrono::seconds apart, std::string_view session = "a",
                  std::string_view name = "undecodable") {
  unsigned written = 0;
  for (unsigned i = 0; i < count; ++i)
    if (guard.admits(session, name, from + i * apart)) ++written;
  return written;
}

}  // namespace

TEST_CASE("a flood of warnings is cut to a few, and what was left out is counted once") {
  flood_guard guard;
  const flood_guard::time_point start{1h};
  CHECK(admitted(guard, start, 1'000, 0s) == flood_guard::burst);
  const auto left_out = guard.take_held_back("a", "undecodable");
  REQUIRE(left_out.size() == 1);
  CHECK(left_out[0].name == "undecodable");
  CHECK(left_out[0].count == 995);
  CHECK(guard.take_held_back("a").empty());

  CHECK(admitted(guard, start + 1s, 100, 1s) == 10);
  CHECK(guard.take_held_back("a").front().count == 90);
}

TEST_CASE("warnings that come rarely are all written, and a pause gives the burst again") {
  flood_guard guard;
  const flood_guard::time_point start{1h};
  CHECK(admitted(guard, start, 100, 10s) == 100);
  CHECK(admitted(guard, start + 2h, 100, 0s) == flood_guard::burst);
}

TEST_CASE("each warning of each session is limited by itself") {
  flood_guard guard;
  const flood_guard::time_point start{1h};
  CHECK(admitted(guard, start, 10, 0s) == flood_guard::burst);
  CHECK(admitted(guard, start, 10, 0s, "a", "sequence_broken") == flood_guard::burst);
  CHECK(admitted(guard, start, 10, 0s, "b") == flood_guard::burst);
  CHECK(guard.take_held_back("a").size() == 2);
  CHECK(guard.take_held_back("b").size() == 1);
}

TEST_CASE("the turn after the burst comes when its time has passed, not before") {
  flood_guard guard;
  const flood_guard::time_point start{1h};
  CHECK(admitted(guard, start, 5, 0s) == 5);
  CHECK_FALSE(guard.admits("a", "undecodable", start + 10s - 1ns));
  CHECK(guard.admits("a", "undecodable", start + 10s));
  CHECK_FALSE(guard.admits("a", "undecodable", start + 20s - 1ns));
  CHECK(guard.admits("a", "undecodable", start + 20s));
}

TEST_CASE("what was held back of one warning is taken without the others") {
  flood_guard guard;
  const flood_guard::time_point start{1h};
  const std::pair<const char*, unsigned> warnings[] = {{"aa", 1}, {"bb", 2}, {"cc", 3}};
  for (const auto& [name, more] : warnings) {
    admitted(guard, start, flood_guard::burst + more, 0s, "s", name);
    admitted(guard, start, flood_guard::burst + 7, 0s, "t", name);
  }
  const auto one = guard.take_held_back("s", "bb");
  REQUIRE(one.size() == 1);
  CHECK(one[0].name == "bb");
  CHECK(one[0].count == 2);
  CHECK(guard.take_held_back("s", "bb").empty());
  CHECK(guard.take_held_back("s", "b").empty());
  CHECK(guard.take_held_back("s", "none").empty());
  CHECK(guard.take_held_back("r").empty());
  const auto rest = guard.take_held_back("s");
  REQUIRE(rest.size() == 2);
  CHECK(rest[0].name == "aa");
  CHECK(rest[0].count == 1);
  CHECK(rest[1].name == "cc");
  CHECK(rest[1].count == 3);
  CHECK(guard.take_held_back("s").empty());
  CHECK(guard.take_held_back("t").size() == 3);
}

TEST_CASE("what was not held back is not counted") {
  flood_guard guard;
  CHECK(admitted(guard, flood_guard::time_point{1h}, flood_guard::burst, 0s) == flood_guard::burst);
  CHECK(guard.take_held_back("a").empty());
  CHECK(admitted(guard, flood_guard::time_point{1h}, 1, 0s) == 0);
  CHECK(guard.take_held_back("a").size() == 1);
}
