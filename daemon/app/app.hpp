#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "config/load/reload_plan.hpp"
#include "config/settings/settings.hpp"
#include "daemon/app/command_door.hpp"
#include "daemon/app/config_watch.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/app/service_manager.hpp"
#include "daemon/app/signal_echo.hpp"
#include "daemon/capture/recorder.hpp"
#include "daemon/control/control_server.hpp"
#include "daemon/control/health_server.hpp"
#include "daemon/event/events.hpp"
#include "daemon/journal/command_book.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/link/byte_source.hpp"
#include "daemon/link/dialer.hpp"
#include "daemon/link/http_client.hpp"
#include "daemon/link/stream_dialer.hpp"
#include "daemon/log/spdlog_telemetry.hpp"
#include "daemon/output/broker_input.hpp"
#include "daemon/output/line_output.hpp"
#include "daemon/output/make_outputs.hpp"
#include "daemon/process/make_program_runner.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"
#include "daemon/runtime/task_group.hpp"
#include "daemon/runtime/work_line.hpp"
#include "daemon/runtime/worker.hpp"
#include "daemon/session/session.hpp"

namespace duplexd {

/// The configuration file, read again.
struct loaded_configuration {
  std::optional<config::settings> settings{};
  std::string mistakes{};  ///< of the file, if there are no settings
};
/// Reads it. Called on another thread than the loop's.
using configuration_source = std::function<loaded_configuration()>;

/// How the daemon was asked to run.
struct app_options {
  bool once = false;                        ///< every session serves one link and ends
  std::unique_ptr<capture_file> capture{};  ///< null, or takes every message of every link
  bool reads_commands = false;              ///< from stdin; at their end the daemon ends
  bool traces = false;                      ///< messages in both directions go to the log
  bool for_people = false;                  ///< events on stdout are not JSON
  journal_file::opened kept{};              ///< the journal of durable outputs, opened
  configuration_source source{};            ///< for reloads; null: it cannot be read again
  std::unique_ptr<config_watch> watch{};    ///< reloads when the file changes; null: when asked
};

/// The daemon: all sessions of a configuration on one loop, until the last has ended or somebody stops it.
class app : private control_target {
 public:
  app(config::settings settings, app_options how);

  /// Blocks until the end. Call once.
  [[nodiscard]] exit_code run();

 private:
  /// How often a log that is not read is tried again.
  static constexpr std::chrono::milliseconds log_pause{50};

  enum task : int {
    serving,
    watchdog,
    signals,
    writer,
    commands,
    input,
    limit,
    pacing,
    flusher,
    keeping,
    health,
    control,
    reloading,
    config_changes
  };
  struct task_result {
    std::shared_ptr<session> which;  ///< the one that ended
    session_result ended;
    std::string output;  ///< the name of the one that broke
    std::string broken;  ///< why
  };
  struct supervised {
    std::shared_ptr<session> runs;
    std::optional<session_result> result{};  ///< once it has ended
  };

  [[nodiscard]] bool open_servers();
  [[nodiscard]] bool open_control(const std::function<bool(const char*, const std::string&)>& failed);
  [[nodiscard]] std::optional<std::string> find_control_sockets(std::vector<control_socket>& to) const;
  asio::awaitable<task_result> serve_health();
  asio::awaitable<task_result> serve_control();
  entry enter(session& to, command_request& what, std::function<void(const submission&)> on_change) override;
  log_levels& levels() override { return telemetry_->levels(); }
  asio::awaitable<reload_report> reload(bool dry_run) override;
  asio::awaitable<reload_report> try_reload(bool dry_run);
  asio::awaitable<reload_report> read_and_apply(bool dry_run);
  [[nodiscard]] bool waits_for_end(const config::settings& next) const;
  asio::awaitable<bool> wait_for_reloads();
  asio::awaitable<task_result> reload_on_signal();
  asio::awaitable<task_result> reload_on_change();
  void apply(config::settings next, const config::reload_plan& plan);
  void add_session(const std::shared_ptr<const config::session_settings>& settings);
  [[nodiscard]] config::reload_state running_state() const;
  [[nodiscard]] session_list all_sessions() const;
  dialer& links_of(const config::session_settings& session);
  asio::awaitable<void> supervise();
  void take(task_group<task_result>::ended next);
  asio::awaitable<task_result> flush_outputs();
  asio::awaitable<int> finish(output& which);
  void kill_programs() noexcept;
  asio::awaitable<int> await_ends();
  asio::awaitable<task_result> run_session(std::shared_ptr<session> which);
  asio::awaitable<task_result> run_output(std::string name, output& which);
  asio::awaitable<task_result> run_journal();
  void take_journal(journal_file::opened kept);
  void restore_commands();
  [[nodiscard]] std::unique_ptr<output> make_durable(const config::output_settings& settings);
  [[nodiscard]] std::vector<event_route> routes_of(const config::session_settings& session);
  asio::awaitable<task_result> take_commands();
  asio::awaitable<task_result> run_input(broker_input& which);
  asio::awaitable<int> finish(broker_input& which);
  [[nodiscard]] std::shared_ptr<session> find_session(const std::string& name);
  asio::awaitable<task_result> take_signals();
  asio::awaitable<task_result> keep_watchdog();
  asio::awaitable<task_result> await_limit();
  asio::awaitable<task_result> pace_dials();
  void on_signal(int number);
  void stop(const std::string& why);
  void begin_end();
  void tell_lost_events();
  void leave_if_stuck(bool is_stuck = false);
  [[noreturn]] void cut_short(const std::string& why);
  [[nodiscard]] exit_code judge() const;
  [[nodiscard]] std::string status() const;

  config::settings settings_;  ///< without the sessions, which hold their own
  bool once_;
  configuration_source source_;
  bool on_terminal_;  ///< whose end is ours
  asio::io_context loop_{1};
  steady_clock time_{loop_.get_executor()};
  turn_lane long_turns_{loop_.get_executor(), time_};
  secret_index secrets_;  ///< what the log and a capture leave out
  std::unique_ptr<log_writer> telemetry_;
  std::unique_ptr<dialer> links_;
  std::unique_ptr<http_client> http_;
  std::unique_ptr<stream_dialer> streams_;
  std::unique_ptr<program_keeper> programs_;
  std::unique_ptr<byte_sources> sources_;
  std::unique_ptr<recorder> recorder_;                   ///< null: nothing is recorded
  std::vector<std::unique_ptr<dialer>> recorded_links_;  ///< for each session, if recorded
  std::unique_ptr<dial_limiter> limiter_;                ///< null: dials are not counted
  line_output stdout_;
  std::unique_ptr<output> readable_;        ///< stdout with lines for people; null: with JSON
  std::unique_ptr<journal> journal_;        ///< null: nothing is durable
  std::unique_ptr<command_book> commands_;  ///< in the journal
  std::map<std::string, std::unique_ptr<output>, std::less<>> outputs_;  ///< all others, by name
  std::vector<std::unique_ptr<broker_input>> inputs_;  ///< of outputs whose brokers deliver commands
  std::mt19937_64 random_{std::random_device{}()};
  std::map<std::string, supervised, std::less<>> sessions_;
  std::vector<std::string> names_;  ///< of the sessions, in the order of the file
  std::size_t running_ = 0;
  bool reads_commands_;
  command_door door_;
  std::unique_ptr<health_server> health_;    ///< null: not configured
  std::unique_ptr<control_server> control_;  ///< null: nowhere to listen
  asio::signal_set caught_;
  signal_echo echo_;
  service_manager systemd_;
  worker loader_{loop_.get_executor()};
  work_line calculations_{loop_.get_executor()};
  bool reloading_ = false;
  bool reload_waits_ = false;                        ///< a signal asked for one, which has not begun
  std::multiset<std::string, std::less<>> closing_;  ///< sessions that a reload removed and that still run
  notifier closed_{loop_.get_executor()};            ///< one of them has ended
  std::unique_ptr<config_watch> watch_;              ///< null: nobody watches the file
  task_group<task_result> tasks_{loop_.get_executor()};
  bool stopping_ = false;
  bool ending_ = false;         ///< its limit runs: it was stopped, or nothing but the last events is left
  clock::time_point end_by_{};  ///< once it runs
  bool flushed_ = false;        ///< nothing is waited for any more
  bool output_broken_ = false;
  bool events_lost_ = false;
  bool journal_broken_ = false;
};

}  // namespace duplexd
