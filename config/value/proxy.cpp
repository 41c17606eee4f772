#include "config/value/proxy.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace duplexd::config {

namespace {

constexpr std::uint16_t default_port = 1080;  // curl's, for every kind

struct address {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t bits = 0;  ///< 0: not an address
};

address address_of(const std::string& text) {
  address found;
  if (inet_pton(AF_INET, text.c_str(), found.bytes.data()) == 1) found.bits = 32;
  if (inet_pton(AF_INET6, text.c_str(), found.bytes.data()) == 1) found.bits = 128;
  return found;
}

bool is_in(const address& host, const std::string& network) {
  const std::size_t slash = network.find('/');
  const address net = address_of(network.substr(0, slash));
  std::size_t bits = net.bits;
  if (slash != std::string::npos) {
    const char* end = network.data() + network.size();
    const auto [stop, failed] = std::from_chars(network.data() + slash + 1, end, bits);
    if (failed != std::errc{} || stop != end) return false;
  }
  if (net.bits == 0 || net.bits != host.bits || bits > net.bits) return false;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
    if (((net.bytes[bit / 8] ^ host.bytes[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::string_view without_dots(std::string_view name) {
  while (name.starts_with('.')) name.remove_prefix(1);
  while (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

/// The name itself or one below it.
bool is_under(std::string_view host, std::string_view domain) {
  host = without_dots(host);
  domain = without_dots(domain);
  if (domain.empty() || host.size() < domain.size()) return false;
  const std::string_view tail = host.substr(host.size() - domain.size());
  if (strncasecmp(tail.data(), domain.data(), domain.size()) != 0) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

bool is_exempt(const std::string& host, std::string rule) {
  if (rule == "*") return true;
  if (rule.starts_with('[') && rule.ends_with(']')) rule = rule.substr(1, rule.size() - 2);
  const address literal = address_of(host.substr(0, host.find('%')));
  return literal.bits != 0 ? is_in(literal, rule) : is_under(host, rule);
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words(1);
  for (const char c : list) {
    if (c != ',' && c != ' ' && c != '\t')
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    const bool escaped = text[i] == '%' && i + 2 < text.size() &&
                         std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
    out += escaped ? static_cast<char>(value) : text[i];
    if (escaped) i += 2;
  }
  return out;
}

std::optional<proxy_server> parse(std::string_view text, std::string& error, bool port_is_needed) {
  const std::size_t scheme_end = text.find("://");
  const std::string_view scheme = text.substr(0, scheme_end);
  const auto is = [&](std::string_view name) {
    return scheme.size() == name.size() && strncasecmp(scheme.data(), name.data(), name.size()) == 0;
  };
  if (scheme_end == std::string_view::npos || !(is("http") || is("socks5") || is("socks5h"))) {
    error = is("https") ? "TLS to the proxy is not supported: use http:// or socks5://"
                        : "the proxy's URL must start with http:// or socks5://";
    return std::nullopt;
  }
  // The rest is an address like any other.
  const auto parts = parse_http_url("http" + std::string(text.substr(scheme_end)), error);
  if (!parts) return std::nullopt;
  if (parts->target != "/") {
    error = "nothing may follow the proxy's host and port";
    return std::nullopt;
  }
  const std::string_view rest = text.substr(scheme_end + 3);
  const std::string_view behind_host = rest.substr(rest.starts_with('[') ? rest.find(']') : 0);
  const bool names_port = behind_host.find(':') != std::string_view::npos;
  if (!names_port && port_is_needed) {
    error = "the proxy's URL must have a port";
    return std::nullopt;
  }
  return proxy_server{
      .socks = !is("http"), .host = parts->host, .port = names_port ? parts->port : default_port};
}

/// A value of the environment: scheme and port may be absent, user and password may be there.
std::optional<proxy_server> parse_variable(std::string text, std::string& error) {
  if (text.find("://") == std::string::npos) text = "http://" + text;
  const std::size_t begin = text.find("://") + 3;
  const std::size_t end = std::min(text.find('/', begin), text.size());
  const std::size_t at = text.substr(0, end).rfind('@');
  std::string user;
  if (at != std::string::npos && at >= begin) {
    user = text.substr(begin, at - begin);
    text.erase(begin, at + 1 - begin);
  }
  auto found = parse(text, error, false);
  if (found && !user.empty()) {
    const std::size_t colon = user.find(':');
    found->username = decoded(std::string_view(user).substr(0, colon));
    if (colon != std::string::npos) found->password = decoded(std::string_view(user).substr(colon + 1));
  }
  return found;
}

}  // namespace

std::string proxy_server::display() const {
  const bool is_address = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", socks ? "socks5" : "http", is_address ? "[" : "", host,
                     is_address ? "]" : "", port);
}

std::optional<proxy_server> parse_proxy(std::string_view text, std::string& error) {
  if (text.find('@') != std::string_view::npos) {
    error = "the proxy's user name and password must be given in their own fields, not in the URL";
    return std::nullopt;
  }
  return parse(text, error, true);
}

const proxy_server* proxy_rules::find(const url& server) const {
  const auto& proxy = server.secure ? secure : open;
  if (!proxy || !server.socket.empty()) return nullptr;
  const bool skipped = std::any_of(exempt.begin(), exempt.end(),
                                   [&](const std::string& rule) { return is_exempt(server.host, rule); });
  return skipped ? nullptr : &*proxy;
}

proxy_rules proxies_from_environment(const std::function<std::string(const std::string& name)>& lookup,
                                     std::string& error) {
  const auto first_of = [&](std::initializer_list<const char*> names) {
    std::optional<proxy_server> found;
    for (const char* name : names) {
      const std::string value = lookup(name);
      if (value.empty()) continue;
      std::string why;
      found = parse_variable(value, why);
      if (!found) error = fmt::format("{} of the environment: {}", name, why);
      break;
    }
    return found;
  };
  proxy_rules rules;
  rules.secure = first_of({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  // HTTP_PROXY is not looked at: a web server sets it to what a visitor's header says.
  rules.open = first_of({"http_proxy", "all_proxy", "ALL_PROXY"});
  const std::string exempt = lookup("no_proxy");
  rules.exempt = words_of(exempt.empty() ? lookup("NO_PROXY") : exempt);
  return rules;
}

}  // namespace duplexd::config
