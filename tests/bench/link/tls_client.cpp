#include "tests/bench/link/tls_client.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

namespace {

constexpr std::size_t receive_room = 262144;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::_Exit(1);
}

int connect_to(const target& to) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) give_up("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up("connect");
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

}  // namespace

target target::parse(const std::string& url) {
  char host[64] = {};
  int port = 0;
  int path = 0;
  if (std::sscanf(url.c_str(), "wss://%63[^:/]:%d%n", host, &port, &path) != 2)
    give_up("not wss://HOST:PORT/PATH");
  return {host, static_cast<std::uint16_t>(port), url.substr(static_cast<std::size_t>(path))};
}

SSL_CTX* make_client_context(const char* ca_file) {
  SSL_CTX* made = SSL_CTX_new(TLS_client_method());
  if (SSL_CTX_load_verify_locations(made, ca_file, nullptr) != 1) give_up(ca_file);
  SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
  return made;
}

BIO_METHOD* tls_client::method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bench");
    BIO_meth_set_read(fresh, &tls_client::bio_read);
    BIO_meth_set_write(fresh, &tls_client::bio_write);
    BIO_meth_set_ctrl(fresh,
                      [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH; });
    return fresh;
  }();
  return made;
}

tls_client::tls_client(SSL_CTX* context, const target& to, SSL_SESSION* resumed)
    : socket_(connect_to(to)), ssl_(SSL_new(context)), in_(4096) {
  BIO* bio = BIO_new(method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_tlsext_host_name(ssl_, to.host.c_str());
  SSL_set1_host(ssl_, to.host.c_str());
  if (resumed != nullptr) SSL_set_session(ssl_, resumed);
  if (SSL_connect(ssl_) != 1) give_up("TLS handshake");
  upgrade(to);
}

tls_client::~tls_client() {
  SSL_shutdown(ssl_);
  SSL_free(ssl_);
  ::close(socket_);
}

void tls_client::upgrade(const target& to) {
  const char* const extension =
      to.path.starts_with("/deflate/") ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "";
  write(
      fmt::format("GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{}"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                  to.path, to.host, to.port, extension));
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {  // bytewise: what stands behind it is the first frame's
    std::uint8_t byte = 0;
    if (read(&byte, 1) != 1) give_up("upgrade");
    head.push_back(static_cast<char>(byte));
  }
  if (!head.starts_with("HTTP/1.1 101")) give_up("not upgraded");
}

int tls_client::bio_read(BIO* bio, char* out, int size) {
  auto* self = static_cast<tls_client*>(BIO_get_data(bio));
  if (self->begin_ == self->end_) {
    // Little room until the stream flows: idle connections are measured too.
    if (self->end_ == self->in_.size()) self->in_.resize(receive_room);
    const ssize_t got = ::recv(self->socket_, self->in_.data(), self->in_.size(), 0);
    if (got <= 0) return static_cast<int>(got);
    self->begin_ = 0;
    self->end_ = static_cast<std::size_t>(got);
  }
  const auto taken = std::min(self->end_ - self->begin_, static_cast<std::size_t>(size));
  std::memcpy(out, self->in_.data() + self->begin_, taken);
  self->begin_ += taken;
  return static_cast<int>(taken);
}

int tls_client::bio_write(BIO* bio, const char* bytes, int size) {
  return static_cast<int>(::send(static_cast<tls_client*>(BIO_get_data(bio))->socket_, bytes,
                                 static_cast<std::size_t>(size), MSG_NOSIGNAL));
}

std::size_t tls_client::read(std::uint8_t* to, std::size_t room) {
  const int got = SSL_read(ssl_, to, static_cast<int>(room));
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

void tls_client::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const int taken = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    if (taken <= 0) give_up("write");
    bytes.remove_prefix(static_cast<std::size_t>(taken));
  }
}

}  // namespace bench
