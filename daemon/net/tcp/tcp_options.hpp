#pragma once

#include "config/settings/settings.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net {

/// Sets the options of a TCP socket; what a socket does not have (a Unix-domain one) is passed over.
void apply(const config::tcp_settings& settings, tcp_socket& socket);

/// Keeps a socket that Asio made from the programs that are started: it opens and accepts them without
/// SOCK_CLOEXEC.
void close_on_exec(int handle) noexcept;

}  // namespace duplexd::net
