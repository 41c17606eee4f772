#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load/reload_plan.hpp"
#include "config/settings/settings.hpp"
#include "daemon/control/api_routes.hpp"
#include "daemon/control/command_ledger.hpp"
#include "daemon/control/event_follower.hpp"
#include "daemon/control/readiness.hpp"
#include "daemon/event/events.hpp"
#include "daemon/event/log_levels.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/input/command_request.hpp"
#include "daemon/net/http/http_server.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"
#include "daemon/session/session.hpp"

namespace duplexd {

/// What became of a reload, or of the attempt.
struct reload_report {
  std::string error{};         ///< nothing has changed; empty: all went well
  config::reload_plan plan{};  ///< what was done, or with `dry_run` would be
};

/// What the interface acts on. The daemon lends it.
class control_target {
 public:
  control_target() = default;
  control_target(const control_target&) = delete;
  control_target& operator=(const control_target&) = delete;
  virtual ~control_target() = default;

  enum class entry : std::uint8_t { taken, repeated, too_many };

  /// Enters a command, whose id is made if it has none. `repeated`: its id came before.
  virtual entry enter(session& to, command_request& what,
                      std::function<void(const submission&)> on_change) = 0;

  /// What is logged.
  virtual log_levels& levels() = 0;

  /// Reads the configuration again and takes it, unless that is only to be tried.
  virtual asio::awaitable<reload_report> reload(bool dry_run) = 0;
};

/// A Unix-domain socket of the interface.
struct control_socket {
  std::string path;
  api_role role = api_role::operate;  ///< of all its clients
  int handle = -1;                    ///< it listens already; negative: it is to be made
};

/// The HTTP interface for operators (docs/operating.md): on a Unix-domain socket, and with a token over TCP.
class control_server {
 public:
  control_server(asio::io_context& loop, clock& time, telemetry& log, const secret_index& secrets,
                 control_target& target, const config::control_settings& settings, std::string version);

  /// Begins to listen on the sockets, and at the configured address. Says why if it cannot.
  [[nodiscard]] std::optional<std::string> open(session_list sessions,
                                                const std::vector<control_socket>& sockets);

  /// Other sessions from now on. Who follows the events of all follows those of the new ones, too.
  void update(session_list sessions);

  /// Where it listens.
  [[nodiscard]] const std::vector<std::string>& addresses() const noexcept { return addresses_; }

  /// Serves until it is cancelled.
  asio::awaitable<void> run();

  /// At each change of a command from outside, whichever way it came.
  void note(const std::string& session, const submission& what);

 private:
  using parameters = std::map<std::string, std::string, std::less<>>;
  struct question {
    const net::served_request& request;
    const api_route& route;
    const parameters& query;
    api_role role;                     ///< of the client
    std::shared_ptr<session> about{};  ///< null: the route names none
    std::string id{};                  ///< of a command
  };

  /// The query's text of that name, or the usual one.
  [[nodiscard]] static std::string text_in(const parameters& query, std::string_view name,
                                           std::string_view usual);
  asio::awaitable<net::served_answer> answer_with_token(const net::served_request& request);
  /// The one place where roles are checked.
  asio::awaitable<net::served_answer> answer(const net::served_request& request, api_role role);
  asio::awaitable<net::served_answer> send(question asked);
  asio::awaitable<net::served_answer> reload(question asked);
  [[nodiscard]] net::served_answer act(const question& asked);
  [[nodiscard]] net::served_answer list(const parameters& query, api_role role) const;
  [[nodiscard]] net::served_answer show_command(const session& of, const std::string& id) const;
  [[nodiscard]] net::served_answer cancel_command(const question& asked);
  [[nodiscard]] net::served_answer follow(const question& asked);
  [[nodiscard]] net::served_answer set_log_level(const question& asked);
  /// What a follower of events has asked for.
  struct following {
    std::string session{};  ///< empty: of all sessions
    std::string reply{};    ///< empty: all events
    unsigned sample = 1;
    event_follower::form how = event_follower::form::lines;
  };
  asio::awaitable<void> write_events(net::answer_stream& to, following what);
  [[nodiscard]] nlohmann::ordered_json describe_session(const session& which, bool whole) const;
  [[nodiscard]] std::shared_ptr<session> find(const std::string& name) const;

  asio::io_context& loop_;
  clock& time_;
  telemetry& log_;
  const secret_index& secrets_;
  control_target& target_;
  const config::control_settings settings_;
  std::string version_;
  session_list sessions_;
  std::vector<event_follower*> followers_;  ///< of all sessions' events
  command_ledger ledger_;
  notifier noted_;
  net::http_server local_;
  net::http_server viewing_;
  net::http_server remote_;
  std::vector<std::string> addresses_;
};

}  // namespace duplexd
