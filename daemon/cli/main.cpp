#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/app/descriptors.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/app/version.hpp"
#include "daemon/cli/attach.hpp"
#include "daemon/cli/check.hpp"
#include "daemon/cli/completion.hpp"
#include "daemon/cli/connect.hpp"
#include "daemon/cli/decode.hpp"
#include "daemon/cli/encode.hpp"
#include "daemon/cli/export.hpp"
#include "daemon/cli/import.hpp"
#include "daemon/cli/journal.hpp"
#include "daemon/cli/operate.hpp"
#include "daemon/cli/outbox.hpp"
#include "daemon/cli/probe.hpp"
#include "daemon/cli/run.hpp"
#include "daemon/cli/schema.hpp"
#include "daemon/cli/send.hpp"
#include "daemon/cli/simulate.hpp"
#include "daemon/cli/status.hpp"
#include "daemon/cli/tap.hpp"
#include "daemon/cli/test.hpp"
#include "daemon/cli/version.hpp"
#include "protocol/text/suggest.hpp"

namespace {

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> all;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
    all.push_back(each->get_name());
  return all;
}

/// Complains of a subcommand that does not exist.
bool is_known(const CLI::App& app, const std::string& word) {
  const auto all = names_of(app);
  if (word.starts_with('-') || std::ranges::find(all, word) != all.end()) return true;
  std::fprintf(stderr, "unknown subcommand '%s' (%s)\n", word.c_str(),
               duplexd::protocol::suggest_or_list(word, all).c_str());
  return false;
}

/// `help [SUBCOMMAND]`, before anything is parsed: CLI11 explains what it has parsed last.
int help(const CLI::App& app, const std::string& word) {
  if (!word.empty() && !is_known(app, word)) return duplexd::exit_usage;
  std::fputs((word.empty() ? app.help() : app.get_subcommand(word)->help("duplexd")).c_str(), stdout);
  return duplexd::exit_success;
}

/// Nothing was asked for.
int explain(const CLI::App& app) {
  std::fputs(app.help().c_str(), stderr);
  return duplexd::exit_usage;
}

int parse_and_run(int argc, char** argv) {
  using namespace duplexd;
  int result = exit_usage;
  CLI::App app{"duplexd runs WebSocket client sessions described by one configuration file.", "duplexd"};
  app.set_version_flag("-V,--version", std::string("duplexd ") + version);
  cli::add_run(app, result);
  cli::add_check(app, result);
  cli::add_test(app, result);
  cli::add_probe(app, result);
  cli::add_connect(app, result);
  cli::add_status(app, result);
  cli::add_send(app, result);
  cli::add_tap(app, result);
  cli::add_attach(app, result);
  cli::add_operate(app, result);
  cli::add_journal(app, result);
  cli::add_outbox(app, result);
  cli::add_simulate(app, result);
  cli::add_encode(app, result);
  cli::add_decode(app, result);
  cli::add_import(app, result);
  cli::add_export(app, result);
  cli::add_schema(app, result);
  cli::add_completion(app, result);
  cli::add_version(app, result);
  app.add_subcommand("help", "Print what a subcommand does and its options");
  if (argc > 1 && argv[1] == std::string_view("help")) return help(app, argc > 2 ? argv[2] : "");
  if (argc > 1 && !is_known(app, argv[1])) return exit_usage;
  try {
    app.parse(argc, argv);
    if (argc == 1) return explain(app);
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
