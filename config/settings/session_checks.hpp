#pragma once

#include "config/document/reading.hpp"
#include "config/settings/settings.hpp"

namespace duplexd::config {

/// What single fields cannot see: values that contradict each other are mistakes, what is insecure or hardly
/// meant is a warning. `from` is the session's whole node, for places.
void check_session(const session_settings& session, const value_at& from, reading& in);

}  // namespace duplexd::config
