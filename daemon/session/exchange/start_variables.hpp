#pragma once

#include "config/settings/settings.hpp"
#include "daemon/session/exchange/session_context.hpp"
#include "daemon/session/exchange/variables.hpp"

namespace duplexd {

/// Gives the variables the values that a session begins with, at its start or with other settings: what steps
/// have set meanwhile stays; then counts what the journal has, then what the configuration says. From then on
/// the journal is told of those that are durable. A value over `limits.variables` is left out, and said.
/// `context` must outlive `values`.
void start_variables(const config::session_settings& settings, variables& values,
                     const session_context& context);

}  // namespace duplexd
