#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.hpp"
#include "daemon/simulate/replayed_link.hpp"

namespace duplexd::net {

/// Instead of following rules: the server's part of a recorded link, for one client.
struct replay_options {
  std::string session;                               ///< of the configuration: the only one that is served
  std::vector<capture_entry> link;                   ///< what `first_link` gave
  double speed = 1;                                  ///< 0: no delays
  std::function<void(const replay_report&)> done{};  ///< called once, when the link is gone
};

struct simulator_options {
  std::string listen_address;         ///< empty: the loopback, both families
  std::optional<std::uint16_t> port;  ///< instead of the URLs' ports; 0: a free one
  std::string state_directory;        ///< where the certificates go; empty: a temporary directory
  std::string certificate_file;       ///< PEM, with `key_file`; empty: made on the spot
  std::string key_file;
  std::optional<replay_options> replay;
  std::function<void(std::string_view)> log;  ///< one line for people
  std::function<void(std::string_view)>
      ready;  ///< "wss://localhost:2443/ ca=/path/ca.pem", for each listener
};

/// Servers made from a configuration: what its sessions talk to before the real ones exist. Accepts each
/// session's login, unpacks its commands, answers by the rules under `simulate:` or as the script expects.
/// Survives whatever clients send. Used from the loop's thread; the settings must outlive it.
class simulator {
 public:
  simulator(boost::asio::io_context& loop, const config::settings& settings, simulator_options options);
  ~simulator();
  simulator(const simulator&) = delete;
  simulator& operator=(const simulator&) = delete;

  /// Makes certificates and listens; says why if it cannot.
  [[nodiscard]] std::optional<std::string> start();

  /// Stops listening and closes all links with 1001; those that do not answer are cut after two seconds.
  void stop();

  /// True once `stop()` was called and the last link is gone.
  [[nodiscard]] bool stopped() const noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace duplexd::net
