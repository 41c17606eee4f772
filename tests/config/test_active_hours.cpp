#include "config/active_hours.hpp"
#include "tests/catch.hpp"

using duplexd::config::active_hours;
using namespace std::chrono_literals;
using std::chrono::sys_days;

namespace {

active_hours hours(const std::string& zone, const std::vector<std::string>& windows) {
  std::string error;
  active_hours made(zone, windows, error);
  INFO(error);
  REQUIRE(error.empty());
  return made;
}

std::string error_of(const std::string& zone, const std::vector<std::string>& windows) {
  std::string error;
  const active_hours made(zone, windows, error);
  return error;
}

constexpr active_hours::time_point at(int year, unsigned month, unsigned day, std::chrono::seconds time) {
  return sys_days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}} + time;
}

}  // namespace

// 2026-11-20 is a Friday; New York is five hours behind in winter.
TEST_CASE("hours of the week in a time zone") {
  const auto market = hours("America/New_York", {"Mon-Fri 09:30-16:00"});
  CHECK_FALSE(market.holds(at(2026, 11, 20, 14h + 29min)));
  CHECK(market.holds(at(2026, 11, 20, 14h + 30min)));
  CHECK(market.holds(at(2026, 11, 20, 20h + 59min + 59s)));
  CHECK_FALSE(market.holds(at(2026, 11, 20, 21h)));
  CHECK_FALSE(market.holds(at(2026, 11, 21, 15h)));
  CHECK(market.next_change(at(2026, 11, 20, 15h)) == at(2026, 11, 20, 21h));
  CHECK(market.next_change(at(2026, 11, 20, 21h)) == at(2026, 11, 23, 14h + 30min));
  CHECK(active_hours{}.holds(at(2026, 11, 21, 3h)));
}

// Germany's clocks go from 2:00 to 3:00 on 2026-03-29, at 1:00 UTC.
TEST_CASE("summer time is the zone's") {
  const auto night = hours("Europe/Berlin", {"Sun 01:00-04:00"});
  CHECK(night.next_change(at(2026, 3, 29, 0h)) == at(2026, 3, 29, 2h));
  const auto day = hours("Europe/Berlin", {"08:00-24:00"});
  CHECK(day.next_change(at(2026, 3, 28, 23h)) == at(2026, 3, 29, 6h));
  CHECK(day.next_change(at(2026, 3, 29, 6h)) == at(2026, 3, 29, 22h));
}

TEST_CASE("windows over the weekend, and beside each other") {
  const auto fx = hours("UTC", {"Sun 22:00-24:00", "Mon-Thu 00:00-24:00", "Fri 00:00-22:00"});
  CHECK(fx.next_change(at(2026, 11, 20, 12h)) == at(2026, 11, 20, 22h));
  CHECK(fx.next_change(at(2026, 11, 20, 22h)) == at(2026, 11, 22, 22h));
  CHECK(fx.next_change(at(2026, 11, 22, 22h)) == at(2026, 11, 27, 22h));
  CHECK(hours("UTC", {"Fri-Mon 10:00-11:00"}).holds(at(2026, 11, 22, 10h + 30min)));
}

TEST_CASE("hours that cannot be meant") {
  CHECK(error_of("Mars/Olympus", {"00:00-24:00"}).find("there is no time zone 'Mars/Olympus'") == 0);
  for (const char* window :
       {"Mon 9:30-16:00", "Mo 09:30-16:00", "Mon 16:00-09:30", "09:60-10:00", "24:30-25:00", "Mon"})
    CHECK(error_of("UTC", {window}).find("is no window") != std::string::npos);
  CHECK(error_of("UTC", {}).find("no window is given") == 0);
}
