#include "daemon/output/descriptor_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <climits>
#include <string>

#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

descriptor_writer::descriptor_writer(const asio::any_io_executor& loop, int inherited) : descriptor_(loop) {
  struct stat status{};
  int mine = -1;
  if (fstat(inherited, &status) == 0) {
    pipe_ = S_ISFIFO(status.st_mode);
    if (S_ISSOCK(status.st_mode)) {
      kind_ = kind::socket;
    } else if (pipe_ || S_ISCHR(status.st_mode)) {
      const std::string path = "/proc/self/fd/" + std::to_string(inherited);
      mine = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      // Another user's pipe can't be opened anew.
      kind_ = mine >= 0 ? kind::reopened : kind::shared_pipe;
    }
  }
  if (mine < 0) mine = fcntl(inherited, F_DUPFD_CLOEXEC, 0);
  boost::system::error_code ignored;  // a bad descriptor shows at the first write
  if (mine >= 0) ignored = descriptor_.assign(mine, ignored);
}

bool descriptor_writer::writable_now() const {
  pollfd query{const_cast<asio::posix::stream_descriptor&>(descriptor_).native_handle(), POLLOUT, 0};
  return poll(&query, 1, 0) != 0;
}

std::int64_t descriptor_writer::write_some(std::string_view data) const {
  const int handle = const_cast<asio::posix::stream_descriptor&>(descriptor_).native_handle();
  ssize_t count = -1;
  do {
    if (kind_ == kind::socket) {
      count = ::send(handle, data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (kind_ == kind::shared_pipe) {
      // A writable pipe takes PIPE_BUF bytes without blocking, pipe(7).
      if (!writable_now()) return 0;
      count = ::write(handle, data.data(), std::min<std::size_t>(data.size(), PIPE_BUF));
    } else {
      count = ::write(handle, data.data(), data.size());
    }
  } while (count < 0 && errno == EINTR);
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : count;
}

asio::awaitable<bool> descriptor_writer::wait_writable() {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  const auto [error] = co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                                                       asio::as_tuple(asio::use_awaitable));
  co_return !error;
}

asio::awaitable<bool> descriptor_writer::wait_reader_gone() {
  const bool stopped = co_await cancelled();
  if (stopped) co_return false;
  if (!pipe_) {
    notifier never{descriptor_.get_executor()};
    co_return co_await never.wait();
  }
  const auto [error] = co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_error,
                                                       asio::as_tuple(asio::use_awaitable));
  co_return !error;
}

}  // namespace duplexd
