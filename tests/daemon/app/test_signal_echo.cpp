#include <csignal>
#include <vector>

#include "daemon/app/signal_echo.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using std::chrono::milliseconds;

namespace {

struct caught {
  int number;
  int at;  // ms
};

// What is let through.
std::vector<int> heard(const std::vector<caught>& all) {
  signal_echo echo;
  std::vector<int> times;
  for (const caught& each : all)
    if (!echo.is_echo(each.number, signal_echo::time_point{milliseconds{each.at}})) times.push_back(each.at);
  return times;
}

}  // namespace

TEST_CASE("a signal to the process and then to its group is one") {
  CHECK(heard({{SIGTERM, 5}, {SIGTERM, 5}}) == std::vector{5});
  CHECK(heard({{SIGTERM, 0}, {SIGTERM, 249}}) == std::vector{0});
}

TEST_CASE("who asks again asks a second time") {
  CHECK(heard({{SIGTERM, 0}, {SIGTERM, 250}}) == std::vector{0, 250});
  CHECK(heard({{SIGINT, 0}, {SIGTERM, 1}}) == std::vector{0, 1});
}

// A key that is held down must not put the second request off for ever.
TEST_CASE("the time counts from the signal that was heard") {
  CHECK(heard({{SIGINT, 0}, {SIGINT, 200}, {SIGINT, 260}, {SIGINT, 400}, {SIGINT, 510}}) ==
        std::vector{0, 260, 510});
}
