#include "daemon/net/http/redirect.hpp"

#include <algorithm>

#include "protocol/text/printable.hpp"

namespace duplexd::net {
namespace {

bool may_know_us(const config::redirect_rules& rules, const config::url& first, const config::url& target) {
  const auto is_target = [&](const config::url& each) { return config::is_same_origin(each, target); };
  return is_target(first) || std::any_of(rules.origins.begin(), rules.origins.end(), is_target);
}

}  // namespace

std::optional<std::string> follow(server_request& request, const config::url& first,
                                  std::string_view location) {
  if (location.empty()) return "it does not say where to (no Location)";
  if (!request.redirects.followed) return "redirects is none";
  std::string why;
  const auto target = config::resolve_reference(request.address, location, why);
  if (!target) return why;
  if (request.address.secure && !target->secure) return "that is not encrypted, and this is";
  if (!may_know_us(request.redirects, first, *target))
    return "that is another origin, which redirects does not list";
  if (!config::is_same_origin(request.address, *target)) request.tls.server_name.reset();
  request.address = *target;
  return std::nullopt;
}

std::string shown_location(std::string_view location) {
  return protocol::printable(location.substr(0, location.find('?')), 200);
}

}  // namespace duplexd::net
