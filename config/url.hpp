#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace duplexd::config {

/// A WebSocket address, RFC 6455 section 3.
struct url {
  bool secure = true;        ///< wss
  std::string host;          ///< name or address; an IPv6 address without brackets
  std::uint16_t port = 443;  ///< 443 for wss and 80 for ws if the text names none
  std::string target = "/";  ///< path and query, never empty

  /// "host:port" as the Host header wants it: brackets around IPv6, the scheme's own port left out.
  [[nodiscard]] std::string authority() const;
};

/// Parses `ws://` and `wss://`. On failure returns nothing and puts the reason into `error`, without the text
/// itself.
[[nodiscard]] std::optional<url> parse_url(std::string_view text, std::string& error);

}  // namespace duplexd::config
