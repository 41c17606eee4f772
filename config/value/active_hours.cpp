#include "config/value/active_hours.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace duplexd::config {

using std::chrono::minutes;

namespace {

constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

const date::time_zone& zone_of(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
}

std::optional<unsigned> day_from(std::string_view text) {
  const auto found = std::ranges::find(day_names, text);
  if (found == day_names.end()) return std::nullopt;
  return static_cast<unsigned>(found - day_names.begin());
}

/// "09:30"
std::optional<minutes> time_from(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  unsigned hour = 0;
  unsigned minute = 0;
  const auto number = [](std::string_view digits, unsigned& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  if (!number(text.substr(0, 2), hour) || !number(text.substr(3), minute) || minute > 59) return std::nullopt;
  const minutes time{hour * 60 + minute};
  return time <= minutes{24 * 60} ? std::optional(time) : std::nullopt;
}

/// "Mon", "Mon-Fri", "Fri-Sun"
std::uint8_t days_from(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = day_from(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : day_from(text.substr(dash + 1));
  if (!first || !last) return 0;
  std::uint8_t days = 0;
  for (unsigned day = *first;; day = (day + 1) % 7) {
    days = static_cast<std::uint8_t>(days | (1u << day));
    if (day == *last) return days;
  }
}

}  // namespace

bool active_hours::parse(std::string_view text, window& out) {
  out.days = 0x7f;
  if (const auto blank = text.find(' '); blank != std::string_view::npos) {
    out.days = days_from(text.substr(0, blank));
    text.remove_prefix(blank + 1);
  }
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || out.days == 0) return false;
  const auto from = time_from(text.substr(0, dash));
  const auto to = time_from(text.substr(dash + 1));
  if (!from || !to || *from >= *to) return false;
  out.from = *from;
  out.to = *to;
  return true;
}

active_hours::active_hours(const std::string& zone, const std::vector<std::string>& windows,
                           std::string& error) {
  try {
    zone_ = date::locate_zone(zone);
  } catch (const std::runtime_error&) {
    error = fmt::format("there is no time zone '{}' (such as UTC or Europe/Berlin)", zone);
    return;
  }
  for (const std::string& each : windows) {
    window made;
    if (!parse(each, made)) {
      error = fmt::format(
          "'{}' is not a time window (such as 'Mon-Fri 09:30-16:00'; split it in two at midnight)", each);
      return;
    }
    windows_.push_back(made);
  }
  if (windows_.empty()) error = "no time window is given: the session would never connect";
}

bool active_hours::holds(time_point when) const {
  if (always()) return true;
  const auto local = zone_of(zone_).to_local(when);
  const auto day = date::floor<date::days>(local);
  const auto weekday = date::weekday{day}.c_encoding();
  const auto time = local - day;
  return std::ranges::any_of(windows_, [&](const window& each) {
    return ((each.days >> weekday) & 1u) != 0 && time >= each.from && time < each.to;
  });
}

// Windows begin and end on whole minutes, and so do the zone's own changes.
active_hours::time_point active_hours::next_change(time_point when) const {
  const bool now = holds(when);
  auto minute = std::chrono::ceil<minutes>(when + std::chrono::seconds{1});
  const auto last = minute + std::chrono::hours{8 * 24};
  while (minute < last && holds(minute) == now) minute += minutes{1};
  return minute;
}

}  // namespace duplexd::config
