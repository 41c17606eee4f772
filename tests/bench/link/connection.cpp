#include "tests/bench/link/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <tuple>

namespace bench {

namespace {

constexpr std::size_t send_at_once = 131072;
constexpr std::size_t room_to_read = 16448;  // a record
constexpr time_t patience = 30;              // seconds: a stuck peer must not keep the server for ever

}  // namespace

connection::connection(int socket, SSL_CTX* context) : socket_(socket), ssl_(SSL_new(context)) {
  const int on = 1;
  const timeval limit{patience, 0};
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  SSL_set_fd(ssl_, socket);
}

connection::~connection() {
  if (SSL_is_init_finished(ssl_) == 1) {
    SSL_shutdown(ssl_);
    flush();
  }
  SSL_free(ssl_);
  ::close(socket_);
  ERR_clear_error();
}

bool connection::accept() {
  if (SSL_accept(ssl_) != 1) return false;
  SSL_set0_wbio(ssl_, BIO_new(BIO_s_mem()));  // from here on records gather there until `flush()`
  return true;
}

bool connection::read_more() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (in_.size() - end_ < room_to_read) {
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (in_.size() - end_ < room_to_read) in_.resize(2 * in_.size() + room_to_read);
  }
  const int got = SSL_read(ssl_, in_.data() + end_, static_cast<int>(in_.size() - end_));
  if (got <= 0) return false;
  end_ += static_cast<std::size_t>(got);
  return true;
}

std::string connection::read_head() {
  constexpr std::size_t limit = 16384;
  for (;;) {
    const std::string_view here{reinterpret_cast<const char*>(in_.data()) + begin_, end_ - begin_};
    if (const auto end = here.find("\r\n\r\n"); end != std::string_view::npos) {
      begin_ += end + 4;
      return std::string(here.substr(0, end + 4));
    }
    if (here.size() > limit || !read_more()) return {};
  }
}

std::optional<frame> connection::read_frame() {
  for (;;) {
    if (auto found = take_frame({in_.data() + begin_, end_ - begin_})) {
      begin_ += found->size;
      return found;
    }
    if (!read_more()) return std::nullopt;
  }
}

bool connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const int taken =
        SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1U << 30)));
    if (taken <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(taken));
  }
  return BIO_ctrl_pending(SSL_get_wbio(ssl_)) < send_at_once || flush();
}

bool connection::flush() {
  BIO* out = SSL_get_wbio(ssl_);
  char* bytes = nullptr;
  auto left = static_cast<std::size_t>(BIO_get_mem_data(out, &bytes));
  while (left > 0) {
    const ssize_t sent = ::send(socket_, bytes, left, MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes += sent;
    left -= static_cast<std::size_t>(sent);
  }
  std::ignore = BIO_reset(out);
  return left == 0;
}

bool connection::answer(const frame& control) {
  std::string reply;
  if (control.code == op_ping || control.code == op_close) {
    append_header(reply, control.code == op_ping ? op_pong : op_close, control.payload.size());
    reply.append(reinterpret_cast<const char*>(control.payload.data()), control.payload.size());
    if (!write(reply) || !flush()) return false;
  }
  return control.code != op_close;
}

void connection::await_close() {
  while (const auto next = read_frame()) {
    if (next->code == op_close) return;
    if (next->code > op_close) answer(*next);
  }
}

}  // namespace bench
