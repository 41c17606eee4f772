#include "daemon/net/tcp/tcp_connection.hpp"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <system_error>
#include <tuple>
#include <utility>

#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/tcp_options.hpp"
#include "daemon/runtime/as_value.hpp"
#include "daemon/runtime/cancelled.hpp"

namespace duplexd::net {
namespace {

constexpr std::size_t scratch_size = 256 * 1024;
constexpr std::size_t encrypt_at_once = 256 * 1024;
constexpr std::size_t kept_when_idle = 512;

/// Shared by all connections of the thread: holds bytes only while one of them reads.
std::uint8_t* scratch() {
  thread_local const std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[scratch_size]);
  return bytes.get();
}

/// A peer that vanished without a word is noticed after about two minutes even if nothing is sent.
void set_options(tcp_socket& socket) {
  boost::system::error_code ignored;
  close_on_exec(socket.native_handle());  // one that was accepted
  socket.non_blocking(true, ignored);
  socket.native_non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  using integer = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using count = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  socket.set_option(integer(60), ignored);
  socket.set_option(interval(15), ignored);
  socket.set_option(count(4), ignored);
}

/// The same connection as a socket that the reactor does not know yet. Connecting made it watch for
/// writability for good, and then every wait for bytes is followed by one needless turn of the loop.
tcp_socket unwatched(tcp_socket connected) {
  sockaddr_storage end{};  // a Unix-domain socket's name does not fit into Asio's endpoint
  socklen_t size = sizeof end;
  if (::getsockname(connected.native_handle(), reinterpret_cast<sockaddr*>(&end), &size) != 0)
    return connected;
  boost::system::error_code error;
  const auto handle = connected.release(error);
  if (error) return connected;
  tcp_socket fresh(connected.get_executor());
  fresh.assign(end.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), handle, error);
  if (error) ::close(handle);  // the first read finds the cause
  return fresh;
}

std::string read_error(int error) {
  if (error == ECONNRESET) return "the connection was reset by the peer";
  if (error == ETIMEDOUT) return "the connection timed out: the peer has vanished";
  return "reading failed: " + std::generic_category().message(error);
}

}  // namespace

tcp_connection::tcp_connection(tcp_socket socket)
    : socket_(unwatched(std::move(socket))), sent_(socket_.get_executor(), clock::time_point::max()) {
  set_options(socket_);
}

asio::awaitable<bool> tcp_connection::start_tls(std::unique_ptr<tls_engine> engine) {
  tls_ = std::move(engine);
  tls_->start();
  if (!tls_->failure().empty()) end(tls_->failure());
  const auto state = co_await asio::this_coro::cancellation_state;
  while (!end_ && !tls_->established()) {
    if (is_cancelled(state)) {
      abort();
      break;
    }
    flush();
    shrink();  // many connect at once, and the holes that they leave in the heap stay
    readable_ = false;
    std::ignore = co_await socket_.async_wait(tcp_socket::wait_read, as_value);
    readable_ = true;
    fill();
  }
  flush();
  co_return !end_;
}

bool tcp_connection::fill() {
  if (!readable()) return false;
  const std::size_t before = in_.size();
  ssize_t got = 0;
  do {
    got = ::recv(socket_.native_handle(), scratch(), scratch_size, 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    readable_ = static_cast<std::size_t>(got) == scratch_size;  // a short read: drained
    last_heard_ = clock::now();
    receive({scratch(), static_cast<std::size_t>(got)});
  } else if (got == 0) {
    end("the peer ended the connection");
  } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
    readable_ = false;
  } else {
    end(read_error(errno));
  }
  return in_.size() > before;
}

void tcp_connection::receive(std::span<const std::uint8_t> bytes) {
  if (!tls_) {
    in_.append(bytes.data(), bytes.size());
    return;
  }
  const auto state = tls_->receive(bytes, in_);
  if (state == tls_engine::state::failed) end(tls_->failure());
  if (state == tls_engine::state::closed_by_peer) end("the peer ended the connection");
  if (!tls_->output().empty()) schedule_flush();
}

void tcp_connection::end(std::string cause) {
  if (!end_) end_ = std::move(cause);
}

asio::awaitable<void> tcp_connection::wait_readable() {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (end_ || is_cancelled(state)) co_return;
  std::ignore = co_await socket_.async_wait(tcp_socket::wait_read, as_value);
  readable_ = true;
}

void tcp_connection::shrink() noexcept {
  in_.shrink(kept_when_idle);
  cork_.shrink(kept_when_idle);
  out_.shrink(kept_when_idle);
  deferred_.shrink(0);
  if (!tls_) return;
  tls_->output().shrink(kept_when_idle);
  tls_->release_buffers();
}

void tcp_connection::schedule_flush() {
  if (flush_scheduled_ || waiting_writable_) return;
  flush_scheduled_ = true;
  asio::post(socket_.get_executor(), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->flush();
  });
}

/// Puts more into the empty `out_`; false if there is nothing.
bool tcp_connection::refill_output() {
  if (!deferred_.empty()) {
    cork_.append(deferred_.view().data(), deferred_.size());
    deferred_.clear();
  }
  if (!tls_) {
    swap(cork_, out_);
    return !out_.empty();
  }
  if (!cork_.empty() && tls_->established()) {
    const auto chunk = cork_.view().first(std::min(cork_.size(), encrypt_at_once));
    if (!tls_->send(chunk)) {
      fail_sending();
      return false;
    }
    cork_.consume(chunk.size());
  }
  swap(tls_->output(), out_);
  return !out_.empty();
}

void tcp_connection::flush() {
  flush_scheduled_ = false;
  if (waiting_writable_ || send_failed_) return;
  while (!out_.empty() || refill_output()) {
    const ssize_t sent = ::send(socket_.native_handle(), out_.view().data(), out_.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      out_.consume(static_cast<std::size_t>(sent));
      given_ += static_cast<std::uint64_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      waiting_writable_ = true;
      socket_.async_wait(tcp_socket::wait_write, [weak = weak_from_this()](const boost::system::error_code&) {
        if (const auto self = weak.lock()) {
          self->waiting_writable_ = false;
          self->flush();
        }
      });
      return;
    } else if (errno != EINTR) {
      fail_sending();
    }
    if (send_failed_) break;
  }
  wake_sender();
}

/// The reader finds the cause: it has what the peer still said before.
void tcp_connection::fail_sending() {
  send_failed_ = true;
  cork_.clear();
  out_.clear();
  deferred_.clear();
}

send_progress tcp_connection::sending() noexcept {
  int unacknowledged = 0;
  if (::ioctl(socket_.native_handle(), SIOCOUTQ, &unacknowledged) != 0) return {};
  const auto here = static_cast<std::uint64_t>(unacknowledged);
  return {.pending = here + unsent(), .delivered = given_ - std::min(given_, here)};
}

std::optional<std::chrono::microseconds> tcp_connection::round_trip() noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (info.tcpi_rtt == 0) return std::nullopt;
  return std::chrono::microseconds(info.tcpi_rtt);
}

void tcp_connection::wake_sender() {
  sent_.cancel();
}

asio::awaitable<void> tcp_connection::wait_sent() {
  const auto state = co_await asio::this_coro::cancellation_state;
  if ((unsent() == 0 && !send_failed_) || is_cancelled(state)) co_return;
  std::ignore = co_await sent_.async_wait(as_value);
}

asio::awaitable<void> tcp_connection::finish(std::chrono::milliseconds limit,
                                             std::chrono::milliseconds peers_turn) {
  struct abort_at_end {
    tcp_connection& target;
    ~abort_at_end() { target.abort(); }
  };
  const deadline guard(shared_from_this(), limit);
  const abort_at_end closing{*this};
  co_await drain(peers_turn);
}

asio::awaitable<void> tcp_connection::drain(std::chrono::milliseconds peers_turn) {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (!end_) {
    flush();
    while (unsent() != 0 && !send_failed_ && !is_cancelled(state))
      std::ignore = co_await sent_.async_wait(as_value);
  }
  if (!end_ && peers_turn.count() > 0) {
    // A peer that waits for us is told by our end when its turn is over.
    loop_timer turn(socket_.get_executor(), peers_turn);
    turn.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->end_our_side();
    });
    co_await wait_for_end();
  }
  end_our_side();
  co_await wait_for_end();
}

/// What still comes is of no use to anybody.
asio::awaitable<void> tcp_connection::wait_for_end() {
  const auto state = co_await asio::this_coro::cancellation_state;
  while (!end_ && !is_cancelled(state)) {
    std::ignore = co_await socket_.async_wait(tcp_socket::wait_read, as_value);
    readable_ = true;
    fill();
    in_.clear();
  }
}

void tcp_connection::end_our_side() {
  if (send_failed_ || our_side_ended_) return;
  our_side_ended_ = true;
  if (tls_) {
    tls_->shut_down();
    flush();
  }
  boost::system::error_code ignored;
  if (!send_failed_ && out_.empty()) socket_.shutdown(tcp_socket::shutdown_send, ignored);
}

void tcp_connection::abort() noexcept {
  end("the connection was given up");
  send_failed_ = true;
  cork_.clear();
  out_.clear();
  deferred_.clear();
  boost::system::error_code ignored;
  socket_.close(ignored);
  sent_.cancel();
}

}  // namespace duplexd::net
