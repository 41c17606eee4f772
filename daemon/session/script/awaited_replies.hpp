#pragma once

#include <set>
#include <string>

#include "config/settings/settings.hpp"

namespace duplexd {

/// The names of the replies that a session's steps, handlers, heartbeat and confirmations look at. Pure.
[[nodiscard]] std::set<std::string> awaited_replies(const config::session_settings& settings);

}  // namespace duplexd
