#include "daemon/net/connect/socks.hpp"

#include <array>
#include <boost/asio/ip/address.hpp>

namespace duplexd::net::socks {
namespace {

constexpr std::uint8_t ipv4_kind = 1;
constexpr std::uint8_t ipv6_kind = 4;

void add(std::string& out, std::uint8_t byte) {
  out += static_cast<char>(byte);
}

void add_field(std::string& out, const std::string& text) {
  add(out, static_cast<std::uint8_t>(text.size()));
  out += text;
}

template <class Bytes>
void add_address(std::string& out, std::uint8_t kind, const Bytes& bytes) {
  add(out, kind);
  for (const auto byte : bytes) add(out, byte);
}

}  // namespace

std::string greeting(const config::proxy_server& proxy) {
  std::string out;
  const bool can_log_in = !proxy.username.empty();
  add(out, version);
  add(out, can_log_in ? 2 : 1);
  add(out, no_authentication);
  if (can_log_in) add(out, username_password);
  return out;
}

std::string login(const config::proxy_server& proxy) {
  std::string out;
  add(out, 1);  // the version of this part
  add_field(out, proxy.username);
  add_field(out, proxy.password);
  return out;
}

std::string connect_request(const std::string& host, std::uint16_t port) {
  std::string out;
  add(out, version);
  add(out, 1);  // CONNECT
  add(out, 0);
  boost::system::error_code no_address;
  const auto address = boost::asio::ip::make_address(host, no_address);
  if (no_address) {
    add(out, name_kind);
    add_field(out, host);
  } else if (address.is_v4()) {
    add_address(out, ipv4_kind, address.to_v4().to_bytes());
  } else {
    add_address(out, ipv6_kind, address.to_v6().to_bytes());
  }
  add(out, static_cast<std::uint8_t>(port >> 8));
  add(out, static_cast<std::uint8_t>(port & 0xff));
  return out;
}

std::size_t address_size(std::uint8_t kind) noexcept {
  if (kind == ipv4_kind) return 4 + 2;
  return kind == ipv6_kind ? 16 + 2 : 0;
}

std::string reply_text(std::uint8_t code) {
  constexpr std::array<std::string_view, 9> words{
      "it succeeded",
      "the proxy itself failed",
      "its rules do not allow this connection",
      "the server's network cannot be reached from there",
      "the server cannot be reached from there",
      "the server refused the connection",
      "the server did not answer it in time",
      "it does not know the command CONNECT",
      "it does not know this kind of address",
  };
  if (code < words.size()) return std::string(words[code]);
  return "it answered with code " + std::to_string(code) + ", which is not defined";
}

}  // namespace duplexd::net::socks
