#pragma once

#include "daemon/link/dial_observer.hpp"

struct ssl_st;

namespace duplexd::net {

/// What the two sides of an established session agreed on, and whose certificate the peer has.
[[nodiscard]] tls_details describe_session(const ssl_st* session);

}  // namespace duplexd::net
