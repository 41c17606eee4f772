#include "daemon/net/tcp/unix_connector.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "daemon/net/tcp/faults.hpp"

namespace duplexd::net {
namespace {

std::string reason_text(int error) {
  switch (error) {
    case ENOENT:
      return "there is no such socket: ";
    case ECONNREFUSED:
      return "nobody listens on the socket ";
    case EACCES:
      return "no permission for the socket ";
    case EAGAIN:
      return "too many wait already at the socket ";
    default:
      return std::generic_category().message(error) + " for the socket ";
  }
}

}  // namespace

connect_result connect_unix(const loop_executor& loop, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return make_fault(config::fault_class::connect, "the socket's path is too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int handle = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (handle < 0 || ::connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (handle >= 0) ::close(handle);
    return make_fault(config::fault_class::connect, reason_text(error) + path);
  }
  // The protocol is only a name here: what is done with a connected stream socket is the same for all.
  tcp_socket socket(loop);
  boost::system::error_code failed;
  socket.assign(asio::ip::tcp::v4(), handle, failed);
  if (!failed) return socket;
  ::close(handle);
  return make_fault(config::fault_class::connect, failed.message() + " for the socket " + path);
}

}  // namespace duplexd::net
