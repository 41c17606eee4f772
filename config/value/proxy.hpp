#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/value/url.hpp"

namespace duplexd::config {

/// A proxy and who we are for it. Holds a secret: `display()` is for people.
struct proxy_server {
  bool socks = false;  ///< SOCKS5 (RFC 1928); else HTTP CONNECT (RFC 9110, 9.3.6)
  std::string host;    ///< name or address; an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string username{};  ///< empty: we say nothing of us
  std::string password{};

  /// "http://host:port" or "socks5://host:port".
  [[nodiscard]] std::string display() const;
};

/// Parses `http://HOST:PORT` and `socks5://HOST:PORT` (`socks5h` is the same: the proxy looks names up). On
/// failure returns nothing and puts the reason into `error`, without the text itself.
[[nodiscard]] std::optional<proxy_server> parse_proxy(std::string_view text, std::string& error);

/// Which proxy leads to which server.
struct proxy_rules {
  std::optional<proxy_server> secure;  ///< for wss and https
  std::optional<proxy_server> open;    ///< for ws and http
  std::vector<std::string>
      exempt;  ///< hosts that need none: names with all below them, addresses, ADDRESS/BITS, *

  /// The proxy for this server; null: none. Unix-domain sockets have none.
  [[nodiscard]] const proxy_server* find(const url& server) const;
};

/// What the environment says, as curl understands it: https_proxy (secure) or http_proxy, else all_proxy; all
/// but http_proxy in capitals too; no_proxy. User and password may stand in the URL, percent-encoded; without
/// a scheme it is http://, without a port it is 1080. `lookup` gives a variable's value, empty if there is
/// none. A value that cannot be read is named in `error`.
[[nodiscard]] proxy_rules proxies_from_environment(
    const std::function<std::string(const std::string& name)>& lookup, std::string& error);

}  // namespace duplexd::config
