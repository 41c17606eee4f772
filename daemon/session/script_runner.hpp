#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <set>
#include <string>

#include "config/settings.hpp"
#include "daemon/link/fault.hpp"
#include "daemon/session/environment.hpp"
#include "daemon/session/outbox.hpp"
#include "daemon/session/reply_board.hpp"

namespace duplexd {

/// The names of the replies that a session's login and script wait for.
[[nodiscard]] std::set<std::string> awaited_replies(const config::session_settings& settings);

/// What the sender says on a fresh link: the login, then the script's steps. One for each link.
/// Its coroutines return early when cancelled.
class script_runner {
 public:
  script_runner(const config::session_settings& settings, const environment& around, outbox& commands,
                reply_board& replies)
      : settings_(settings), around_(around), outbox_(commands), replies_(replies) {}

  /// Sends the login and waits for the reply that grants entry, if one is configured.
  asio::awaitable<std::optional<fault>> log_in();

  /// Carries out all steps in order.
  asio::awaitable<std::optional<fault>> run();

 private:
  asio::awaitable<std::optional<fault>> send_login(const config::login_settings& login);
  asio::awaitable<std::optional<fault>> send(const config::send_step& step);
  asio::awaitable<std::optional<fault>> expect(const config::expectation& what);
  asio::awaitable<std::optional<fault>> finish(std::shared_ptr<const submission> command, std::string name);

  const config::session_settings& settings_;
  const environment& around_;
  outbox& outbox_;
  reply_board& replies_;
  std::shared_ptr<const submission> last_sent_;
};

}  // namespace duplexd
