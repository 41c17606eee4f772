#include "daemon/cli/config_option.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "config/value/regular_file.hpp"
#include "daemon/cli/environment_file.hpp"
#include "daemon/loading/schema_module.hpp"
#include "daemon/log/journal.hpp"

namespace duplexd::cli {

void add_config_option(CLI::App& command, config_choice& to) {
  command.add_option(
      "FILE,-c,--config", to.file,
      "Configuration file (YAML, or JSON if it ends in .json), or a folder of them; - is stdin");
  command.parse_complete_callback([&command, &to] {
    if (!to.file.empty() || !to.unit.empty()) return;
    const CLI::App* const above = command.get_parent();
    const std::string group = above->get_parent() == nullptr ? "" : above->get_name() + " ";
    throw CLI::RequiredError(
        fmt::format("a configuration file (duplexd {}{} FILE)", group, command.get_name()));
  });
  command.add_option("--env-file", to.environment_file,
                     "File with lines NAME=VALUE for ${env:NAME}; the environment takes precedence");
}

void tell(const std::string& file, const protocol::diagnostics& problems, bool are_warnings) {
  const auto level = are_warnings ? config::log_level::warning : config::log_level::error;
  const std::string start{journal_listens() ? journal_priority(level) : ""};
  for (const protocol::diagnostic& each : problems)
    std::fprintf(stderr, "%s%s%s\n", start.c_str(), are_warnings ? "warning: " : "",
                 config::format(file, each).c_str());
}

std::string read_environment_file(const std::string& file, bool replaces) {
  if (file.empty()) return "";
  const auto text = config::read_file_or_pipe(file, config::largest_config_file, config::config_wait);
  if (!text) return file + ": the file cannot be read: " + text.error;
  std::vector<std::pair<std::string, std::string>> all;
  std::string wrong = parse_environment(text.value, all);
  if (!wrong.empty()) return file + ": " + wrong;
  for (const auto& [name, value] : all) ::setenv(name.c_str(), value.c_str(), replaces ? 1 : 0);
  return "";
}

void add_unit_option(CLI::App& command, config_choice& to) {
  command.add_option("--unit", to.unit,
                     "A unit of systemd instead of a file: its configuration, environment and credentials");
}

std::string follow_unit(config_choice& from, unit_credentials& keep) {
  if (from.unit.empty()) return "";
  if (!from.file.empty()) return "--unit: the unit says which file it is";
  systemd_unit unit;
  if (std::string why = read_unit(from.unit, unit); !why.empty()) return why;
  for (const std::string& each : unit.ignored)
    std::fprintf(stderr, "%s: %s= is not followed here\n", from.unit.c_str(), each.c_str());
  from.file = unit.config;
  for (const auto& [name, value] : unit.environment) ::setenv(name.c_str(), value.c_str(), 1);
  for (const auto& [file, is_optional] : unit.environment_files) {
    if (is_optional && ::access(file.c_str(), F_OK) != 0) continue;
    if (std::string why = read_environment_file(file, true); !why.empty()) return why;
  }
  return keep.make(unit);
}

std::optional<config::settings> load_config(const config_choice& from, bool secrets_absent,
                                            bool with_warnings) {
  const std::string wrong = read_environment_file(from.environment_file);
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    return std::nullopt;
  }
  protocol::diagnostics mistakes;
  protocol::diagnostics warnings;
  schema_modules schemas;
  auto settings = config::load(
      from.file, {.secrets_absent = secrets_absent, .warnings = &warnings, .schemas = &schemas}, mistakes);
  tell(from.file, mistakes, false);
  if (with_warnings) tell(from.file, warnings, true);
  return settings;
}

}  // namespace duplexd::cli
