#include "daemon/net/tcp/tcp_options.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

namespace duplexd::net {
namespace {

void set(int handle, int level, int option, int value) {
  setsockopt(handle, level, option, &value, sizeof value);
}

int seconds_of(std::chrono::milliseconds duration) {
  return std::max(1, static_cast<int>(std::chrono::round<std::chrono::seconds>(duration).count()));
}

}  // namespace

void apply(const config::tcp_settings& settings, tcp_socket& socket) {
  const int handle = socket.native_handle();
  set(handle, IPPROTO_TCP, TCP_NODELAY, settings.no_delay ? 1 : 0);
  set(handle, SOL_SOCKET, SO_KEEPALIVE, settings.keepalive.count() != 0 ? 1 : 0);
  if (settings.keepalive.count() != 0) {
    constexpr int longest = 32767;  // what the kernel takes
    set(handle, IPPROTO_TCP, TCP_KEEPIDLE, std::min(seconds_of(settings.keepalive), longest));
    set(handle, IPPROTO_TCP, TCP_KEEPINTVL, std::min(seconds_of(settings.keepalive / 4), longest));
    set(handle, IPPROTO_TCP, TCP_KEEPCNT, 4);
  }
  set(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(settings.user_timeout.count()));
}

void close_on_exec(int handle) noexcept {
  ::fcntl(handle, F_SETFD, FD_CLOEXEC);
}

}  // namespace duplexd::net
