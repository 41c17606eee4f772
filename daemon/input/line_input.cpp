#include "daemon/input/line_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <system_error>

#include "daemon/runtime/cancelled.hpp"

namespace duplexd {

namespace {
constexpr std::size_t at_once = 64u << 10;  // bytes
constexpr unsigned reads_a_turn = 4;        // then others have the loop
}  // namespace

line_input::line_input(const asio::any_io_executor& loop, int inherited, std::size_t longest)
    : longest_(longest), readable_(loop) {
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

line_input::~line_input() {
  if (handle_ >= 0) ::close(handle_);
}

line_input::got line_input::read_some() {
  std::array<char, at_once> room;
  ssize_t count = -1;
  do {
    if (kind_ == kind::socket) {
      count = ::recv(handle_, room.data(), room.size(), MSG_DONTWAIT);
    } else {
      pollfd query{handle_, POLLIN, 0};
      if (kind_ == kind::shared && ::poll(&query, 1, 0) == 0) return got::nothing_yet;
      count = ::read(handle_, room.data(), room.size());
    }
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return got::nothing_yet;
  if (count < 0) failed_ = std::generic_category().message(errno);
  if (count <= 0) return got::end;
  read_.append(room.data(), static_cast<std::size_t>(count));
  return got::bytes;
}

// Of a line that is too long nothing is kept.
std::optional<line_input::line> line_input::take_line() {
  const auto newline = read_.find('\n', std::max(taken_, searched_));
  const bool is_last = ended_ && newline == std::string::npos;
  if (newline == std::string::npos && !is_last) {
    if (read_.size() - taken_ > longest_) {
      skipping_ = true;
      taken_ = read_.size();
    }
    read_.erase(0, std::exchange(taken_, 0));
    searched_ = read_.size();
    return std::nullopt;
  }
  if (is_last && taken_ == read_.size() && !skipping_) return std::nullopt;
  line out{.number = ++number_};
  const auto end = is_last ? read_.size() : newline;
  out.too_long = std::exchange(skipping_, false) || end - taken_ > longest_;
  if (!out.too_long) out.text = read_.substr(taken_, end - taken_);
  taken_ = std::min(end + 1, read_.size());
  searched_ = taken_;
  return out;
}

asio::awaitable<std::optional<line_input::line>> line_input::next() {
  bool stopped = co_await cancelled();
  while (!stopped) {
    if (auto whole = take_line()) co_return whole;
    if (ended_) co_return std::nullopt;
    switch (read_some()) {
      case got::bytes:
        if (++reads_ % reads_a_turn == 0) co_await asio::post(readable_.get_executor(), asio::use_awaitable);
        break;
      case got::end:
        ended_ = true;
        break;
      case got::nothing_yet:
        co_await readable_.async_wait(asio::posix::stream_descriptor::wait_read,
                                      asio::as_tuple(asio::use_awaitable));
        break;
    }
    stopped = co_await cancelled();
  }
  co_return std::nullopt;
}

}  // namespace duplexd
