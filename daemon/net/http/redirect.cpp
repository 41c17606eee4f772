#include "daemon/net/http/redirect.hpp"

#include <algorithm>

#include "daemon/net/http/header_check.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

bool proves_identity(const server_request& request, std::string_view name) {
  for (const std::string_view each : {"authorization", "cookie", "proxy-authorization"})
    if (is_same_header(name, each)) return true;
  const auto& secret = request.secret_headers;
  return std::any_of(secret.begin(), secret.end(),
                     [&](const std::string& each) { return is_same_header(name, each); });
}

}  // namespace

std::optional<std::string> follow(server_request& request, std::string_view location) {
  if (location.empty()) return "it does not say where to (no Location)";
  std::string why;
  const auto target = config::resolve_reference(request.address, location, why);
  if (!target) return why;
  if (request.address.secure && !target->secure) return "that is not encrypted, and this is";
  if (!config::is_same_origin(request.address, *target)) {
    std::erase_if(request.headers,
                  [&](const auto& header) { return proves_identity(request, header.first); });
    request.tls.server_name.reset();
    request.cert_file.clear();
    request.key_file.clear();
    request.key_password.clear();
  }
  request.address = *target;
  return std::nullopt;
}

std::string shown_location(std::string_view location) {
  return protocol::printable(location.substr(0, location.find('?')), 200);
}

}  // namespace duplexd::net
