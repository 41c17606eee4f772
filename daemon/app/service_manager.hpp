#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace duplexd {

/// What systemd is told, sd_notify(3). Without systemd every call does nothing.
class service_manager {
 public:
  /// The configuration is loaded and the loop runs.
  void ready();
  /// The configuration is read again; `ready()` follows.
  void reloading();
  void stopping();
  void status(const std::string& text);
  void feed_watchdog();

  /// WATCHDOG_USEC, if systemd watches this process.
  [[nodiscard]] static std::optional<std::chrono::microseconds> watchdog_limit();

 private:
  std::string last_status_;
};

}  // namespace duplexd
