#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "daemon/link/dialer.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/net/tls/tls_context.hpp"
#include "daemon/net/tls/tls_engine.hpp"
#include "daemon/net/websocket/websocket_handshake.hpp"

namespace duplexd::net::test {

namespace asio = boost::asio;

/// Accepts on a free port of the loopback and gives each connection to `serve`. What is still served when the
/// loop ends is dropped.
class test_server {
 public:
  using serve_function = std::function<asio::awaitable<void>(std::shared_ptr<tcp_connection>)>;

  test_server(asio::io_context& loop, serve_function serve)
      : loop_(loop),
        acceptor_(loop.get_executor(), {asio::ip::make_address("127.0.0.1"), 0}),
        serve_(std::move(serve)) {
    accept_next();
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] int accepted() const { return accepted_; }

 private:
  void accept_next() {
    acceptor_.async_accept([this](const boost::system::error_code& error, tcp_socket socket) {
      if (error) return;
      ++accepted_;
      asio::co_spawn(loop_, serve_(std::make_shared<tcp_connection>(std::move(socket))),
                     [](std::exception_ptr) {});
      accept_next();
    });
  }

  asio::io_context& loop_;
  asio::basic_socket_acceptor<asio::ip::tcp, loop_executor> acceptor_;
  serve_function serve_;
  int accepted_ = 0;
};

/// Opens the server's side of a link: TLS if there is a context, then the upgrade, everything accepted.
inline asio::awaitable<std::unique_ptr<transport>> open_link(std::shared_ptr<tcp_connection> connection,
                                                             tls_context tls, std::string subprotocol = {}) {
  if (tls) {
    auto engine = std::make_unique<tls_engine>(tls);
    const bool done = co_await connection->start_tls(std::move(engine));
    if (!done) co_return nullptr;
  }
  handshake_decision decide = [subprotocol](const handshake_offer&) {
    handshake_answer answer;
    answer.subprotocol = subprotocol;
    return answer;
  };
  auto opened = co_await handshake_as_server(connection, std::move(decide), std::chrono::seconds(5));
  auto* link = std::get_if<std::unique_ptr<transport>>(&opened);
  co_return link != nullptr ? std::move(*link) : nullptr;
}

/// Sends every message back, until the client closes.
inline asio::awaitable<void> echo(std::unique_ptr<transport> link) {
  protocol::frame_view message;
  while (!link->ended()) {
    co_await link->wait_readable();
    while (link->next(message)) link->put(message);
  }
  co_await link->finish(std::chrono::seconds(2));
}

inline test_server::serve_function echo_server(tls_context tls = nullptr) {
  return [tls](std::shared_ptr<tcp_connection> connection) -> asio::awaitable<void> {
    auto link = co_await open_link(connection, tls);
    if (link) co_await echo(std::move(link));
  };
}

/// A request with short limits for a server of the loopback.
inline dial_request request_to(std::uint16_t port, bool secure, const std::string& ca_file = {},
                               const std::string& host = "localhost") {
  dial_request request;
  request.address.secure = secure;
  request.address.host = host;
  request.address.port = port;
  request.address.target = "/";
  request.ca_file = ca_file;
  request.timeouts.resolve = request.timeouts.connect = std::chrono::seconds(5);
  request.timeouts.tls = request.timeouts.handshake = std::chrono::seconds(5);
  return request;
}

}  // namespace duplexd::net::test
