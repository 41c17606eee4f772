#include "daemon/net/connect/connector.hpp"

#include <boost/asio/this_coro.hpp>
#include <string>
#include <utility>
#include <vector>

#include "daemon/link/phase_timer.hpp"
#include "daemon/net/connect/tunnel.hpp"
#include "daemon/net/tcp/deadline.hpp"
#include "daemon/net/tcp/faults.hpp"
#include "daemon/net/tcp/happy_eyeballs.hpp"
#include "daemon/net/tcp/tcp_options.hpp"
#include "daemon/net/tcp/unix_connector.hpp"
#include "daemon/net/tls/tls_engine.hpp"

namespace duplexd::net {
namespace {

using config::fault_class;
using address_list = std::vector<asio::ip::address>;

resolve_details describe(const std::string& host, const address_list& addresses) {
  resolve_details found{.host = host, .addresses = {}};
  for (const auto& each : interleave(addresses)) found.addresses.push_back(each.to_string());
  return found;
}

tcp_details describe(const tcp_socket& socket) {
  boost::system::error_code gone;
  return {.remote = endpoint_text(socket.remote_endpoint(gone)),
          .local = endpoint_text(socket.local_endpoint(gone))};
}

}  // namespace

asio::awaitable<open_result> connector::open(const server_request& to) {
  const config::proxy_server* proxy = to.proxies.find(to.address);
  auto connected = co_await connect(to, proxy);
  if (auto* failed = std::get_if<fault>(&connected)) {
    if (proxy != nullptr) failed->cause = "the proxy " + proxy->display() + ": " + failed->cause;
    co_return std::move(*failed);
  }
  auto connection = std::make_shared<tcp_connection>(std::get<tcp_socket>(std::move(connected)));
  apply(to.tcp, connection->socket());
  if (proxy != nullptr) {
    const phase_timer phase(to.watch, dial_phase::proxy);
    auto failed = co_await open_tunnel(connection, *proxy, to.address, to.timeouts.proxy);
    if (failed) co_return std::move(*failed);
    phase.done([&] { return proxy_details{.proxy = proxy->display(), .target = to.address.authority()}; });
  }
  if (to.address.secure) {
    auto failed = co_await start_tls(connection, to);
    if (failed) co_return std::move(*failed);
  }
  co_return connection;
}

asio::awaitable<connect_result> connector::connect(const server_request& to,
                                                   const config::proxy_server* proxy) {
  if (!to.address.socket.empty()) {
    const phase_timer connecting(to.watch, dial_phase::tcp);
    auto connected = connect_unix(loop_.get_executor(), to.address.socket);
    if (std::holds_alternative<tcp_socket>(connected))
      connecting.done([&] { return tcp_details{.remote = to.address.socket, .local = {}}; });
    co_return connected;
  }
  const std::string& host = proxy != nullptr ? proxy->host : to.address.host;
  const phase_timer resolving(to.watch, dial_phase::resolve);
  auto resolved = co_await resolver_.resolve(host, to.timeouts.resolve);
  if (auto* failed = std::get_if<fault>(&resolved)) co_return std::move(*failed);
  auto addresses = std::get<address_list>(std::move(resolved));
  resolving.done([&] { return describe(host, addresses); });

  const phase_timer connecting(to.watch, dial_phase::tcp);
  const std::uint16_t port = proxy != nullptr ? proxy->port : to.address.port;
  auto connected =
      co_await connect_any(loop_.get_executor(), std::move(addresses), port, to.timeouts.connect);
  if (const auto* socket = std::get_if<tcp_socket>(&connected))
    connecting.done([&] { return describe(*socket); });
  co_return connected;
}

asio::awaitable<std::optional<fault>> connector::start_tls(std::shared_ptr<tcp_connection> connection,
                                                           const server_request& to) {
  const phase_timer phase(to.watch, dial_phase::tls);
  const auto trusted = tls_.get(to);
  if (!trusted.context) co_return make_fault(fault_class::tls, "TLS: " + trusted.error);
  tls_peer peer{.name = to.tls.server_name.value_or(to.address.host_without_zone()),
                .verify = to.tls.verify,
                .by_common_name = to.tls.allow_common_name || !to.tls.pins.empty(),  // a pin must match, then
                .address = to.resumes_tls ? to.address.authority() : ""};
  const deadline guard(connection, to.timeouts.tls);
  auto engine = std::make_unique<tls_engine>(trusted.context, std::move(peer));
  tls_engine& session = *engine;
  const bool done = co_await connection->start_tls(std::move(engine));
  if (done && !session.check_pins(to.tls.pins))
    co_return make_fault(fault_class::tls, "TLS: " + session.failure());
  if (done) {
    phase.done([&] { return session.details(); });
    co_return std::nullopt;
  }
  if (guard.expired()) {
    co_return make_fault(fault_class::tls, "TLS: the server did not answer the handshake within " +
                                               duration_text(to.timeouts.tls));
  }
  const std::string where = connection->tls_failed() ? "" : " during the handshake";
  co_return make_fault(fault_class::tls, "TLS: " + connection->end_cause().value_or("cancelled") + where);
}

}  // namespace duplexd::net
