#pragma once

#include <string>

#include "config/reference/scope.hpp"
#include "config/settings/output_settings.hpp"
#include "daemon/link/server_request.hpp"

namespace duplexd {

/// Puts into `request` which certificates the output trusts and shows. Returns why that is not known; empty:
/// it is.
[[nodiscard]] std::string resolve_certificates(const config::output_settings& settings, config::scope& scope,
                                               server_request& request);

}  // namespace duplexd
