#include "daemon/app/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <ctime>

namespace duplexd {

void service_manager::ready() {
  sd_notify(0, "READY=1");
}

void service_manager::reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto since = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
             static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(since).count()));
}

void service_manager::stopping() {
  sd_notify(0, "STOPPING=1");
}

void service_manager::status(const std::string& text) {
  if (text == last_status_) return;
  last_status_ = text;
  sd_notify(0, ("STATUS=" + text).c_str());
}

void service_manager::feed_watchdog() {
  sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::microseconds> service_manager::watchdog_limit() {
  std::uint64_t limit = 0;
  if (sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
  return std::chrono::microseconds{limit};
}

}  // namespace duplexd
