#include "daemon/session/dial_request.hpp"

namespace duplexd {

namespace {
fault secret_fault(const std::string& field, const std::string& why) {
  return fault{.kind = config::fault_class::secret, .cause = field + ": " + why};
}
}  // namespace

std::optional<fault> resolve_server(const config::session_settings& settings, config::scope* inside,
                                    server_request& out) {
  if (settings.tls.ca_file) {
    const auto ca_file = settings.tls.ca_file->resolve(inside);
    if (!ca_file) return secret_fault("tls.ca_file", ca_file.error);
    out.ca_file = ca_file.value;
  }
  out.tls = settings.tls;
  out.timeouts = settings.timeouts;
  return std::nullopt;
}

std::variant<dial_request, fault> resolve_dial_request(const config::session_settings& settings,
                                                       config::scope* inside) {
  dial_request request;
  if (auto failed = resolve_server(settings, inside, request)) return *failed;
  const auto url = settings.url.resolve(inside);
  if (!url) return secret_fault("url", url.error);
  std::string why;
  const auto address = config::parse_url(url.value, why);
  if (!address) return secret_fault("url", why);
  request.address = *address;
  for (const auto& [name, text] : settings.headers) {
    const auto value = text.resolve(inside);
    if (!value) return secret_fault("headers." + name, value.error);
    request.headers.emplace_back(name, value.value);
    if (text.has_references()) request.secret_headers.push_back(name);
  }
  request.limits = settings.limits;
  request.subprotocols = settings.subprotocols;
  return request;
}

}  // namespace duplexd
