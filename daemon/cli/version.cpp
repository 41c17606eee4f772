#include "daemon/cli/version.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "daemon/app/exit_code.hpp"
#include "daemon/app/version.hpp"

namespace duplexd::cli {

void add_version(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("version", "Print the version");
  command->callback([&exit_code] {
    std::printf("duplexd %s\n", version);
    exit_code = exit_success;
  });
}

}  // namespace duplexd::cli
