#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/simulate/simulated_pages.hpp"
#include "daemon/simulate/simulated_session.hpp"

namespace duplexd::net {

/// The path of a request's target, without its query.
[[nodiscard]] std::string_view path_of(std::string_view target);

/// One port with what is found behind it, by path. Refers to the settings of the sessions.
struct simulated_port {
  struct place {
    simulated_session session;
    std::string path;
  };

  bool secure = false;
  std::uint16_t port = 0;  ///< 0: a free one
  std::vector<place> places{};
  std::vector<simulated_page> pages{};

  /// The sessions whose path this is.
  [[nodiscard]] std::vector<const simulated_session*> at(std::string_view target) const;
};

/// Which ports a simulator needs, from the URLs of the sessions and of their `http` steps.
class simulated_ports {
 public:
  /// `only_port`: instead of the URLs' ports.
  explicit simulated_ports(std::optional<std::uint16_t> only_port) : only_port_(only_port) {}

  /// Why this session cannot be served, if so.
  [[nodiscard]] std::optional<std::string> add(const config::session_settings& session);

  [[nodiscard]] const std::deque<simulated_port>& ports() const noexcept { return ports_; }
  /// Names and addresses that the sessions know their servers by, and those of the loopback.
  [[nodiscard]] const std::vector<std::string>& hosts() const noexcept { return hosts_; }

 private:
  std::optional<std::string> add(const config::session_settings& session, const config::text_template& url);
  std::optional<std::string> add_pages(const config::session_settings& session);
  std::optional<std::string> port_for(const config::url& address, simulated_port*& out);

  std::optional<std::uint16_t> only_port_;
  std::deque<simulated_port> ports_;
  std::vector<std::string> hosts_{"localhost", "127.0.0.1", "::1"};
};

}  // namespace duplexd::net
