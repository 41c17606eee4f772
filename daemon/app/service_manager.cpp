#include "daemon/app/service_manager.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <system_error>

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

namespace {

/// Where a listening Unix-domain socket is; empty if it is none.
std::string path_of(int handle) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  const bool listens = sd_is_socket_unix(handle, SOCK_STREAM, 1, nullptr, 0) > 0 &&
                       ::getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  // A longest path has no zero byte, but is counted with one.
  const std::size_t most = std::min(size - offsetof(sockaddr_un, sun_path), sizeof address.sun_path);
  return {address.sun_path, listens ? ::strnlen(address.sun_path, most) : 0};
}

}  // namespace

std::vector<service_manager::passed_socket> service_manager::passed_sockets(std::string& error) {
  std::vector<passed_socket> all;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  if (count < 0)
    error = fmt::format("the sockets that systemd passes cannot be taken (LISTEN_FDS, LISTEN_FDNAMES): {}",
                        std::generic_category().message(-count));
  for (int i = 0; i < count; ++i) {
    const int handle = SD_LISTEN_FDS_START + i;
    all.push_back({handle, names[i], path_of(handle)});
    std::free(names[i]);
  }
  std::free(static_cast<void*>(names));
  return all;
}

std::optional<std::chrono::microseconds> service_manager::watchdog_limit() {
  std::uint64_t limit = 0;
  if (sd_watchdog_enabled(0, &limit) <= 0) return std::nullopt;
  return std::chrono::microseconds{limit};
}

}  // namespace duplexd
