#include "daemon/app/app.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "config/settings/column_types.hpp"
#include "daemon/app/daemon_sources.hpp"
#include "daemon/app/descriptors.hpp"
#include "daemon/app/version.hpp"
#include "daemon/capture/recording_dialer.hpp"
#include "daemon/capture/trace_line.hpp"
#include "daemon/journal/durable_output.hpp"
#include "daemon/net/make_dialer.hpp"
#include "daemon/net/make_http_client.hpp"
#include "daemon/net/make_stream_dialer.hpp"
#include "daemon/output/pretty_output.hpp"
#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/within.hpp"

namespace duplexd {

namespace {
// The loop, the output, the log, files that are read, programs, and dials that are tried in parallel.
constexpr std::size_t descriptors_besides = 48;

// How long a session that was removed stays for ends that the journal has not taken.
constexpr std::chrono::seconds last_ends{5};
}  // namespace

app::app(config::settings settings, app_options how)
    : settings_(std::move(settings)),
      once_(how.once),
      source_(std::move(how.source)),
      on_terminal_(::isatty(STDIN_FILENO) == 1),
      telemetry_(make_spdlog_telemetry(settings_.log, secrets_)),
      links_(make_dialer(loop_)),
      http_(make_http_client(loop_)),
      streams_(make_stream_dialer(loop_)),
      programs_(make_program_runner(loop_.get_executor())),
      sources_(make_byte_sources(loop_.get_executor(), !how.reads_commands && source_ != nullptr)),
      stdout_(loop_.get_executor(), *telemetry_, std::string(config::standard_output_name), STDOUT_FILENO),
      reads_commands_(how.reads_commands),
      door_(loop_.get_executor(), time_, *telemetry_,
            [this](const std::string& name) { return find_session(name); }),
      caught_(loop_, SIGTERM, SIGINT, SIGUSR1) {
  watch_ = std::move(how.watch);
  if (watch_) watch_->attach(loop_.get_executor());
  // Under nohup(1) it is ignored, and stays so.
  struct sigaction inherited{};
  if (::sigaction(SIGHUP, nullptr, &inherited) != 0 || inherited.sa_handler != SIG_IGN) caught_.add(SIGHUP);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the write, not the end of the process
  if (how.for_people) readable_ = std::make_unique<pretty_output>(stdout_);
  capture_watcher trace;
  if (how.traces)
    trace = [this](const capture_entry& each) { telemetry_->trace(each.session, trace_line(each)); };
  if (how.capture || how.traces)
    recorder_ = std::make_unique<recorder>(loop_.get_executor(), time_, *telemetry_, secrets_,
                                           std::move(how.capture), std::move(trace));
  if (settings_.connect_at_once > 0)
    limiter_ = std::make_unique<dial_limiter>(loop_.get_executor(), time_, settings_.connect_at_once);
  const output_context theirs{
      .loop = loop_.get_executor(),
      .time = time_,
      .log = *telemetry_,
      .random = [this] { return std::uniform_real_distribution<>{}(random_); },
      .secrets = secrets_,
      .http = *http_,
      .streams = *streams_,
      .take_commands = [this](std::string from,
                              line_input& lines) { return door_.take_answers(std::move(from), lines); }};
  take_journal(std::move(how.kept));
  for (const config::output_settings& each : settings_.outputs)
    if (auto made = journal_ != nullptr && each.durable
                        ? make_durable(each)
                        : make_output(theirs, each, config::columns_of(each, settings_.sessions)))
      outputs_.emplace(each.name, std::move(made));
  for (const config::output_settings& each : settings_.outputs)
    if (auto receiver = make_receiver(time_, each))
      inputs_.push_back(std::make_unique<broker_input>(
          theirs, each, std::move(receiver),
          [this](std::string from, line_input::line message, command_listener told) {
            return door_.take_message(std::move(from), std::move(message), std::move(told));
          }));
  for (config::session_settings& loaded : std::exchange(settings_.sessions, {})) {
    names_.push_back(loaded.name);
    add_session(std::make_shared<const config::session_settings>(std::move(loaded)));
  }
}

void app::add_session(const std::shared_ptr<const config::session_settings>& settings) {
  session_context mine{.loop = loop_.get_executor(),
                       .links = links_of(*settings),
                       .http = *http_,
                       .programs = *programs_,
                       .time = time_,
                       .telemetry = *telemetry_,
                       .random = [this] { return std::uniform_real_distribution<>{}(random_); },
                       .outputs = {},
                       .once = once_,
                       .secrets = std::make_shared<secret_holder>(secrets_),
                       .long_turns = &long_turns_,
                       .limiter = limiter_.get(),
                       .keeper = commands_.get(),
                       .sources = sources_.get(),
                       .safe = journal_.get(),
                       .beside = &calculations_};
  mine.outputs = routes_of(*settings);
  sessions_[settings->name] = {std::make_shared<session>(settings, std::move(mine))};
}

session_list app::all_sessions() const {
  session_list all;
  all.reserve(names_.size());
  for (const std::string& name : names_) all.push_back(sessions_.at(name).runs);
  return all;
}

void app::take_journal(journal_file::opened kept) {
  if (kept.file == nullptr) return;
  if (!kept.moved_to.empty()) telemetry_->record("", happening::journal_replaced{kept.why, kept.moved_to});
  for (const auto& [output, count] : kept.file->orphans())
    telemetry_->record("", happening::journal_orphans{output, count});
  journal_ = std::make_unique<journal>(
      loop_.get_executor(), time_, *telemetry_,
      [this] { return std::uniform_real_distribution<>{}(random_); }, settings_.journal,
      std::move(kept.file));
  commands_ = std::make_unique<command_book>(loop_.get_executor(), time_, *telemetry_, *journal_,
                                             settings_.journal.remember);
  door_.keep_in(*commands_);
}

// What became of the commands of earlier runs can be asked; those that have not ended go on.
void app::restore_commands() {
  if (commands_ == nullptr) return;
  if (control_)
    for (const kept_command& each : commands_->ended()) control_->note(each.session, submission_of(each));
  for (const std::string& name : names_) door_.restore(*sessions_.at(name).runs);
}

std::unique_ptr<output> app::make_durable(const config::output_settings& settings) {
  return std::make_unique<durable_output>(
      loop_.get_executor(), time_, *telemetry_,
      [this] { return std::uniform_real_distribution<>{}(random_); }, settings,
      make_writer(time_, settings, config::columns_of(settings, settings_.sessions)), *journal_);
}

std::vector<event_route> app::routes_of(const config::session_settings& session) {
  std::vector<event_route> routes;
  for (const config::output_route& each : session.outputs) {
    const auto defined = outputs_.find(each.to);
    const bool plain =
        each.replies.empty() && !each.where.is_object() && each.record.form == config::record_form::json;
    output* const standard = readable_ != nullptr ? readable_.get() : &stdout_;
    routes.push_back({defined == outputs_.end() ? standard : defined->second.get(), plain ? nullptr : &each});
  }
  return routes;
}

dialer& app::links_of(const config::session_settings& session) {
  if (!recorder_) return *links_;
  recorded_links_.push_back(std::make_unique<recording_dialer>(*links_, *recorder_, session.name));
  return *recorded_links_.back();
}

exit_code app::run() {
  telemetry_->record("", happening::started{version, settings_.file, sessions_.size()});
  const auto descriptors = raise_descriptor_limit();
  if (descriptors < sessions_.size() + descriptors_besides)
    telemetry_->record("", happening::descriptors_short{descriptors, sessions_.size()});
  if (!open_servers()) return exit_internal;
  std::exception_ptr bug;
  asio::co_spawn(loop_, supervise(), [&](const std::exception_ptr& error) { bug = error; });
  loop_.run();
  // The exit code is decided: a signal that comes now does not become the daemon's end.
  caught_.clear();
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) std::signal(number, SIG_IGN);
  if (bug) std::rethrow_exception(bug);
  return judge();
}

asio::awaitable<app::task_result> app::serve_control() {
  co_await control_->run();
  co_return task_result{};
}

control_target::entry app::enter(session& to, command_request& what,
                                 std::function<void(const submission&)> on_change) {
  if (!door_.has_room()) return entry::too_many;
  return door_.enter(to, what, std::move(on_change)) ? entry::taken : entry::repeated;
}

asio::awaitable<app::task_result> app::serve_health() {
  co_await health_->run();
  co_return task_result{};
}

asio::awaitable<void> app::supervise() {
  tasks_.spawn(writer, run_output(std::string(config::standard_output_name), stdout_));
  if (journal_) tasks_.spawn(keeping, run_journal());
  for (const auto& [name, each] : outputs_) tasks_.spawn(writer, run_output(name, *each));
  tasks_.spawn(signals, take_signals());
  tasks_.spawn(watchdog, keep_watchdog());
  if (limiter_) tasks_.spawn(pacing, pace_dials());
  if (health_) tasks_.spawn(health, serve_health());
  if (control_) tasks_.spawn(control, serve_control());
  restore_commands();
  for (const std::string& name : names_) tasks_.spawn(serving, run_session(sessions_.at(name).runs));
  running_ = sessions_.size();
  if (reads_commands_) tasks_.spawn(commands, take_commands());
  if (watch_) tasks_.spawn(config_changes, reload_on_change());
  for (const auto& each : inputs_) tasks_.spawn(input, run_input(*each));
  systemd_.ready();

  while (running_ > 0) {
    auto next = co_await tasks_.next();
    take(std::move(next));
  }
  systemd_.stopping();
  // Events that came are not lost because their reader is slow, but the end does not wait for it for ever.
  begin_end();
  door_.close_answers();
  tasks_.spawn(flusher, flush_outputs());
  while (!flushed_) {
    auto next = co_await tasks_.next();
    take(std::move(next));
  }
  co_await tasks_.join();
}

void app::take(task_group<task_result>::ended next) {
  if (next.id == serving) {
    // One that a reload removed is not among them any more.
    const auto found = sessions_.find(next.how.which->name());
    if (found != sessions_.end() && found->second.runs == next.how.which)
      found->second.result = std::move(next.how.ended);
    else if (const auto gone = closing_.find(next.how.which->name()); gone != closing_.end())
      closing_.erase(gone);
    closed_.notify();
    --running_;
  } else if (next.id == writer) {
    output_broken_ = true;
    telemetry_->record("", happening::output_closed{next.how.output, next.how.broken});
    if (running_ > 0) stop("output closed");
  } else if (next.id == keeping) {
    journal_broken_ = true;
    telemetry_->record("", happening::journal_broken{next.how.broken});
    if (running_ > 0) stop("the journal is damaged");
  } else if (next.id == commands) {
    if (running_ > 0) stop("the commands have ended");
  } else if (next.id == flusher) {
    flushed_ = true;
    tell_lost_events();  // of programs that did not read all of them
    leave_if_stuck();
  } else if (next.id == limit && running_ > 0) {
    cut_short(fmt::format("the limit of {} ms has passed", settings_.shutdown_limit.count()));
  } else if (next.id == limit) {
    flushed_ = true;
    tell_lost_events();
    const bool unwritten = std::ranges::any_of(
        outputs_, [](const auto& each) { return each.second->waiting() != 0 || each.second->at_work(); });
    leave_if_stuck(unwritten);
  }
}

asio::awaitable<int> app::await_ends() {
  co_await commands_->wait_idle();
  co_return 0;
}

asio::awaitable<app::task_result> app::run_session(std::shared_ptr<session> which) {
  task_result result;
  result.ended = co_await which->run();
  // Nobody keeps a session that was removed: the ends of its durable commands are to be told first.
  if (commands_ && closing_.contains(which->name())) {
    auto told = await_ends();
    co_await within(loop_.get_executor(), time_, time_.now() + last_ends, std::move(told));
  }
  result.which = std::move(which);
  co_return result;
}

asio::awaitable<app::task_result> app::run_journal() {
  task_result result;
  result.broken = co_await journal_->run();
  co_return result;
}

asio::awaitable<app::task_result> app::run_output(std::string name, output& which) {
  task_result result;
  result.output = std::move(name);
  result.broken = co_await which.run();
  co_return result;
}

std::shared_ptr<session> app::find_session(const std::string& name) {
  if (name.empty()) return names_.size() == 1 ? sessions_.at(names_.front()).runs : nullptr;
  const auto found = sessions_.find(name);
  return found == sessions_.end() ? nullptr : found->second.runs;
}

asio::awaitable<app::task_result> app::take_commands() {
  line_input lines{loop_.get_executor(), STDIN_FILENO, command_door::longest_line};
  co_await door_.run(lines);
  co_return task_result{};
}

asio::awaitable<app::task_result> app::run_input(broker_input& which) {
  co_await which.run();
  co_return task_result{};
}

asio::awaitable<app::task_result> app::take_signals() {
  while (!co_await cancelled()) {
    const auto [error, number] = co_await caught_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!error) on_signal(number);
  }
  co_return task_result{};
}

void app::on_signal(int number) {
  if (number == SIGUSR1) {
    for (const auto& [name, each] : outputs_) each->reopen();
    return;
  }
  if (number == SIGHUP && !on_terminal_) {
    if (!std::exchange(reload_waits_, true)) tasks_.spawn(reloading, reload_on_signal());
    return;
  }
  if (echo_.is_echo(number, time_.now())) return;
  if (stopping_)
    cut_short("a second signal");
  else
    stop(number == SIGTERM ? "SIGTERM" : number == SIGHUP ? "the terminal was closed" : "SIGINT");
}

asio::awaitable<app::task_result> app::pace_dials() {
  co_await limiter_->run();
  co_return task_result{};
}

// The loop itself feeds the watchdog: if it hangs, so does this. With it goes what is to be done now and
// then.
asio::awaitable<app::task_result> app::keep_watchdog() {
  using namespace std::chrono_literals;
  const auto watched = service_manager::watchdog_limit();
  const clock::duration pause = std::min<clock::duration>(1s, watched ? clock::duration{*watched} / 3 : 1s);
  while (!co_await cancelled()) {
    systemd_.feed_watchdog();
    if (!stopping_) systemd_.status(status());
    programs_->reap();
    const bool dry = telemetry_->flush();
    co_await time_.sleep_for(dry ? pause : std::min<clock::duration>(pause, log_pause));
  }
  co_return task_result{};
}

std::string app::status() const {
  return readiness_line(all_sessions(), secrets_);
}

}  // namespace duplexd
