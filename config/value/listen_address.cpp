#include "config/value/listen_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

namespace duplexd::config {

bool is_ip_address(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> name{};
  if (text.size() >= name.size()) return false;
  text.copy(name.data(), text.size());
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(AF_INET, name.data(), address.data()) == 1 ||
         inet_pton(AF_INET6, name.data(), address.data()) == 1;
}

std::optional<listen_address> parse_listen_address(std::string_view text, std::string& error) {
  const auto colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (digits.empty() || wrong != std::errc{} || end != digits.data() + digits.size() ||
      in_brackets != has_colon || !is_ip_address(host)) {
    error = fmt::format("'{}' is not an IP address and a port, such as 127.0.0.1:9100 or [::1]:9100",
                        text.substr(0, 80));
    return std::nullopt;
  }
  return listen_address{std::string(host), port};
}

std::string text_of(const listen_address& address) {
  const bool is_v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address.host, is_v6 ? "]" : "", address.port);
}

}  // namespace duplexd::config
