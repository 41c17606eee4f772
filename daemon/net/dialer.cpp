#include "daemon/link/dialer.hpp"

#include <boost/asio/this_coro.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "daemon/net/await.hpp"
#include "daemon/net/connector.hpp"
#include "daemon/net/deadline.hpp"
#include "daemon/net/faults.hpp"
#include "daemon/net/make_dialer.hpp"
#include "daemon/net/resolver.hpp"
#include "daemon/net/tls_context.hpp"
#include "daemon/net/tls_engine.hpp"
#include "daemon/net/upgrade.hpp"
#include "daemon/net/wire.hpp"

namespace duplexd::net {
namespace {

upgrade_request make_upgrade(dial_request& request) {
  upgrade_request made;
  made.host = request.address.authority();
  made.target = request.address.target;
  made.headers = std::move(request.headers);
  made.subprotocols = std::move(request.subprotocols);
  made.message_limit = request.limits.message;
  made.limit = request.timeouts.handshake;
  return made;
}

/// One phase after the other: name, TCP, TLS, WebSocket. Each has its own limit and its own words for what
/// went wrong.
class socket_dialer final : public dialer {
 public:
  explicit socket_dialer(asio::io_context& loop) : loop_(loop), resolver_(loop) {}

  asio::awaitable<dial_result> dial(dial_request request) override {
    auto result = co_await run_phases(std::move(request));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) throw boost::system::system_error(asio::error::operation_aborted);
    co_return result;
  }

 private:
  asio::awaitable<dial_result> run_phases(dial_request request) {
    auto upgrade = make_upgrade(request);
    if (auto why = check_request(upgrade)) co_return make_fault(config::fault_class::http, *why);

    auto resolved = co_await resolver_.resolve(request.address.host, request.timeouts.resolve);
    if (auto* failed = std::get_if<fault>(&resolved)) co_return std::move(*failed);

    auto addresses = std::get<std::vector<asio::ip::address>>(std::move(resolved));
    auto connected = co_await connect_any(loop_.get_executor(), std::move(addresses), request.address.port,
                                          request.timeouts.connect);
    if (auto* failed = std::get_if<fault>(&connected)) co_return std::move(*failed);
    const auto connection = std::make_shared<wire>(std::get<tcp_socket>(std::move(connected)));

    if (request.address.secure) {
      auto failed = co_await start_tls(connection, request);
      if (failed) co_return std::move(*failed);
    }
    auto result = co_await upgrade_as_client(connection, std::move(upgrade));
    co_return result;
  }

  asio::awaitable<std::optional<fault>> start_tls(std::shared_ptr<wire> connection,
                                                  const dial_request& request) {
    using config::fault_class;
    const auto trusted = tls_.get(request.ca_file, request.tls.verify);
    if (!trusted.context) co_return make_fault(fault_class::tls, "TLS: " + trusted.error);
    tls_peer peer{.name = request.tls.server_name.value_or(request.address.host),
                  .verify = request.tls.verify};
    const deadline guard(connection, request.timeouts.tls);
    auto engine = std::make_unique<tls_engine>(trusted.context, std::move(peer));
    const bool done = co_await connection->start_tls(std::move(engine));
    if (done) co_return std::nullopt;
    if (guard.expired()) {
      co_return make_fault(fault_class::tls, "TLS: the server did not answer the handshake within " +
                                                 duration_text(request.timeouts.tls));
    }
    const std::string where = connection->tls_failed() ? "" : " during the handshake";
    co_return make_fault(fault_class::tls, "TLS: " + *connection->end_cause() + where);
  }

  asio::io_context& loop_;
  resolver resolver_;
  client_tls tls_;
};

}  // namespace
}  // namespace duplexd::net

namespace duplexd {

std::unique_ptr<dialer> make_dialer(asio::io_context& loop) {
  return std::make_unique<net::socket_dialer>(loop);
}

}  // namespace duplexd
