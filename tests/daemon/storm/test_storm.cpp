// Hundreds of runs of faults on a virtual clock, each drawn from a seed. A run that breaks a promise prints
// its seed; DUPLEXD_STORM_SEED=n runs that one alone, DUPLEXD_STORM_RUNS=n so many (300, of resets: each;
// with 100, each third).
#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/catch.hpp"
#include "tests/daemon/storm/storm.hpp"

using namespace duplexd;
using namespace duplexd::test;

namespace {

constexpr std::uint64_t usual_runs = 300;

std::uint64_t number_from(const char* variable, std::uint64_t standard) {
  const char* text = std::getenv(variable);
  return text == nullptr ? standard : std::stoull(text);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& each : lines) all += "\n  " + each;
  return all;
}

void check(const storm& weather) {
  INFO("broken:" << joined(weather.kept().broken()));
  INFO("log:" << joined(weather.log()));
  REQUIRE(weather.kept().broken().empty());
}

}  // namespace

TEST_CASE("whatever the network does, the promises are kept", "[storm]") {
  const std::uint64_t only = number_from("DUPLEXD_STORM_SEED", 0);
  const std::uint64_t runs = only != 0 ? 1 : number_from("DUPLEXD_STORM_RUNS", usual_runs);
  constexpr int states = static_cast<int>(command_state::refused) + 1;
  std::size_t ends[states] = {};
  unsigned gaps = 0;
  for (std::uint64_t i = 1; i <= runs; ++i) {
    const std::uint64_t seed = only != 0 ? only : i;
    INFO("DUPLEXD_STORM_SEED=" << seed);
    storm weather({.seed = seed});
    weather.run();
    check(weather);
    gaps += weather.kept().gaps();
    for (int state = 0; state < states; ++state)
      ends[state] += weather.kept().ended_as(static_cast<command_state>(state));
  }
  if (only != 0 || runs < 100) return;
  // A storm in which something never happens would prove nothing about it.
  // Nothing is durable (received), and what is queued has not ended.
  for (int state = static_cast<int>(command_state::queued) + 1; state < states; ++state) {
    INFO(name_of(static_cast<command_state>(state)));
    CHECK(ends[state] > 0);
  }
  CHECK(gaps > 0);
}

// One connection that is reset at its first I/O step, then at its second, and so on to the end of the run.
TEST_CASE("a reset at any I/O step is survived", "[storm]") {
  const std::uint64_t runs =
      std::clamp<std::uint64_t>(number_from("DUPLEXD_STORM_RUNS", usual_runs), 1, usual_runs);
  std::uint64_t last = 1;
  for (std::uint64_t at = 1; at <= last; at += usual_runs / runs) {
    INFO("reset at I/O step " << at << " of " << last);
    storm weather({.seed = 1, .reset_at = at});
    weather.run();
    check(weather);
    last = std::min<std::uint64_t>(weather.steps(), 1000);
  }
  CHECK(last > 100);
}
