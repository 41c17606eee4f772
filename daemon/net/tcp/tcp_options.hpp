#pragma once

#include "config/settings/settings.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net {

/// Sets the options of a TCP socket; what a socket does not have (a Unix-domain one) is passed over.
void apply(const config::tcp_settings& settings, tcp_socket& socket);

}  // namespace duplexd::net
