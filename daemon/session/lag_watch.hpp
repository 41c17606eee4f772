#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "config/settings/settings.hpp"

namespace duplexd {

/// The time that a value stands for, since 1970: a number of that unit, a text that holds one, or a text as
/// in RFC 3339. What is later than nanoseconds in 64 bits can say (the year 2262) is that. Nothing: it is no
/// time, or none after 1970; servers write 0 for a time that they do not know.
[[nodiscard]] std::optional<std::chrono::nanoseconds> event_time(const nlohmann::ordered_json& value,
                                                                 protocol::time_unit unit);

/// How many events had which lag when they arrived.
struct lag_histogram {
  /// The upper bounds; beyond them is one more.
  static constexpr std::array<std::chrono::milliseconds, 11> bounds{
      {std::chrono::milliseconds(1), std::chrono::milliseconds(5), std::chrono::milliseconds(25),
       std::chrono::milliseconds(100), std::chrono::milliseconds(500), std::chrono::seconds(1),
       std::chrono::seconds(5), std::chrono::seconds(10), std::chrono::seconds(30), std::chrono::minutes(1),
       std::chrono::minutes(5)}};

  std::array<std::uint64_t, bounds.size() + 1> counts{};  ///< each bucket for itself
  double sum = 0;                                         ///< in seconds

  void add(std::chrono::nanoseconds lag) noexcept;
};

/// What is to be told of an event that has arrived.
struct lag_news {
  enum class change : std::uint8_t { none, late, in_time };
  change is{};                        ///< of the newest event's age, against what it may be
  std::chrono::nanoseconds age{0};    ///< the newest event's
  std::chrono::nanoseconds ahead{0};  ///< not 0: the first in a row whose time is in the future
  bool is_unusable = false;           ///< the first in a row that has no time
};

/// Watches how old events are by their own time. Pure: the wall's time comes in as an argument. One for each
/// session; its counts go on whatever its settings are.
class lag_watch {
 public:
  using duration = std::chrono::nanoseconds;

  /// Clocks of good servers differ by less: an event so far in the future is not worth a warning.
  static constexpr duration tolerated_ahead = std::chrono::seconds(1);

  explicit lag_watch(std::optional<config::lag_settings> rule) : rule_(std::move(rule)) {}

  /// Another rule is about other events: the newest one is not known yet.
  void adopt(const std::optional<config::lag_settings>& rule);

  /// There is a new link, or another limit: what is wrong is told again.
  void begin_link() noexcept;

  /// Not to be called without a rule. `limit`: how old the newest event may be; absent: this one is not
  /// judged.
  lag_news see(const nlohmann::ordered_json& data, duration now,
               std::optional<std::chrono::milliseconds> limit);

  [[nodiscard]] const std::optional<config::lag_settings>& rule() const noexcept { return rule_; }
  [[nodiscard]] const lag_histogram& histogram() const noexcept { return histogram_; }

  /// How old the newest event is now; nothing: none with a time has come.
  [[nodiscard]] std::optional<duration> newest_age(duration now) const noexcept;

  /// The lag of the last event, when it arrived.
  [[nodiscard]] std::optional<duration> last_lag() const noexcept { return last_; }

  [[nodiscard]] std::uint64_t unusable() const noexcept { return unusable_; }
  [[nodiscard]] std::uint64_t ahead() const noexcept { return ahead_; }

 private:
  std::optional<config::lag_settings> rule_;
  lag_histogram histogram_;
  std::optional<duration> newest_;  ///< its time, never later than when it arrived
  std::optional<duration> last_;
  std::uint64_t unusable_ = 0;  ///< events without a time
  std::uint64_t ahead_ = 0;     ///< events from the future
  bool was_unusable_ = false;
  bool was_ahead_ = false;
  bool is_late_ = false;
};

}  // namespace duplexd
