#include "daemon/app/service_manager.hpp"

#include <systemd/sd-daemon.h>

namespace duplexd {

void service_manager::ready() {
  sd_notify(0, "READY=1");
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
