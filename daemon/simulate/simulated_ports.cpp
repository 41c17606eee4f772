#include "daemon/simulate/simulated_ports.hpp"

#include <algorithm>
#include <iterator>

#include "config/value/url.hpp"

namespace duplexd::net {

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

std::vector<const simulated_session*> simulated_port::at(std::string_view target) const {
  std::vector<const simulated_session*> found;
  for (const auto& each : places) {
    if (is_path(path_of(target), each.path)) found.push_back(&each.session);
  }
  return found;
}

std::optional<std::string> simulated_ports::add(const config::session_settings& session) {
  for (const auto& each : session.urls)
    if (auto error = add(session, each)) return error;
  return add_pages(session);
}

std::optional<std::string> simulated_ports::add(const config::session_settings& session,
                                                const config::text_template& url) {
  auto text = url.resolve();
  if (!text || url.has_inside()) text = {url.with_placeholder(unknown_value), ""};
  std::string why;
  const auto address = config::parse_url(text.value, why);
  if (!address) return "url: " + why;
  if (!address->socket.empty())
    return "url: the simulator does not serve Unix-domain sockets: use ws:// or wss://";
  if (std::find(hosts_.begin(), hosts_.end(), address->host) == hosts_.end()) hosts_.push_back(address->host);

  simulated_port* on = nullptr;
  if (auto error = port_for(*address, on)) return error;
  on->places.push_back({simulated_session(session), std::string(path_of(address->target))});
  return std::nullopt;
}

std::optional<std::string> simulated_ports::add_pages(const config::session_settings& session) {
  for (const simulated_page& page : pages_of(session)) {
    if (std::ranges::find(hosts_, page.address.host) == hosts_.end()) continue;  // another server
    simulated_port* on = nullptr;
    if (auto error = port_for(page.address, on)) return error;
    on->pages.push_back(page);
  }
  return std::nullopt;
}

std::optional<std::string> simulated_ports::port_for(const config::url& address, simulated_port*& out) {
  const std::uint16_t port = only_port_.value_or(address.port);
  auto found =
      std::find_if(ports_.begin(), ports_.end(), [&](const auto& each) { return each.port == port; });
  if (found == ports_.end()) {
    ports_.push_back({.secure = address.secure, .port = port});
    found = std::prev(ports_.end());
  }
  if (found->secure != address.secure) {
    return "ws:// and wss:// on one port " + std::to_string(port) +
           ": give them different ports, and not --port";
  }
  out = &*found;
  return std::nullopt;
}

}  // namespace duplexd::net
