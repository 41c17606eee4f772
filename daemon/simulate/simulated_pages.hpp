#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"
#include "config/value/url.hpp"

namespace duplexd::net {

/// Stands in a URL for a value that is not known before the client runs.
inline constexpr std::string_view unknown_value = "-unknown-";

/// Whether a path is `pattern`, in which anything may stand for each `unknown_value`.
[[nodiscard]] bool is_path(std::string_view path, std::string_view pattern);

/// What an `http` step asks for, and the JSON of the answer.
struct simulated_page {
  config::url address;
  std::string body;
};

/// A page for each `http` step of the session, whatever its server: its body has what the step saves of it.
[[nodiscard]] std::vector<simulated_page> pages_of(const config::session_settings& session);

}  // namespace duplexd::net
