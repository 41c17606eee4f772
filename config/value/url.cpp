#include "config/value/url.hpp"

#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <charconv>
#include <memory>

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

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

/// The name as DNS and TLS know it (IDNA2008): "bücher.example" is "xn--bcher-kva.example".
std::string to_ascii(const std::string& name, std::string& out) {
  std::uint8_t* made = nullptr;
  const int result = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(name.c_str()), &made,
                                    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<std::uint8_t, decltype(&idn2_free)> owner(made, &idn2_free);
  if (result != IDN2_OK) return fmt::format("the host is not a valid name: {}", idn2_strerror(result));
  out = reinterpret_cast<const char*>(made);
  return "";
}

/// Hexadecimal groups, perhaps an IPv4 tail; whether it is an address the resolver decides.
bool is_ipv6(std::string_view address) {
  return std::count(address.begin(), address.end(), ':') >= 2 &&
         address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

/// The zone of an address, which follows "%25" (RFC 6874, 2) or, as people type it, a bare '%'. Empty if
/// there is no zone that could be meant.
std::string zone_of(std::string_view text) {
  if (text.starts_with("%25") && text.size() > 3) text.remove_prefix(2);
  text.remove_prefix(1);
  std::string zone;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    const bool escaped = text[i] == '%';
    if (escaped && (i + 2 >= text.size() || std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2))
      return "";
    zone += escaped ? static_cast<char>(value) : text[i];
    if (escaped) i += 2;
  }
  return std::all_of(zone.begin(), zone.end(), is_printable) ? zone : "";
}

/// What stands in [ ].
std::string parse_address(std::string_view text, std::string& out) {
  const std::size_t percent = std::min(text.find('%'), text.size());
  out = text.substr(0, percent);
  if (!is_ipv6(out)) return "the text in [ ] is not an IPv6 address";
  if (percent == text.size()) return "";
  const std::string zone = zone_of(text.substr(percent));
  if (zone.empty()) return "the address's zone is missing or not valid: write [fe80::1%25eth0]";
  out += '%' + zone;
  return "";
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
    std::string why = parse_address(authority.substr(1, end - 1), out.host);
    if (!why.empty()) return why;
    const std::string_view rest = authority.substr(end + 1);
    if (!rest.empty() && rest[0] != ':') return "only a port or a path may follow ']'";
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    const std::size_t colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    out.host = authority.substr(0, colon);
    if (has_port) port = authority.substr(colon + 1);
    if (out.host.empty()) return "the host is missing";
    if (port.find(':') != std::string_view::npos) return "an IPv6 address must be in [ ]";
    if (!is_ascii(out.host)) {
      std::string why = to_ascii(out.host, out.host);
      if (!why.empty()) return why;
    }
    if (!is_host_name(out.host)) return "the host contains a character not allowed in host names";
  }
  if (has_port && !parse_port(port, out.port)) return "the port is not a number from 1 to 65535";
  return "";
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

bool is_plain(std::string_view text, std::string& error, bool (*allowed)(char) = is_printable) {
  if (std::all_of(text.begin(), text.end(), allowed)) return true;
  error = "spaces, control characters and non-ASCII characters are not allowed in a URL: percent-encode them";
  return false;
}

/// What comes behind "scheme://".
bool parse_rest(std::string_view text, url& out, std::string& error) {
  const std::size_t authority_end = std::min(text.find_first_of("/?"), text.size());
  const auto in_name = [](char c) { return is_printable(c) || static_cast<unsigned char>(c) >= 0x80; };
  if (!is_plain(text.substr(0, authority_end), error, in_name)) return false;
  error = parse_authority(text.substr(0, authority_end), out);
  if (!error.empty()) return false;
  const std::string_view target = text.substr(authority_end);
  if (!is_plain(target, error)) return false;
  out.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return true;
}

std::optional<url> parse(std::string_view text, const scheme_pair& known, std::string& error) {
  const std::size_t scheme_end = text.find("://");
  const std::string scheme = lower(text.substr(0, scheme_end));
  if (scheme_end == std::string_view::npos || (scheme != known.open && scheme != known.secure)) {
    error = fmt::format("a URL must start with {}:// or {}://", known.secure, known.open);
    return std::nullopt;
  }
  if (text.find('#') != std::string_view::npos) {
    error = "a fragment ('#') is never sent: remove it from the URL";
    return std::nullopt;
  }
  url result;
  result.secure = scheme == known.secure;
  result.port = result.secure ? known.secure_port : known.open_port;
  if (!parse_rest(text.substr(scheme_end + 3), result, error)) return std::nullopt;
  return result;
}

constexpr std::string_view unix_scheme = "ws+unix:";

/// /path/of/socket or /path/of/socket:/what/to/ask/for
std::optional<url> parse_unix(std::string_view text, std::string& error) {
  if (!is_plain(text, error)) return std::nullopt;
  if (text.starts_with("///")) text.remove_prefix(2);
  const std::size_t colon = text.find(':');
  url result;
  result.secure = false;
  result.port = 80;
  result.host = "localhost";
  result.socket = text.substr(0, colon);
  if (colon != std::string_view::npos) result.target = text.substr(colon + 1);
  constexpr std::size_t longest = 107;  // sockaddr_un
  if (!result.socket.starts_with('/') || result.socket.starts_with("//"))
    error = "ws+unix: must be followed by the socket's absolute path, ':' and the request path";
  else if (result.socket.size() > longest)
    error = "the socket's path is longer than 107 bytes, the system's limit";
  else if (!result.target.starts_with('/') || result.target.find('#') != std::string::npos)
    error =
        "the socket's path must be followed by ':' and the request path, which starts with / and has no "
        "fragment";
  else
    return result;
  return std::nullopt;
}

/// Whether a reference names a scheme: a colon before anything that ends one.
bool has_scheme(std::string_view reference) {
  const std::size_t colon = reference.find_first_of(":/?");
  return colon != std::string_view::npos && reference[colon] == ':';
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

/// RFC 3986, section 5.2.4.
std::string without_dots(std::string_view target) {
  std::string_view rest = path_of(target);
  const std::string_view query = target.substr(rest.size());
  std::string path;
  while (!rest.empty()) {  // each piece begins with '/'
    const std::size_t end = std::min(rest.find('/', 1), rest.size());
    const std::string_view piece = rest.substr(0, end);
    rest.remove_prefix(end);
    const bool up = piece == "/..";
    if (up) path.erase(path.empty() ? 0 : path.rfind('/'));
    if (!up && piece != "/.") path += piece;
    if ((up || piece == "/.") && rest.empty()) path += '/';
  }
  return path.append(query);
}

}  // namespace

std::string url::host_without_zone() const {
  return host.substr(0, host.find('%'));
}

std::string url::authority() const {
  const bool is_address = host.find(':') != std::string::npos;
  const std::string name = is_address ? fmt::format("[{}]", host_without_zone()) : host;
  return port == (secure ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::string url::without_query(std::string_view scheme) const {
  return fmt::format("{}{}://{}{}", scheme, secure ? "s" : "", authority(), path_of(target));
}

std::optional<url> parse_url(std::string_view text, std::string& error) {
  if (lower(text.substr(0, unix_scheme.size())) == unix_scheme)
    return parse_unix(text.substr(unix_scheme.size()), error);
  return parse(text, {"ws", "wss"}, error);
}

std::optional<url> parse_http_url(std::string_view text, std::string& error) {
  return parse(text, {"http", "https"}, error);
}

std::optional<url> parse_broker_url(std::string_view text, const scheme_pair& known, std::string& error) {
  if (text.find('@') != std::string_view::npos) {
    error = "a user name or password in the URL is not supported: use user and password";
    return std::nullopt;
  }
  auto result = parse(text, known, error);
  if (!result || result->target == "/") return result;
  error = "the URL of a broker has a host and perhaps a port, and no path";
  return std::nullopt;
}

std::optional<url> parse_host_port(std::string_view text, std::string& error) {
  url result;
  result.secure = false;
  result.port = 0;
  error = parse_authority(text, result);
  if (error.empty() && result.port == 0) error = "the port is missing: write HOST:PORT";
  if (!error.empty()) return std::nullopt;
  return result;
}

std::string host_port_text(const url& address) {
  const bool is_address = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_address ? "[" : "", address.host, is_address ? "]" : "", address.port);
}

std::optional<url> resolve_reference(const url& base, std::string_view reference, std::string& error) {
  reference = reference.substr(0, reference.find('#'));
  url result = base;
  if (has_scheme(reference)) {
    const bool is_web_socket = lower(reference.substr(0, 2)) == "ws";
    return is_web_socket ? parse_url(reference, error) : parse_http_url(reference, error);
  }
  if (reference.starts_with("//")) {
    result.socket.clear();
    result.port = result.secure ? 443 : 80;
    if (!parse_rest(reference.substr(2), result, error)) return std::nullopt;
  } else if (!is_plain(reference, error)) {
    return std::nullopt;
  } else if (reference.starts_with('/')) {
    result.target = reference;
  } else if (reference.starts_with('?')) {
    result.target = std::string(path_of(base.target)).append(reference);
  } else if (!reference.empty()) {
    const std::string_view path = path_of(base.target);
    result.target = std::string(path.substr(0, path.rfind('/') + 1)).append(reference);
  }
  result.target = without_dots(result.target);
  return result;
}

std::optional<url> parse_origin(std::string_view text, std::string& error) {
  const std::string scheme = lower(text.substr(0, text.find("://")));
  const bool is_web_socket = scheme == "ws" || scheme == "wss";
  if (!is_web_socket && scheme != "http" && scheme != "https") {
    error = "an origin must start with wss://, https://, ws:// or http://";
    return std::nullopt;
  }
  auto result = is_web_socket ? parse_url(text, error) : parse_http_url(text, error);
  if (!result || result->target == "/") return result;
  error = "an origin has a scheme, a host and perhaps a port, and no path";
  return std::nullopt;
}

bool is_same_origin(const url& a, const url& b) {
  return a.secure == b.secure && lower(a.host) == lower(b.host) && a.port == b.port && a.socket == b.socket;
}

}  // namespace duplexd::config
