#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace duplexd::config {

/// The hours of the week in which a session has a link, in a time zone of the IANA database. A value; pure
/// but for the zone, which is read once. Summer time is the zone's: a window that the clock jumps over is
/// shorter, one that comes twice is longer.
class active_hours {
 public:
  using time_point = std::chrono::sys_seconds;

  /// Always.
  active_hours() = default;

  /// "Europe/Berlin", and windows such as "Mon-Fri 09:30-16:00", "Sun 18:00-24:00" or "06:00-22:00" (every
  /// day). A mistake is put into `error`.
  active_hours(const std::string& zone, const std::vector<std::string>& windows, std::string& error);

  [[nodiscard]] bool always() const noexcept { return windows_.empty(); }

  /// Whether there is a window at that time.
  [[nodiscard]] bool holds(time_point when) const;

  /// When `holds` next changes, at most eight days on.
  [[nodiscard]] time_point next_change(time_point when) const;

 private:
  struct window {
    std::uint8_t days = 0;  ///< bit 0: Sunday
    std::chrono::minutes from{0};
    std::chrono::minutes to{0};  ///< at most 24 h
  };
  static bool parse(std::string_view text, window& out);

  const void* zone_ = nullptr;  ///< of the time zone database, which lives as long as the process
  std::vector<window> windows_;
};

}  // namespace duplexd::config
