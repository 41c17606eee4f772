#include "daemon/commands/simulate.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "config/load.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/net/simulator.hpp"
#include "daemon/telemetry/timestamp.hpp"

namespace duplexd::commands {

namespace {

void log_line(std::string_view line) {
  const std::string when = timestamp(std::chrono::system_clock::now());
  std::fprintf(stderr, "%s simulate: %.*s\n", when.c_str(), static_cast<int>(line.size()), line.data());
}

/// For scripts: they read stdout until the line is there.
void ready_line(std::string_view where) {
  std::printf("ready %.*s\n", static_cast<int>(where.size()), where.data());
  std::fflush(stdout);
}

int serve(const config::settings& settings, net::simulator_options options) {
  boost::asio::io_context loop{1};
  net::simulator simulated(loop, settings, std::move(options));
  boost::asio::signal_set signals(loop, SIGINT, SIGTERM);  // before anybody is told that it is ready
  if (const auto error = simulated.start()) {
    std::fprintf(stderr, "simulate: %s\n", error->c_str());
    return exit_internal;
  }
  int result = exit_success;
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    log_line("stopping");
    simulated.stop();
    signals.async_wait([&](const boost::system::error_code& second, int) {
      if (second) return;
      result = exit_interrupted;
      loop.stop();
    });
  });
  // A waiting signal keeps the loop running; when only it is left the links are all closed.
  while (!simulated.stopped() && loop.run_one() != 0) {
  }
  return result;
}

int simulate(const std::string& file, net::simulator_options options) {
  std::signal(SIGPIPE, SIG_IGN);
  protocol::diagnostics mistakes;
  const auto settings = config::load(file, {.secrets_absent = true}, mistakes);
  for (const auto& mistake : mistakes) std::fprintf(stderr, "%s\n", config::format(file, mistake).c_str());
  if (!settings) return exit_config;
  options.log = log_line;
  options.ready = ready_line;
  return serve(*settings, std::move(options));
}

}  // namespace

void add_simulate(CLI::App& app, int& exit_code) {
  struct given_options {
    std::string file;
    net::simulator_options simulator;
  };
  auto given = std::make_shared<given_options>();
  auto& simulator = given->simulator;
  CLI::App* command = app.add_subcommand("simulate", "Run servers made from a configuration, to try it out");
  command->add_option("-c,--config", given->file, "Configuration file (YAML, or JSON if it ends in .json)")
      ->required();
  command->add_option("--state", simulator.state_directory,
                      "Directory for the throw-away certificates (default: a temporary one)");
  command->add_option("--listen", simulator.listen_address, "Address to listen on (default: the loopback)");
  command->add_option("--port", simulator.port, "Port for all sessions instead of the URLs' (0: a free one)");
  auto* certificate =
      command->add_option("--cert", simulator.certificate_file, "PEM certificate chain to show");
  auto* key = command->add_option("--key", simulator.key_file, "PEM key of the certificate");
  certificate->needs(key);
  key->needs(certificate);
  command->callback([given, &exit_code] { exit_code = simulate(given->file, given->simulator); });
}

}  // namespace duplexd::commands
