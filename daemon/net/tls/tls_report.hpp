#pragma once

#include <chrono>
#include <optional>

#include "daemon/link/dial_observer.hpp"

struct ssl_st;

namespace duplexd::net {

/// What the two sides of an established session agreed on, and whose certificate the peer has.
[[nodiscard]] tls_details describe_session(const ssl_st* session);

/// When the peer's certificate expires; nothing if it has shown none. A resumed session remembers it.
[[nodiscard]] std::optional<std::chrono::sys_seconds> end_of_certificate(const ssl_st* session);

}  // namespace duplexd::net
