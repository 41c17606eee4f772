#include "daemon/cli/run.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "config/load/load.hpp"
#include "daemon/app/app.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/capture/recorder.hpp"

namespace duplexd::cli {

namespace {

struct options {
  std::string file;
  std::string record;
  std::string commands;
  bool once = false;
};

int run(const options& given) {
  const std::string& file = given.file;
  protocol::diagnostics mistakes;
  protocol::diagnostics warnings;
  auto settings = config::load(file, {.warnings = &warnings}, mistakes);
  for (const auto& mistake : mistakes) std::fprintf(stderr, "%s\n", config::format(file, mistake).c_str());
  for (const auto& each : warnings) std::fprintf(stderr, "warning: %s\n", config::format(file, each).c_str());
  if (!settings) return exit_config;
  std::unique_ptr<capture_file> capture;
  if (!given.record.empty()) {
    std::string why;
    capture = capture_file::open(given.record, why);
    if (capture == nullptr) std::fprintf(stderr, "cannot record to %s\n", why.c_str());
    if (capture == nullptr) return exit_usage;
  }
  app daemon{std::move(*settings), given.once, std::move(capture), !given.commands.empty()};
  return daemon.run();
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<options>();
  CLI::App* command = app.add_subcommand("run", "Run the sessions of a configuration in the foreground");
  command->add_option("-c,--config", given->file, "Configuration file (YAML, or JSON if it ends in .json)")
      ->required();
  command->add_flag("--once", given->once,
                    "Connect each session once, and exit when the scripts have finished");
  command->add_option("--record", given->record,
                      "Append every message to this file, without secrets (docs/captures.md)");
  command
      ->add_option(
          "--commands", given->commands,
          "Read commands, lines of JSON, from stdin (-); at their end the daemon ends (docs/commands.md)")
      ->check(CLI::IsMember({"-"}));
  command->callback([given, &exit_code] { exit_code = run(*given); });
}

}  // namespace duplexd::cli
