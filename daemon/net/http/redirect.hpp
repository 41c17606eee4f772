#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/value/url.hpp"
#include "daemon/link/server_request.hpp"

namespace duplexd::net {

inline constexpr int most_redirects = 5;

/// 301, 302, 303, 307, 308.
[[nodiscard]] constexpr bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Turns `request`, whose first server was `first`, into the one that a redirect asks for: the new address,
/// and at another origin no server name of the old one. Says why if the redirect may not be followed: no or a
/// bad location, one that leaves TLS, or one that `request.redirects` does not allow. Whoever is asked next
/// gets all that the first server got.
[[nodiscard]] std::optional<std::string> follow(server_request& request, const config::url& first,
                                                std::string_view location);

/// A location for messages: printable, without the query, which may hold secrets.
[[nodiscard]] std::string shown_location(std::string_view location);

}  // namespace duplexd::net
