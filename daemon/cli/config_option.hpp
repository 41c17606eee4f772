#pragma once

#include <optional>
#include <string>

#include "config/load/load.hpp"
#include "daemon/cli/systemd_unit.hpp"

namespace CLI {
class App;
}

namespace duplexd::cli {

/// How a subcommand is told its configuration.
struct config_choice {
  std::string file;              ///< "-": stdin
  std::string environment_file;  ///< empty: none
  std::string unit{};            ///< of systemd, instead of a file; empty: none
};

/// FILE, `-c FILE` and `--env-file FILE`.
void add_config_option(CLI::App& command, config_choice& to);

/// `--unit NAME`, instead of a file.
void add_unit_option(CLI::App& command, config_choice& to);

/// If a unit was chosen: takes its configuration, its environment, and its credentials, which are there as
/// long as `keep`. What is wrong; empty: nothing.
[[nodiscard]] std::string follow_unit(config_choice& from, unit_credentials& keep);

/// Reads the environment file, if there is one, and the configuration. Mistakes go to stderr, and warnings
/// too, if they are asked for; null after a mistake.
[[nodiscard]] std::optional<config::settings> load_config(const config_choice& from, bool secrets_absent,
                                                          bool with_warnings);

/// Prints problems of the configuration to stderr.
void tell(const std::string& file, const protocol::diagnostics& problems, bool are_warnings);

/// Adds the file's variables to the environment, which takes precedence unless `replaces`. Returns what is
/// wrong, without the file's text: it has secrets. Empty: all is well.
[[nodiscard]] std::string read_environment_file(const std::string& file, bool replaces = false);

}  // namespace duplexd::cli
