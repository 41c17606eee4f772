#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <variant>
#include <vector>

#include "daemon/link/fault.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net {

using connect_result = std::variant<tcp_socket, fault>;

/// Address families taken in turn, beginning with the first one's (RFC 8305, section 4).
[[nodiscard]] std::vector<asio::ip::address> interleave(const std::vector<asio::ip::address>& addresses);

/// "127.0.0.1:80", "[::1]:80".
[[nodiscard]] std::string endpoint_text(const asio::ip::tcp::endpoint& endpoint);

/// Tries all addresses, each new one 250 ms after the one before or as soon as that has failed; the first
/// connection wins (RFC 8305). The fault lists every address with its reason. Does not throw.
/// Cancellable (`cancelled()`).
asio::awaitable<connect_result> connect_any(loop_executor loop, std::vector<asio::ip::address> addresses,
                                            std::uint16_t port, std::chrono::milliseconds limit);

}  // namespace duplexd::net
