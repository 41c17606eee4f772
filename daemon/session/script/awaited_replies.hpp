#pragma once

#include <set>
#include <string>

#include "config/settings/settings.hpp"

namespace duplexd {

/// The names of the replies that a session's login, steps and heartbeat wait for. Pure.
[[nodiscard]] std::set<std::string> awaited_replies(const config::session_settings& settings);

}  // namespace duplexd
