#include "config/value/active_hours.hpp"
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
  CHECK(error_of("Mars/Olympus", {"00:00-24:00"}) ==
        "there is no time zone 'Mars/Olympus' (such as UTC or Europe/Berlin)");
  CHECK(error_of("UTC", {"00:00-24:00", "x"}) ==
        "'x' is not a time window (such as 'Mon-Fri 09:30-16:00'; split it in two at midnight)");
  CHECK(error_of("UTC", {}) == "no time window is given: the session would never connect");
}

// Each refused window stands beside one that differs from it in one thing and is accepted.
TEST_CASE("each bound of a window") {
  const std::pair<const char*, const char*> rows[] = {
      {"23:58-23:59", "23:58-23:60"},
      {"00:59-02:00", "00:60-02:00"},
      {"09:59-11:00", "09:60-11:00"},
      {"23:59-24:00", "23:59-24:01"},
      {"24:00-24:00", nullptr},
      {"00:00-24:00", "00:00-25:00"},
      {"00:00-00:01", "00:00-00:00"},
      {"09:30-09:31", "09:30-09:30"},
      {"09:30-09:31", "09:30-09:29"},
      {"09:30-16:00", "9:30-16:00"},
      {"09:30-16:00", "009:30-16:00"},
      {"09:30-16:00", "09:3-16:00"},
      {"09:30-16:00", "09.30-16:00"},
      {"09:30-16:00", "0x:30-16:00"},
      {"09:30-16:00", "x9:30-16:00"},
      {"09:30-16:00", "09:3x-16:00"},
      {"09:30-16:00", "09:x0-16:00"},
      {"09:30-16:00", "-9:30-16:00"},
      {"09:30-16:00", "09:30 16:00"},
      {"09:30-16:00", "09:30-"},
      {"09:30-16:00", "-16:00"},
      {"09:30-16:00", ""},
      {"Mon 09:30-16:00", "Mon09:30-16:00"},
      {"Mon 09:30-16:00", "Mon  09:30-16:00"},
      {"Mon 09:30-16:00", "Mo 09:30-16:00"},
      {"Mon 09:30-16:00", "mon 09:30-16:00"},
      {"Mon 09:30-16:00", "Mon"},
      {"Mon-Fri 09:30-16:00", "Mon-Fr 09:30-16:00"},
      {"Mon-Fri 09:30-16:00", "Mo-Fri 09:30-16:00"},
      {"Mon-Fri 09:30-16:00", "Mon- 09:30-16:00"},
      {"Mon-Fri 09:30-16:00", "-Fri 09:30-16:00"},
  };
  for (const auto& [good, bad] : rows) {
    INFO(good);
    if (bad == nullptr) {
      CHECK_FALSE(error_of("UTC", {good}).empty());
      continue;
    }
    CHECK(error_of("UTC", {good}).empty());
    INFO(bad);
    CHECK(error_of("UTC", {bad}).find("is not a time window") != std::string::npos);
  }
}

// 2026-11-15 is a Sunday.
TEST_CASE("each day has its name, and a span of days wraps around the week") {
  const std::vector<std::string> names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const auto held = [](const std::string& days) {
    const auto one = hours("UTC", {days + " 10:00-11:00"});
    std::string text;
    for (unsigned day = 0; day < 7; ++day) text += one.holds(at(2026, 11, 15 + day, 10h)) ? '1' : '0';
    return text;
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string only = "0000000";
    only[i] = '1';
    CHECK(held(names[i]) == only);
    CHECK(held(names[i] + "-" + names[i]) == only);
  }
  CHECK(held("Mon-Fri") == "0111110");
  CHECK(held("Fri-Mon") == "1100011");
  CHECK(held("Sun-Sat") == "1111111");
  CHECK(held("Sat-Sun") == "1000001");
  CHECK(hours("UTC", {"10:00-11:00"}).holds(at(2026, 11, 15, 10h)));
}

TEST_CASE("windows hold from their first second to the one before their end") {
  const auto one = hours("UTC", {"09:30-16:00"});
  CHECK_FALSE(one.holds(at(2026, 11, 16, 9h + 29min + 59s)));
  CHECK(one.holds(at(2026, 11, 16, 9h + 30min)));
  CHECK(one.holds(at(2026, 11, 16, 15h + 59min + 59s)));
  CHECK_FALSE(one.holds(at(2026, 11, 16, 16h)));
  CHECK(hours("UTC", {"23:59-24:00"}).holds(at(2026, 11, 16, 23h + 59min + 59s)));
  CHECK_FALSE(one.always());
  CHECK(active_hours{}.always());
}

// The next change is later than now, also from its very moment; without one it is sought for eight days.
TEST_CASE("the next change is at a whole minute after now") {
  const auto one = hours("UTC", {"09:30-16:00"});
  CHECK(one.next_change(at(2026, 11, 16, 9h + 29min + 59s)) == at(2026, 11, 16, 9h + 30min));
  CHECK(one.next_change(at(2026, 11, 16, 9h + 29min)) == at(2026, 11, 16, 9h + 30min));
  CHECK(one.next_change(at(2026, 11, 16, 9h + 30min)) == at(2026, 11, 16, 16h));
  CHECK(one.next_change(at(2026, 11, 16, 15h + 59min + 1s)) == at(2026, 11, 16, 16h));
  const auto weekly = hours("UTC", {"Mon 00:00-00:01"});
  CHECK(weekly.next_change(at(2026, 11, 16, 1min)) == at(2026, 11, 23, 0h));
  const auto full = hours("UTC", {"00:00-24:00"});
  CHECK(full.next_change(at(2026, 11, 16, 0h)) == at(2026, 11, 24, 1min));
}
