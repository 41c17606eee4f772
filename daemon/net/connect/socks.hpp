#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/value/proxy.hpp"

/// The messages of SOCKS5 (RFC 1928, RFC 1929), bytes for bytes.
namespace duplexd::net::socks {

inline constexpr std::uint8_t version = 5;
inline constexpr std::uint8_t no_authentication = 0;
inline constexpr std::uint8_t username_password = 2;
inline constexpr std::size_t longest_field = 255;  ///< of a name, a user or a password

/// Which ways to log in we offer.
[[nodiscard]] std::string greeting(const config::proxy_server& proxy);

/// User and password, each at most `longest_field` bytes.
[[nodiscard]] std::string login(const config::proxy_server& proxy);

/// Asks for a connection to a host, which is at most `longest_field` bytes: a name goes as it is, the proxy
/// looks it up.
[[nodiscard]] std::string connect_request(const std::string& host, std::uint16_t port);

/// How many bytes of the bound address and port follow a reply's head, where that can be told by the head
/// alone: 0 for a name, whose length comes first, and for kinds that do not exist.
[[nodiscard]] std::size_t address_size(std::uint8_t kind) noexcept;
inline constexpr std::uint8_t name_kind = 3;

/// A reply's code in words.
[[nodiscard]] std::string reply_text(std::uint8_t code);

}  // namespace duplexd::net::socks
