#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "daemon/app/descriptors.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/cli/check.hpp"
#include "daemon/cli/decode.hpp"
#include "daemon/cli/encode.hpp"
#include "daemon/cli/probe.hpp"
#include "daemon/cli/run.hpp"
#include "daemon/cli/schema.hpp"
#include "daemon/cli/simulate.hpp"
#include "daemon/cli/version.hpp"

namespace {

int parse_and_run(int argc, char** argv) {
  using namespace duplexd;
  int result = exit_usage;
  CLI::App app{"duplexd runs WebSocket client sessions described by one configuration file."};
  app.require_subcommand(1);
  cli::add_run(app, result);
  cli::add_check(app, result);
  cli::add_probe(app, result);
  cli::add_simulate(app, result);
  cli::add_encode(app, result);
  cli::add_decode(app, result);
  cli::add_schema(app, result);
  cli::add_version(app, result);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_success : exit_usage;  // --help is not an error
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  duplexd::prepare_process();
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "duplexd: internal error: %s\n", error.what());
    return duplexd::exit_internal;
  }
}
