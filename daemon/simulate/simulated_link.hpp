#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/link/transport.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/simulate/simulated_session.hpp"

namespace duplexd::net {

/// One client's link in the simulator. It belongs to one of the sessions that share an address; the login
/// says to which.
class simulated_link : public std::enable_shared_from_this<simulated_link> {
 public:
  using log_function = std::function<void(std::string_view)>;

  simulated_link(std::unique_ptr<transport> link, std::vector<const simulated_session*> candidates,
                 log_function log, loop_executor loop);

  /// Talks until the link has ended. Cancellable.
  asio::awaitable<void> serve();

  /// Asks the client to go.
  void close(std::uint16_t code, std::string text);

 private:
  void handle(protocol::frame_view message);
  void handle_login(protocol::frame_view message);
  void accept(const simulated_session& session);
  void send(const simulated_reply& reply);
  void schedule(const config::simulate_push& rule, std::chrono::milliseconds delay, std::size_t clock);
  void say(std::string_view what) const;
  void say_end() const;

  std::unique_ptr<transport> link_;
  std::vector<const simulated_session*> candidates_;
  const simulated_session* session_ = nullptr;  ///< null until the login was accepted
  log_function log_;
  loop_executor loop_;
  std::unique_ptr<protocol::packet_reader> commands_;
  std::vector<std::unique_ptr<loop_timer>> pushes_;
};

}  // namespace duplexd::net
