#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "config/value/proxy.hpp"
#include "daemon/link/fault.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net {

/// Asks the proxy at the other end of `connection` for one to the server `to`; after that the connection
/// leads there. Does not throw on network faults. When it is cancelled it returns early with a fault; the
/// caller asks. `via` and `to` must live until this is done.
asio::awaitable<std::optional<fault>> open_tunnel(std::shared_ptr<tcp_connection> connection,
                                                  const config::proxy_server& via, const config::url& to,
                                                  std::chrono::milliseconds limit);

}  // namespace duplexd::net
