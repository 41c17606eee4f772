#include "daemon/cli/simulate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/app/exit_code.hpp"
#include "daemon/app/signal_echo.hpp"
#include "daemon/capture/capture.hpp"
#include "daemon/cli/config_option.hpp"
#include "daemon/event/timestamp.hpp"
#include "daemon/log/log_lines.hpp"
#include "daemon/simulate/simulator.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::cli {

namespace {

void log_line(std::string_view line) {
  static log_lines log{STDERR_FILENO};
  const auto say = [](std::string_view what) {
    log.append(fmt::format("{} simulate: {}\n", timestamp(std::chrono::system_clock::now()),
                           protocol::one_line(what)));
  };
  if (log.dropped() > 0 && log.flush())
    say(fmt::format("{} lines were dropped here: stderr was not read", log.take_dropped()));
  say(line);
}

struct replay_given {
  std::string capture;
  std::string session;
  std::string speed = "1";
};

int print_report(const net::replay_report& report) {
  for (const auto& line : report.differences) std::printf("%s\n", protocol::one_line(line).c_str());
  std::printf("replay: %zu messages as recorded, %zu differences\n", report.equal, report.differences.size());
  return report.differences.empty() ? exit_success : exit_differs;
}

/// For scripts: they read stdout until the line is there.
void ready_line(std::string_view where) {
  std::printf("ready %.*s\n", static_cast<int>(where.size()), where.data());
  std::fflush(stdout);
}

int serve(const config::settings& settings, net::simulator_options options) {
  boost::asio::io_context loop{1};
  std::optional<net::replay_report> report;
  std::function<void()> stop;
  const bool replaying = options.replay.has_value();
  if (replaying) {
    options.replay->done = [&](const net::replay_report& made) {
      report = made;
      stop();
    };
  }
  net::simulator simulated(loop, settings, std::move(options));
  boost::asio::signal_set signals(loop, SIGINT, SIGTERM);  // before anybody is told that it is ready
  stop = [&] { simulated.stop(); };
  if (const auto error = simulated.start()) {
    std::fprintf(stderr, "simulate: %s\n", error->c_str());
    return exit_internal;
  }
  int result = exit_success;
  if (replaying) result = exit_differs;  // until a client has been as recorded
  signal_echo echo;
  bool stopping = false;
  std::function<void(const boost::system::error_code&, int)> on_signal =
      [&](const boost::system::error_code& error, int number) {
        if (error) return;
        signals.async_wait(on_signal);
        if (echo.is_echo(number, signal_echo::time_point::clock::now())) return;
        if (std::exchange(stopping, true)) {
          result = exit_interrupted;
          loop.stop();
          return;
        }
        log_line("stopping");
        simulated.stop();
      };
  signals.async_wait(on_signal);
  // A waiting signal keeps the loop running; when only it is left the links are all closed.
  while (!simulated.stopped() && loop.run_one() != 0) {
  }
  if (report) result = print_report(*report);
  if (replaying && !report) log_line("no client connected for the replay");
  return result;
}

/// The first link of a session in a capture; nothing, and a word on stderr, if it cannot be had.
std::optional<net::replay_options> read_replay(const replay_given& given) {
  net::replay_options replay;
  std::string why;
  std::ifstream file(given.capture);
  std::optional<std::vector<capture_entry>> all;
  if (file.is_open())
    all = read_capture(file, why);
  else
    why = "the file cannot be read";
  std::optional<std::vector<capture_entry>> link;
  if (all) link = net::first_link(*all, given.session, why);
  if (!link) {
    std::fprintf(stderr, "%s: %s\n", given.capture.c_str(), why.c_str());
    return std::nullopt;
  }
  replay.session = link->front().session;
  replay.link = std::move(*link);
  replay.speed = given.speed == "max" ? 0 : std::stod(given.speed);
  return replay;
}

int simulate(const config_choice& config, net::simulator_options options, const replay_given& replay) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto settings = load_config(config, true, false);
  if (!settings) return exit_config;
  if (!replay.capture.empty()) {
    options.replay = read_replay(replay);
    if (!options.replay) return exit_data;
  }
  options.log = log_line;
  options.ready = ready_line;
  return serve(*settings, std::move(options));
}

}  // namespace

void add_simulate(CLI::App& app, int& exit_code) {
  struct given_options {
    config_choice config;
    net::simulator_options simulator;
    replay_given replay;
  };
  auto given = std::make_shared<given_options>();
  auto& simulator = given->simulator;
  CLI::App* command = app.add_subcommand("simulate", "Run test servers for the sessions of a configuration");
  add_config_option(*command, given->config);
  command->add_option("--state", simulator.state_directory,
                      "Directory for the temporary certificates (default: a new temporary directory)");
  command->add_option("--listen", simulator.listen_address, "Address to listen on (default: loopback)");
  command->add_option("--port", simulator.port,
                      "Port for all sessions instead of those in the URLs; 0 means any free port");
  auto* certificate = command->add_option("--cert", simulator.certificate_file,
                                          "PEM file with the server's certificate chain");
  auto* key = command->add_option("--key", simulator.key_file, "PEM file with the certificate's private key");
  certificate->needs(key);
  key->needs(certificate);
  auto* replay =
      command->add_option("--replay", given->replay.capture,
                          "Replay the server's side of this capture (run --record) to one client, and "
                          "compare what the client sends");
  command->add_option("--session", given->replay.session, "The session of the capture, if there are several")
      ->needs(replay);
  command->add_option("--speed", given->replay.speed, "Speed relative to the recording, or max for no delays")
      ->needs(replay)
      ->check([](const std::string& text) {
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool number = error == std::errc{} && end == text.data() + text.size() && value > 0;
        return number || text == "max" ? "" : "--speed must be a number above 0, or max";
      });
  command->callback(
      [given, &exit_code] { exit_code = simulate(given->config, given->simulator, given->replay); });
}

}  // namespace duplexd::cli
