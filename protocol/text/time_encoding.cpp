#include <fmt/format.h>

#include <chrono>

#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

constexpr unsigned decimals[] = {0, 3, 6, 9};
constexpr std::int64_t units_per_second[] = {1, 1'000, 1'000'000, 1'000'000'000};

// Reads exactly `count` digits.
bool take_digits(std::string_view& text, std::size_t count, std::int64_t& value) {
  if (text.size() < count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// "Z", "+01:00": minutes east of UTC.
bool take_offset(std::string_view& text, std::int64_t& minutes) {
  minutes = 0;
  if (take(text, 'Z') || take(text, 'z')) return true;
  const bool west = !text.empty() && text.front() == '-';
  if (!west && (text.empty() || text.front() != '+')) return false;
  text.remove_prefix(1);
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  if (!take_digits(text, 2, hour) || !take(text, ':') || !take_digits(text, 2, minute)) return false;
  if (hour > 23 || minute > 59) return false;
  minutes = (hour * 60 + minute) * (west ? -1 : 1);
  return true;
}

// ".25" in the unit's ticks; more digits than the unit has must be zeros.
bool take_fraction(std::string_view& text, unsigned places, std::int64_t& ticks) {
  ticks = 0;
  unsigned seen = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    const int digit = text.front() - '0';
    if (seen < places)
      ticks = ticks * 10 + digit;
    else if (digit != 0)
      return false;
    ++seen;
    text.remove_prefix(1);
  }
  for (unsigned i = seen; i < places; ++i) ticks *= 10;
  return seen > 0;
}

}  // namespace

bool append_time(std::string& out, std::int64_t count, time_unit unit) {
  using namespace std::chrono;
  const std::int64_t per_second = units_per_second[static_cast<int>(unit)];
  std::int64_t whole = count / per_second;
  std::int64_t part = count % per_second;
  if (part < 0) {
    part += per_second;
    --whole;
  }
  constexpr std::int64_t first = -62'135'596'800;  // 0001-01-01
  constexpr std::int64_t last = 253'402'300'799;   // 9999-12-31T23:59:59
  if (whole < first || whole > last) return false;
  const sys_seconds time{seconds{whole}};
  const sys_days date = floor<days>(time);
  const year_month_day ymd{date};
  const hh_mm_ss clock{time - date};
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(ymd.year()),
                 static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()), clock.hours().count(),
                 clock.minutes().count(), clock.seconds().count());
  const unsigned places = decimals[static_cast<int>(unit)];
  if (places > 0) fmt::format_to(to, ".{:0{}}", part, places);
  out += 'Z';
  return true;
}

std::optional<std::int64_t> parse_time(std::string_view text, time_unit unit) {
  using namespace std::chrono;
  std::int64_t y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, ticks = 0, east = 0;
  if (!take_digits(text, 4, y) || !take(text, '-') || !take_digits(text, 2, mo) || !take(text, '-') ||
      !take_digits(text, 2, d))
    return std::nullopt;
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
  if (!take_digits(text, 2, h) || !take(text, ':') || !take_digits(text, 2, mi) || !take(text, ':') ||
      !take_digits(text, 2, s))
    return std::nullopt;
  if (take(text, '.') && !take_fraction(text, decimals[static_cast<int>(unit)], ticks)) return std::nullopt;
  if (!take_offset(text, east) || !text.empty() || h > 23 || mi > 59 || s > 59) return std::nullopt;
  const year_month_day ymd{year{static_cast<int>(y)}, month{static_cast<unsigned>(mo)},
                           day{static_cast<unsigned>(d)}};
  if (!ymd.ok()) return std::nullopt;
  const std::int64_t days_since = sys_days{ymd}.time_since_epoch().count();
  const std::int64_t whole = days_since * 86'400 + h * 3'600 + (mi - east) * 60 + s;
  std::int64_t result = 0;
  if (__builtin_mul_overflow(whole, units_per_second[static_cast<int>(unit)], &result) ||
      __builtin_add_overflow(result, ticks, &result))
    return std::nullopt;
  return result;
}

}  // namespace duplexd::protocol
