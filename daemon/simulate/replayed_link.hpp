#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/link/transport.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/simulate/replay_script.hpp"
#include "daemon/simulate/simulated_session.hpp"

namespace duplexd::net {

/// How a replay went, for people.
struct replay_report {
  std::size_t equal = 0;                 ///< messages of the client's that were as recorded
  std::vector<std::string> differences;  ///< one line each
};

/// The one client's link of a replay: says what the script says and listens.
class replayed_link : public std::enable_shared_from_this<replayed_link> {
 public:
  /// `cut` ends the connection without a close frame.
  replayed_link(std::unique_ptr<transport> link, const simulated_session& session,
                std::vector<capture_entry> recorded, double speed, std::function<void()> cut,
                const loop_executor& loop);

  /// Talks until the link has ended. Cancellable.
  asio::awaitable<void> serve();

  [[nodiscard]] replay_report report() const;

 private:
  void advance();
  void advance_at(replay_script::time_point when);
  void end();
  [[nodiscard]] std::string describe(const replay_difference& difference) const;

  std::unique_ptr<transport> link_;
  const simulated_session& session_;
  replay_script script_;
  std::function<void()> cut_;
  loop_timer timer_;
  bool closed_ = false;  ///< by us
  bool ending_ = false;
};

}  // namespace duplexd::net
