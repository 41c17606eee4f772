#include "config/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace duplexd::config {

namespace {

bool is_printable(char c) {
  return c > 0x20 && c < 0x7f;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

/// Hexadecimal groups, perhaps an IPv4 tail and a zone; whether it is an address the resolver decides.
bool is_ipv6(std::string_view host) {
  const std::string_view address = host.substr(0, host.find('%'));
  return std::count(address.begin(), address.end(), ':') >= 2 &&
         address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failed == std::errc{} && end == text.data() + text.size() && port != 0;
}

/// host, host:port, [address] or [address]:port
std::string parse_authority(std::string_view authority, url& out) {
  if (authority.find('@') != std::string_view::npos)
    return "a user name or password in the URL is not supported: use headers";
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return "the address's ']' is missing";
    out.host = authority.substr(1, end - 1);
    if (!is_ipv6(out.host)) return "what stands in [ ] is not an IPv6 address";
    const std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && rest[0] != ':') return "after ']' comes a port or the path";
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    const std::size_t colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    out.host = authority.substr(0, colon);
    if (has_port) port = authority.substr(colon + 1);
    if (out.host.empty()) return "the host is missing";
    if (port.find(':') != std::string_view::npos) return "an IPv6 address stands in [ ]";
    if (!is_host_name(out.host)) return "the host has a character that no host name has";
  }
  if (has_port && !parse_port(port, out.port)) return "the port is not a number from 1 to 65535";
  return "";
}

}  // namespace

std::string url::authority() const {
  const bool is_address = host.find(':') != std::string::npos;
  const std::string name = is_address ? fmt::format("[{}]", host) : host;
  return port == (secure ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::optional<url> parse_url(std::string_view text, std::string& error) {
  url result;
  const std::size_t scheme_end = text.find("://");
  std::string scheme(text.substr(0, scheme_end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (scheme_end == std::string_view::npos || (scheme != "ws" && scheme != "wss")) {
    error = "a URL starts with wss:// or ws://";
    return std::nullopt;
  }
  if (!std::all_of(text.begin(), text.end(), is_printable)) {
    error = "a URL has no spaces, control characters or letters beyond ASCII: percent-encode them";
    return std::nullopt;
  }
  result.secure = scheme == "wss";
  result.port = result.secure ? 443 : 80;
  text.remove_prefix(scheme_end + 3);
  if (text.find('#') != std::string_view::npos) {
    error = "a WebSocket URL has no fragment ('#')";
    return std::nullopt;
  }
  const std::size_t authority_end = std::min(text.find_first_of("/?"), text.size());
  error = parse_authority(text.substr(0, authority_end), result);
  if (!error.empty()) return std::nullopt;
  const std::string_view target = text.substr(authority_end);
  if (!target.empty())
    result.target = target.starts_with('?') ? "/" + std::string(target) : std::string(target);
  return result;
}

}  // namespace duplexd::config
