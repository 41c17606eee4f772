#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"

namespace duplexd {

/// The names of the replies that a session's login, steps and heartbeat wait for. Pure.
[[nodiscard]] std::set<std::string> awaited_replies(const config::session_settings& settings);

/// The replies that say that a login failed though it does not name them: all but the expected one and those
/// that come anyway, for handlers and the watches of liveness. Pure.
[[nodiscard]] std::vector<std::string> other_answers(const config::session_settings& settings);

/// The replies of `login.reject` that end a login's steps whenever they come: those that none of the steps
/// waits for itself. Pure.
[[nodiscard]] std::vector<std::string> rejections(const config::login_settings& login);

}  // namespace duplexd
