#include "daemon/session/lag_watch.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "config/value/json_path.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd {

using nlohmann::ordered_json;
using std::chrono::nanoseconds;

namespace {

using optional_time = std::optional<nanoseconds>;

constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max();

std::int64_t nanoseconds_in(protocol::time_unit unit) {
  constexpr std::array<std::int64_t, 4> all{1'000'000'000, 1'000'000, 1'000, 1};
  return all.at(static_cast<std::size_t>(unit));
}

optional_time time_of(std::uint64_t count, protocol::time_unit unit) {
  if (count == 0) return std::nullopt;
  const std::int64_t each = nanoseconds_in(unit);
  if (count > static_cast<std::uint64_t>(latest / each)) return nanoseconds(latest);
  return nanoseconds(static_cast<std::int64_t>(count) * each);
}

optional_time time_of(double count, protocol::time_unit unit) {
  const double all = std::round(count * static_cast<double>(nanoseconds_in(unit)));
  if (!std::isfinite(count) || all < 1) return std::nullopt;
  if (all >= static_cast<double>(latest)) return nanoseconds(latest);
  return nanoseconds(static_cast<std::int64_t>(all));
}

template <class T>
std::optional<T> number_in(const std::string& text) {
  T number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

optional_time time_of(const std::string& text, protocol::time_unit unit) {
  if (const auto whole = number_in<std::uint64_t>(text)) return time_of(*whole, unit);
  if (const auto real = number_in<double>(text)) return time_of(*real, unit);
  for (const auto precision : {protocol::time_unit::ns, protocol::time_unit::ms})
    if (const auto count = protocol::parse_time(text, precision))
      return *count > 0 ? time_of(static_cast<std::uint64_t>(*count), precision) : std::nullopt;
  return std::nullopt;
}

}  // namespace

optional_time event_time(const ordered_json& value, protocol::time_unit unit) {
  if (value.is_number_float()) return time_of(value.get<double>(), unit);
  if (value.is_number_unsigned()) return time_of(value.get<std::uint64_t>(), unit);
  if (value.is_number_integer() && value.get<std::int64_t>() > 0)
    return time_of(static_cast<std::uint64_t>(value.get<std::int64_t>()), unit);
  if (value.is_string()) return time_of(value.get_ref<const std::string&>(), unit);
  return std::nullopt;
}

void lag_histogram::add(nanoseconds lag) noexcept {
  const auto* const place = std::ranges::lower_bound(bounds, lag);
  ++counts[static_cast<std::size_t>(place - bounds.begin())];
  sum += std::chrono::duration<double>(lag).count();
}

void lag_watch::adopt(const std::optional<config::lag_settings>& rule) {
  if (rule == rule_) return;
  rule_ = rule;
  newest_.reset();
  last_.reset();
  begin_link();
}

void lag_watch::begin_link() noexcept {
  was_unusable_ = false;
  was_ahead_ = false;
  is_late_ = false;
}

lag_news lag_watch::see(const ordered_json& data, duration now,
                        std::optional<std::chrono::milliseconds> limit) {
  lag_news news;
  if (!rule_) return news;
  const ordered_json* const value = config::find_path(data, rule_->field);
  const optional_time time = value == nullptr ? std::nullopt : event_time(*value, rule_->unit);
  if (!time) {
    ++unusable_;
    news.is_unusable = !std::exchange(was_unusable_, true);
    return news;
  }
  was_unusable_ = false;
  if (*time > now) ++ahead_;
  const bool is_ahead = *time > now && *time - now > tolerated_ahead;
  if (is_ahead && !was_ahead_) news.ahead = *time - now;
  was_ahead_ = is_ahead;
  last_ = std::max(now - *time, duration::zero());
  histogram_.add(*last_);
  newest_ = std::max(newest_.value_or(duration::zero()), std::min(*time, now));
  news.age = std::max(now - *newest_, duration::zero());
  if (limit) {
    const bool is_late = news.age > *limit;
    if (is_late != is_late_) news.is = is_late ? lag_news::change::late : lag_news::change::in_time;
    is_late_ = is_late;
  }
  return news;
}

std::optional<lag_watch::duration> lag_watch::newest_age(duration now) const noexcept {
  if (!newest_) return std::nullopt;
  return std::max(now - *newest_, duration::zero());
}

}  // namespace duplexd
