#include "daemon/commands/run.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "config/load.hpp"
#include "daemon/app/app.hpp"
#include "daemon/exit_code.hpp"

namespace duplexd::commands {

namespace {

int run(const std::string& file, bool once) {
  protocol::diagnostics mistakes;
  const auto settings = config::load(file, {}, mistakes);
  for (const auto& mistake : mistakes) std::fprintf(stderr, "%s\n", config::format(file, mistake).c_str());
  if (!settings) return exit_config;
  app daemon{*settings, once};
  return daemon.run();
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  struct options {
    std::string file;
    bool once = false;
  };
  auto given = std::make_shared<options>();
  CLI::App* command = app.add_subcommand("run", "Run the sessions of a configuration, in the foreground");
  command->add_option("-c,--config", given->file, "Configuration file (YAML, or JSON if it ends in .json)")
      ->required();
  command->add_flag("--once", given->once, "One link for each session: end when the scripts have ended");
  command->callback([given, &exit_code] { exit_code = run(given->file, given->once); });
}

}  // namespace duplexd::commands
