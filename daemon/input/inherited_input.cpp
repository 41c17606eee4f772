#include "daemon/input/inherited_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>

namespace duplexd {

namespace {
constexpr unsigned reads_a_turn = 4;  // then others have the loop
}  // namespace

inherited_input::inherited_input(const asio::any_io_executor& loop, int inherited) : readable_(loop) {
  struct stat status{};
  if (::fstat(inherited, &status) == 0 && !S_ISREG(status.st_mode)) {
    if (!S_ISSOCK(status.st_mode)) {
      const std::string path = "/proc/self/fd/" + std::to_string(inherited);
      handle_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      kind_ = handle_ >= 0 ? kind::reopened : kind::shared;  // another user's pipe can't be reopened
    } else {
      kind_ = kind::socket;
    }
  }
  if (handle_ < 0) handle_ = ::fcntl(inherited, F_DUPFD_CLOEXEC, 0);
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  readable_.assign(set);
  epoll_event wanted{EPOLLIN, {}};
  // Nothing that one can wait for: a file, /dev/null.
  if (::epoll_ctl(set, EPOLL_CTL_ADD, handle_, &wanted) != 0) kind_ = kind::file;
}

inherited_input::~inherited_input() {
  if (handle_ >= 0) ::close(handle_);
}

inherited_input::got inherited_input::read(std::span<std::uint8_t> room, std::size_t& count) {
  count = 0;
  ssize_t read = -1;
  do {
    if (kind_ == kind::socket) {
      read = ::recv(handle_, room.data(), room.size(), MSG_DONTWAIT);
    } else {
      pollfd query{handle_, POLLIN, 0};
      if (kind_ == kind::shared && ::poll(&query, 1, 0) == 0) return got::nothing_yet;
      read = ::read(handle_, room.data(), room.size());
    }
  } while (read < 0 && errno == EINTR);
  if (read < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return got::nothing_yet;
  if (read < 0) failed_ = std::generic_category().message(errno);
  if (read <= 0) return got::end;
  count = static_cast<std::size_t>(read);
  return got::bytes;
}

asio::awaitable<void> inherited_input::wait() {
  co_await readable_.async_wait(asio::posix::stream_descriptor::wait_read,
                                asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> inherited_input::leave_turn() {
  if (++reads_ % reads_a_turn == 0) co_await asio::post(readable_.get_executor(), asio::use_awaitable);
}

}  // namespace duplexd
