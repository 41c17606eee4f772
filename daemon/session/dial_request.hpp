#pragma once

#include <variant>

#include "config/settings.hpp"
#include "daemon/link/dialer.hpp"

namespace duplexd {

/// Reads every reference that a dial needs, now. A fault (class `secret`) names the field and the reference
/// that could not be read, never a value. Blocks for as long as small files take.
[[nodiscard]] std::variant<dial_request, fault> resolve_dial_request(
    const config::session_settings& settings);

}  // namespace duplexd
