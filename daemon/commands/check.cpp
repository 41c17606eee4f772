#include "daemon/commands/check.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "config/load.hpp"
#include "daemon/exit_code.hpp"

namespace duplexd::commands {

namespace {

struct options {
  std::string file;
  bool secrets_absent = false;
};

void print(const std::string& file, const protocol::diagnostics& all, const char* kind) {
  for (const protocol::diagnostic& each : all)
    std::fprintf(stderr, "%s%s\n", kind, config::format(file, each).c_str());
}

int check(const options& given) {
  protocol::diagnostics mistakes;
  protocol::diagnostics warnings;
  const config::load_options how{.secrets_absent = given.secrets_absent, .warnings = &warnings};
  const auto settings = config::load(given.file, how, mistakes);
  print(given.file, mistakes, "");
  print(given.file, warnings, "warning: ");
  if (!settings) return exit_config;
  const std::size_t count = settings->sessions.size();
  std::printf("%s: ok, %zu session%s\n", given.file.c_str(), count, count == 1 ? "" : "s");
  return exit_success;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<options>();
  CLI::App* command =
      app.add_subcommand("check", "Check a configuration and print every mistake with its place");
  command->add_option("-c,--config", given->file, "Configuration file (YAML, or JSON if it ends in .json)")
      ->required();
  command->add_flag("--secrets-absent", given->secrets_absent,
                    "Do not look up ${env:…}, ${file:…} and ${credential:…}");
  command->callback([given, &exit_code] { exit_code = check(*given); });
}

}  // namespace duplexd::commands
