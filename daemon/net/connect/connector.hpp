#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <variant>

#include "daemon/link/fault.hpp"
#include "daemon/link/server_request.hpp"
#include "daemon/net/tcp/happy_eyeballs.hpp"
#include "daemon/net/tcp/resolver.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/net/tls/tls_context.hpp"

namespace duplexd::net {

/// An open connection, with TLS if the address asks for it, or why there is none.
using open_result = std::variant<std::shared_ptr<tcp_connection>, fault>;

/// Opens connections, one phase after the other: name, TCP, proxy, TLS. Each has its own limit and its own
/// words for what went wrong.
class connector {
 public:
  explicit connector(asio::io_context& loop) : loop_(loop), resolver_(loop) {}

  /// `to` must live until this is done. Does not throw. Cancellable (`cancelled()`).
  asio::awaitable<open_result> open(const server_request& to);

 private:
  asio::awaitable<connect_result> connect(const server_request& to, const config::proxy_server* proxy);
  asio::awaitable<std::optional<fault>> start_tls(std::shared_ptr<tcp_connection> connection,
                                                  const server_request& to);

  asio::io_context& loop_;
  resolver resolver_;
  client_tls tls_;
};

}  // namespace duplexd::net
