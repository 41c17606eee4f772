#include "daemon/session/dial_request.hpp"

namespace duplexd {

namespace {
fault secret_fault(const std::string& field, const std::string& why) {
  return fault{.kind = config::fault_class::secret, .cause = field + ": " + why};
}
}  // namespace

std::variant<dial_request, fault> resolve_dial_request(const config::session_settings& settings) {
  dial_request request;
  const auto url = settings.url.resolve();
  if (!url) return secret_fault("url", url.error);
  std::string why;
  const auto address = config::parse_url(url.value, why);
  if (!address) return secret_fault("url", why);
  request.address = *address;
  if (settings.tls.ca_file) {
    const auto ca_file = settings.tls.ca_file->resolve();
    if (!ca_file) return secret_fault("tls.ca_file", ca_file.error);
    request.ca_file = ca_file.value;
  }
  for (const auto& [name, text] : settings.headers) {
    const auto value = text.resolve();
    if (!value) return secret_fault("headers." + name, value.error);
    request.headers.emplace_back(name, value.value);
  }
  request.tls = settings.tls;
  request.timeouts = settings.timeouts;
  request.limits = settings.limits;
  request.subprotocols = settings.subprotocols;
  return request;
}

}  // namespace duplexd
