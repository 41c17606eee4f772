#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace duplexd::config {

/// Where a server listens: an IP address, no name, and a port.
struct listen_address {
  std::string host;        ///< "127.0.0.1", "::1"
  std::uint16_t port = 0;  ///< 0: a free one
};

/// `127.0.0.1:9100`, `[::1]:9100`; says what is wrong in `error`.
[[nodiscard]] std::optional<listen_address> parse_listen_address(std::string_view text, std::string& error);

/// As it is written.
[[nodiscard]] std::string text_of(const listen_address& address);

/// Whether the text is an IPv4 or IPv6 address, the latter without brackets.
[[nodiscard]] bool is_ip_address(std::string_view text) noexcept;

}  // namespace duplexd::config
