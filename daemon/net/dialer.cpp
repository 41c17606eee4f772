#include "daemon/link/dialer.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "daemon/net/connect/connector.hpp"
#include "daemon/net/http/redirect.hpp"
#include "daemon/net/make_dialer.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/net/websocket/websocket_handshake.hpp"

namespace duplexd::net {
namespace {

handshake_request make_handshake(const dial_request& request) {
  handshake_request made;
  made.host = request.address.authority();
  made.target = request.address.target;
  made.headers = request.headers;
  made.subprotocols = request.subprotocols;
  made.subprotocol_required = request.subprotocol_required;
  made.cookies = request.cookies;
  made.address = request.address;
  made.limits = request.limits;
  made.deflate = request.deflate;
  made.limit = request.timeouts.handshake;
  made.watch = request.watch;
  made.shown = request.address.without_query("ws");
  return made;
}

/// A connection, and the WebSocket handshake over it.
class socket_dialer final : public dialer {
 public:
  explicit socket_dialer(asio::io_context& loop) : connector_(loop) {}

  asio::awaitable<dial_result> dial(dial_request request) override {
    const config::url first = request.address;
    for (int redirects = 0;; ++redirects) {
      auto handshake = make_handshake(request);
      if (auto why = check_request(handshake)) co_return make_fault(config::fault_class::http, *why);
      const std::string where = redirects == 0 ? "" : " (redirected to " + handshake.shown + ")";
      auto opened = co_await connector_.open(request);
      if (auto* failed = std::get_if<fault>(&opened)) {
        failed->cause += where;
        co_return std::move(*failed);
      }
      const auto connection = std::get<std::shared_ptr<tcp_connection>>(std::move(opened));
      auto result = co_await handshake_as_client(connection, std::move(handshake));
      if (auto* failed = std::get_if<fault>(&result)) {
        failed->cause += where;
        co_return std::move(*failed);
      }
      if (auto* link = std::get_if<std::unique_ptr<transport>>(&result)) co_return std::move(*link);
      auto& redirect = std::get<handshake_redirect>(result);
      connection->abort();
      std::optional<std::string> why =
          redirects == most_redirects ? "redirected more than " + std::to_string(most_redirects) + " times"
                                      : follow(request, first, redirect.location);
      if (!why) continue;
      redirect.answer.cause += "; not followed: " + *why;
      co_return std::move(redirect.answer);
    }
  }

 private:
  connector connector_;
};

}  // namespace
}  // namespace duplexd::net

namespace duplexd {

std::unique_ptr<dialer> make_dialer(asio::io_context& loop) {
  return std::make_unique<net::socket_dialer>(loop);
}

}  // namespace duplexd
