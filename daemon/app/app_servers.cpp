// Where operators and monitoring reach the daemon.
#include <fmt/format.h>

#include <cstdlib>

#include "daemon/app/app.hpp"
#include "daemon/app/version.hpp"

namespace duplexd {

bool app::open_servers() {
  const auto failed = [this](const char* what, const std::string& why) {
    telemetry_->record("", happening::listen_failed{what, why});
    (void)telemetry_->flush();
    return false;
  };
  if (settings_.health) {
    health_ = std::make_unique<health_server>(loop_, time_, secrets_, *settings_.health, version);
    if (const auto why = health_->open(all_sessions())) return failed("health", *why);
    telemetry_->record("", happening::listening{"health", health_->address()});
  }
  return open_control(failed);
}

bool app::open_control(const std::function<bool(const char*, const std::string&)>& failed) {
  std::vector<control_socket> sockets;
  if (const auto why = find_control_sockets(sockets)) return failed("control", *why);
  if (sockets.empty() && !settings_.control.listen) return true;
  control_target& target = *this;
  control_ = std::make_unique<control_server>(loop_, time_, *telemetry_, secrets_, target, settings_.control,
                                              version);
  door_.watch([this](const std::string& session, const submission& what) { control_->note(session, what); });
  if (const auto why = control_->open(all_sessions(), sockets)) return failed("control", *why);
  for (const std::string& each : control_->addresses())
    telemetry_->record("", happening::listening{"control", each});
  return true;
}

// The configuration's, or where systemd has made room for one; and those that systemd listens on for us.
std::optional<std::string> app::find_control_sockets(std::vector<control_socket>& to) const {
  const char* const place = std::getenv("RUNTIME_DIRECTORY");
  const auto add = [&to](const config::text_template& configured,
                         api_role role) -> std::optional<std::string> {
    const auto path = configured.resolve();
    if (!path) return "cannot listen: " + path.error;
    to.push_back({path.value, role});
    return std::nullopt;
  };
  if (const auto& socket = settings_.control.socket) {
    if (auto why = add(*socket, api_role::operate)) return why;
  } else if (place != nullptr) {
    to.push_back({std::string(place) + "/control.sock", api_role::operate});
  }
  if (const auto& socket = settings_.control.view_socket)
    if (auto why = add(*socket, api_role::view)) return why;
  std::string error;
  for (const service_manager::passed_socket& each : service_manager::passed_sockets(error)) {
    if (each.path.empty())
      return fmt::format("systemd passes a socket '{}' that is no listening Unix-domain socket", each.name);
    if (each.name != "control" && each.name != "view")
      return fmt::format(
          "systemd passes the socket {} as '{}': FileDescriptorName= of its unit is control or view",
          each.path, each.name);
    to.push_back({each.path, each.name == "view" ? api_role::view : api_role::operate, each.handle});
  }
  if (!error.empty()) return error;
  return std::nullopt;
}

}  // namespace duplexd
