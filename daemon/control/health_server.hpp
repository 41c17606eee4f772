#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "config/settings/control_settings.hpp"
#include "daemon/control/readiness.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/net/http/http_server.hpp"
#include "daemon/runtime/clock.hpp"

namespace duplexd {

/// `/livez`, `/readyz` and `/metrics` (docs/operating.md): read-only, for whoever reaches the address.
class health_server {
 public:
  health_server(asio::io_context& loop, clock& time, const secret_index& secrets,
                const config::health_settings& settings, std::string version);

  /// Begins to listen; says why if it cannot.
  [[nodiscard]] std::optional<std::string> open(session_list sessions);

  /// Other sessions from now on.
  void update(session_list sessions) { sessions_ = std::move(sessions); }

  /// Where it listens: with the port that it got.
  [[nodiscard]] std::string address() const { return config::text_of(listen_); }

  /// Serves until it is cancelled.
  asio::awaitable<void> run() { return server_.run(); }

 private:
  asio::awaitable<net::served_answer> answer(const net::served_request& request);
  asio::awaitable<std::string> render_metrics();

  asio::io_context& loop_;
  clock& time_;
  const secret_index& secrets_;
  config::listen_address listen_;
  std::string version_;
  session_list sessions_;
  net::http_server server_;
};

}  // namespace duplexd
