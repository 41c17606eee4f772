#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

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

  /// A socket that systemd has opened for this process, sd_listen_fds(3).
  struct passed_socket {
    int handle = -1;
    std::string name;    ///< FileDescriptorName= of its unit
    std::string path{};  ///< empty: it is no listening Unix-domain socket
  };
  /// Programs that are started do not get them. To be called once. Says in `error` why there are none though
  /// systemd passes some.
  [[nodiscard]] static std::vector<passed_socket> passed_sockets(std::string& error);

  /// WATCHDOG_USEC, if systemd watches this process.
  [[nodiscard]] static std::optional<std::chrono::microseconds> watchdog_limit();

 private:
  std::string last_status_;
};

}  // namespace duplexd
