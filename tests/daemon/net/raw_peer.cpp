#include "tests/daemon/net/raw_peer.hpp"

#include <openssl/evp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <stdexcept>
#include <variant>

#include "daemon/net/websocket/frame_header.hpp"
#include "daemon/net/websocket/websocket_handshake.hpp"
#include "tests/daemon/net/loop.hpp"

namespace duplexd::net::test {
namespace {

/// RFC 6455, 1.3: what a server makes of the client's key.
std::string accept_value(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(length)};
}

std::string header_value(const std::string& head, const std::string& name) {
  const auto at = head.find(name + ": ");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 2;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

asio::awaitable<void> answer_upgrade(tcp_socket& socket, std::string more_headers, std::string& head) {
  while (head.find("\r\n\r\n") == std::string::npos) {
    std::array<char, 2048> piece{};
    const auto size = co_await socket.async_read_some(asio::buffer(piece), asio::use_awaitable);
    head.append(piece.data(), size);
  }
  const std::string answer = upgrade_answer_to(head, more_headers);
  co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
}

}  // namespace

std::string upgrade_answer_to(const std::string& request, const std::string& more_headers) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         accept_value(header_value(request, "Sec-WebSocket-Key")) + "\r\n" + more_headers + "\r\n";
}

socket_pair connected_sockets(asio::io_context& loop) {
  asio::basic_socket_acceptor<asio::ip::tcp, loop_executor> acceptor(loop.get_executor(),
                                                                     {asio::ip::address_v4::loopback(), 0});
  tcp_socket ours(loop.get_executor());
  ours.connect(acceptor.local_endpoint());
  tcp_socket theirs = acceptor.accept();
  theirs.set_option(asio::ip::tcp::no_delay(true));
  return {std::move(ours), std::move(theirs)};
}

raw_peer::raw_peer(std::uint64_t message_limit)
    : raw_peer(config::limit_settings{.message = message_limit}, std::nullopt, {}) {}

raw_peer::raw_peer(config::limit_settings limits, std::optional<config::deflate_settings> offer,
                   std::string answer) {
  auto pair = connected_sockets(loop_);
  socket_.emplace(std::move(pair.theirs));
  handshake_request request;
  request.host = "localhost";
  request.target = "/";
  request.limits = limits;
  request.deflate = offer;
  request.limit = std::chrono::seconds(5);
  asio::co_spawn(loop_, answer_upgrade(*socket_, std::move(answer), request_), [](std::exception_ptr) {});
  auto opened = run(
      loop_, handshake_as_client(std::make_shared<tcp_connection>(std::move(pair.ours)), std::move(request)));
  auto* link = std::get_if<std::unique_ptr<transport>>(&opened);
  if (link == nullptr) throw std::runtime_error("no link: " + std::get<fault>(opened).cause);
  link_ = std::move(*link);
  (void)sent_by_link();
  protocol::frame_view none;
  while (link_->next(none)) {
  }
}

void raw_peer::send(std::string_view bytes) {
  asio::write(*socket_, asio::buffer(bytes));
}

void raw_peer::shut_down() {
  socket_->shutdown(tcp_socket::shutdown_send);
}

void raw_peer::reset() {
  socket_->set_option(asio::socket_base::linger(true, 0));
  socket_->close();
}

std::string raw_peer::sent_by_link() {
  turn();
  std::string all;
  std::array<char, 65536> piece{};
  for (;;) {
    const auto got = ::recv(socket_->native_handle(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (got <= 0) return all;
    all.append(piece.data(), static_cast<std::size_t>(got));
  }
}

bool raw_peer::link_ended_tcp() {
  char first = 0;
  return ::recv(socket_->native_handle(), &first, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

void raw_peer::read_into(heard& what) {
  run(loop_, link_->wait_readable());
  protocol::frame_view message;
  while (link_->next(message)) {
    const auto* begin = reinterpret_cast<const char*>(message.bytes.data());
    what.messages.emplace_back(message.kind, std::string(begin, message.bytes.size()));
  }
  if (link_->end_is_next()) link_->next(message);
}

void raw_peer::stop_listening() {
  socket_->set_option(asio::socket_base::receive_buffer_size(4096));
}

void raw_peer::turn() {
  loop_.restart();
  loop_.poll();
}

std::string frame(std::uint8_t first, std::string_view payload) {
  std::string made(1, static_cast<char>(first));
  const auto size = payload.size();
  if (size < 126) {
    made.push_back(static_cast<char>(size));
  } else {
    const int bytes = size < 65536 ? 2 : 8;
    made.push_back(static_cast<char>(bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; --i) made.push_back(static_cast<char>(size >> (8 * i) & 0xff));
  }
  return made.append(payload);
}

std::string masked_frame(std::uint8_t first, std::string_view payload) {
  const std::array<std::uint8_t, 4> mask{0x11, 0x22, 0x33, 0x44};
  std::string made = frame(first, payload);
  const std::size_t header = made.size() - payload.size();
  apply_mask({reinterpret_cast<std::uint8_t*>(made.data()) + header, payload.size()}, mask);
  made[1] = static_cast<char>(made[1] | 0x80);
  made.insert(header, reinterpret_cast<const char*>(mask.data()), mask.size());
  return made;
}

}  // namespace duplexd::net::test
