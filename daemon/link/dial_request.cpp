#include "daemon/link/dial_request.hpp"

#include <cstdlib>

namespace duplexd {

namespace {

using config::text_template;

fault secret_fault(const std::string& field, const std::string& why) {
  return fault{.kind = config::fault_class::secret, .cause = field + ": " + why};
}

/// Reads a text that may be absent.
std::optional<fault> read(const std::string& field, const std::optional<text_template>& text,
                          config::scope* inside, std::string& out) {
  if (!text) return std::nullopt;
  auto value = text->resolve(inside);
  if (!value) return secret_fault(field, value.error);
  out = std::move(value.value);
  return std::nullopt;
}

std::string environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

std::optional<fault> read_proxy(const config::proxy_settings& from, config::scope* inside,
                                config::proxy_rules& out) {
  std::string why;
  if (from.from_env) {
    out = config::proxies_from_environment(environment_variable, why);
    if (!why.empty()) return secret_fault("proxy.from_env", why);
    return std::nullopt;
  }
  if (!from.url) return std::nullopt;
  const auto text = from.url->resolve(inside);
  if (!text) return secret_fault("proxy.url", text.error);
  auto proxy = config::parse_proxy(text.value, why);
  if (!proxy) return secret_fault("proxy.url", why);
  if (auto failed = read("proxy.username", from.username, inside, proxy->username)) return failed;
  if (auto failed = read("proxy.password", from.password, inside, proxy->password)) return failed;
  out.secure = out.open = std::move(proxy);
  return std::nullopt;
}

}  // namespace

std::optional<fault> resolve_server(const config::session_settings& settings, config::scope* inside,
                                    server_request& out) {
  const config::tls_settings& tls = settings.tls;
  out.tls = tls;
  out.timeouts = settings.timeouts;
  out.tcp = settings.tcp;
  out.redirects = settings.redirects;
  if (auto failed = read("tls.ca_file", tls.ca_file, inside, out.ca_file)) return failed;
  if (auto failed = read("tls.cert_file", tls.cert_file, inside, out.cert_file)) return failed;
  if (auto failed = read("tls.key_file", tls.key_file, inside, out.key_file)) return failed;
  if (auto failed = read("tls.key_password", tls.key_password, inside, out.key_password)) return failed;
  if (settings.proxy) return read_proxy(*settings.proxy, inside, out.proxies);
  return std::nullopt;
}

std::variant<dial_request, fault> resolve_dial_request(const config::session_settings& settings,
                                                       config::scope* inside, std::size_t index) {
  dial_request request;
  if (auto failed = resolve_server(settings, inside, request)) return std::move(*failed);
  const auto url = settings.urls.at(index).resolve(inside);
  if (!url) return secret_fault("url", url.error);
  std::string why;
  const auto address = config::parse_url(url.value, why);
  if (!address) return secret_fault("url", why);
  request.address = *address;
  for (const auto& [name, text] : settings.headers) {
    const auto value = text.resolve(inside);
    if (!value) return secret_fault("headers." + name, value.error);
    request.headers.emplace_back(name, value.value);
  }
  request.limits = settings.limits;
  if (settings.deflate && settings.deflate->enabled) request.deflate = settings.deflate;
  request.subprotocols = settings.subprotocols.names;
  request.subprotocol_required = settings.subprotocols.required;
  return request;
}

}  // namespace duplexd
