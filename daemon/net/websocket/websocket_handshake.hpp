#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/link/dialer.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"

/// The WebSocket handshake of both roles over an open connection. This header knows no Beast.
namespace duplexd::net {

/// What a client asks for.
struct handshake_request {
  std::string host;  ///< the Host header
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> subprotocols;
  bool subprotocol_required = false;      ///< it must choose one of them
  std::shared_ptr<cookie_jar> cookies{};  ///< may be null
  config::url address{};                  ///< whose cookies are sent and taken
  config::limit_settings limits;
  std::optional<config::deflate_settings> deflate;  ///< offered to the server
  std::chrono::milliseconds limit{0};
  dial_observer* watch = nullptr;
  std::string shown;  ///< the URL as the observer sees it
};

/// Why such a request cannot be sent: a header of the user's that the handshake needs itself, or a line break
/// in one. Nothing if it can.
[[nodiscard]] std::optional<std::string> check_request(const handshake_request& request);

/// The server asks us to go elsewhere (301, 302, 303, 307, 308).
struct handshake_redirect {
  fault answer;  ///< for whoever does not follow
  int status = 0;
  std::string location;  ///< as it came
};
using handshake_result = std::variant<std::unique_ptr<transport>, fault, handshake_redirect>;

/// Sends the request, checks the answer. Does not throw on network faults; cancellable.
asio::awaitable<handshake_result> handshake_as_client(std::shared_ptr<tcp_connection> connection,
                                                      handshake_request request);

/// What a server was asked for.
struct handshake_offer {
  std::string target;
  bool upgrade = true;  ///< false: a plain HTTP request, for which 101 means that there is no such page
  std::vector<std::string> subprotocols;
};

/// What it answers: 101 opens the link, anything else refuses with `body` as the reason.
struct handshake_answer {
  unsigned status = 101;
  std::string subprotocol;  ///< one of those offered, or empty
  std::string body;
  bool json = false;  ///< of the body: what it is
  std::uint64_t message_limit = 16U << 20;
};
using handshake_decision = std::function<handshake_answer(const handshake_offer&)>;

/// Waits for a client's request and answers it. Does not throw on network faults; cancellable.
asio::awaitable<dial_result> handshake_as_server(std::shared_ptr<tcp_connection> connection,
                                                 handshake_decision decide, std::chrono::milliseconds limit);

}  // namespace duplexd::net
