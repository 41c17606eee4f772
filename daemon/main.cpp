#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "daemon/commands/check.hpp"
#include "daemon/commands/decode.hpp"
#include "daemon/commands/encode.hpp"
#include "daemon/commands/probe.hpp"
#include "daemon/commands/run.hpp"
#include "daemon/commands/schema.hpp"
#include "daemon/commands/simulate.hpp"
#include "daemon/commands/version.hpp"
#include "daemon/exit_code.hpp"

namespace {

int parse_and_run(int argc, char** argv) {
  using namespace duplexd;
  int result = exit_usage;
  CLI::App app{
      "duplexd keeps WebSocket client sessions running: one file says where to connect and what to say."};
  app.require_subcommand(1);
  commands::add_run(app, result);
  commands::add_check(app, result);
  commands::add_probe(app, result);
  commands::add_simulate(app, result);
  commands::add_encode(app, result);
  commands::add_decode(app, result);
  commands::add_schema(app, result);
  commands::add_version(app, result);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_success : exit_usage;  // --help is not an error
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "duplexd: internal error: %s\n", error.what());
    return duplexd::exit_internal;
  }
}
