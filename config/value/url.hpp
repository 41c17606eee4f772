#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace duplexd::config {

/// Where a server is and what is asked of it: a WebSocket address (RFC 6455, section 3) or an HTTP address.
struct url {
  bool secure = true;        ///< wss, https
  std::string host;          ///< name or address; an IPv6 address without brackets, perhaps with its zone
  std::uint16_t port = 443;  ///< 443 if secure and 80 if not, unless the text names one
  std::string target = "/";  ///< path and query, never empty
  std::string socket{};      ///< path of a Unix-domain socket that takes the place of host and port

  /// The host as others know it: an address's zone ("%eth0") is this machine's own (RFC 6874, 4).
  [[nodiscard]] std::string host_without_zone() const;

  /// "host:port" as the Host header wants it: brackets around IPv6, without a zone, and the
  /// scheme's own port left out.
  [[nodiscard]] std::string authority() const;

  /// For messages: "wss://host:port/path". `scheme` is "ws" or "http". A query may hold secrets and is left
  /// out.
  [[nodiscard]] std::string without_query(std::string_view scheme) const;
};

/// Parses `ws://`, `wss://` and `ws+unix:SOCKET:/PATH`, whose host is localhost. On failure returns nothing
/// and puts the reason into `error`, without the text itself.
[[nodiscard]] std::optional<url> parse_url(std::string_view text, std::string& error);

/// The same for `http://` and `https://`.
[[nodiscard]] std::optional<url> parse_http_url(std::string_view text, std::string& error);

/// The same for HOST:PORT and [ADDRESS]:PORT, without TLS.
[[nodiscard]] std::optional<url> parse_host_port(std::string_view text, std::string& error);

/// Two schemes, the second of which means TLS, and their ports.
struct scheme_pair {
  std::string_view open;
  std::string_view secure;
  std::uint16_t open_port = 80;
  std::uint16_t secure_port = 443;
};
inline constexpr scheme_pair mqtt_schemes{"mqtt", "mqtts", 1883, 8883};
inline constexpr scheme_pair nats_schemes{"nats", "tls", 4222, 4222};

/// The same for a message broker, which has a host, perhaps a port, and nothing more.
[[nodiscard]] std::optional<url> parse_broker_url(std::string_view text, const scheme_pair& known,
                                                  std::string& error);

/// "HOST:PORT" or "[ADDRESS]:PORT".
[[nodiscard]] std::string host_port_text(const url& address);

/// What a reference such as a Location header means when it was found at `base` (RFC 3986, section 5.2): a
/// whole URL (ws, wss, http or https), or one that starts anywhere behind that. A fragment is dropped.
[[nodiscard]] std::optional<url> resolve_reference(const url& base, std::string_view reference,
                                                   std::string& error);

/// An origin (RFC 6454, section 4): scheme (ws, wss, http or https), host, perhaps a port, and nothing more.
[[nodiscard]] std::optional<url> parse_origin(std::string_view text, std::string& error);

/// Whether both are the same server to a browser: security, host and port (RFC 6454, section 4).
[[nodiscard]] bool is_same_origin(const url& a, const url& b);

}  // namespace duplexd::config
