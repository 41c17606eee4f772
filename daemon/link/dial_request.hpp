#pragma once

#include <cstddef>
#include <optional>
#include <variant>

#include "config/reference/scope.hpp"
#include "config/settings/settings.hpp"
#include "daemon/link/dialer.hpp"

namespace duplexd {

/// Reads every reference that a dial of the session's `index`-th URL needs, now; those to the running session
/// from `inside`. A fault (class `secret`) names the field and the reference that could not be read, never a
/// value. Blocks for as long as small files take.
[[nodiscard]] std::variant<dial_request, fault> resolve_dial_request(const config::session_settings& settings,
                                                                     config::scope* inside,
                                                                     std::size_t index = 0);

/// The part of it that other requests of the session share: how to get to a server, not where. TLS, proxies,
/// redirects, TCP, timeouts.
[[nodiscard]] std::optional<fault> resolve_server(const config::session_settings& settings,
                                                  config::scope* inside, server_request& out);

}  // namespace duplexd
