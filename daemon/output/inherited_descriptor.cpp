#include "daemon/output/inherited_descriptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

namespace duplexd {

inherited_descriptor::inherited_descriptor(int inherited) {
  struct stat status{};
  if (fstat(inherited, &status) == 0) {
    pipe_ = S_ISFIFO(status.st_mode);
    file_ = S_ISREG(status.st_mode);
    if (S_ISSOCK(status.st_mode)) {
      kind_ = kind::socket;
    } else if (pipe_ || S_ISCHR(status.st_mode)) {
      const std::string path = "/proc/self/fd/" + std::to_string(inherited);
      handle_ = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      // Another user's pipe can't be reopened.
      kind_ = handle_ >= 0 ? kind::reopened : kind::shared_pipe;
    }
  }
  if (handle_ < 0) handle_ = fcntl(inherited, F_DUPFD_CLOEXEC, 0);
}

inherited_descriptor::~inherited_descriptor() {
  if (handle_ >= 0) ::close(handle_);
}

bool inherited_descriptor::writable_now() const {
  pollfd query{handle_, POLLOUT, 0};
  return poll(&query, 1, 0) != 0;
}

std::int64_t inherited_descriptor::write_some(std::string_view data) {
  ssize_t count = -1;
  do {
    if (kind_ == kind::socket) {
      count = ::send(handle_, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (kind_ == kind::shared_pipe) {
      // A writable pipe takes PIPE_BUF bytes without blocking, pipe(7).
      if (!writable_now()) return 0;
      count = ::write(handle_, data.data(), std::min<std::size_t>(data.size(), PIPE_BUF));
    } else {
      count = ::write(handle_, data.data(), data.size());
    }
  } while (count < 0 && errno == EINTR);
  const bool full = count < 0 && file_ && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
  held_up_ = full ? errno : 0;
  return full || (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) ? 0 : count;
}

}  // namespace duplexd
