#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "daemon/link/http_client.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net {

/// Why this request cannot be sent: its method, its target or one of its headers. Nothing if it can.
[[nodiscard]] std::optional<std::string> check_request(const http_request& request);

/// The request as it goes over the wire.
[[nodiscard]] std::string request_text(const http_request& request);

/// Sends one request and reads the whole answer within `limit`, what is left of its timeout; `what` must live
/// until this is done. Does not throw on network faults. When it is cancelled it returns early with a fault;
/// the caller asks.
asio::awaitable<http_result> exchange(std::shared_ptr<tcp_connection> connection, const http_request& what,
                                      std::chrono::milliseconds limit);

}  // namespace duplexd::net
