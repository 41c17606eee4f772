#include "daemon/cli/run.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/app/app.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/app/open_journal.hpp"
#include "daemon/capture/recorder.hpp"
#include "daemon/cli/config_option.hpp"
#include "daemon/cli/event_form.hpp"
#include "daemon/loading/schema_module.hpp"

namespace duplexd::cli {

namespace {

struct options {
  config_choice config;
  std::vector<std::string> sessions;  ///< empty: all
  std::string record;
  std::string commands;
  bool once = false;
  bool trace = false;
  bool watch = false;
  event_form events;
};

/// Leaves the chosen sessions. Says which one is not there.
std::string choose(std::vector<config::session_settings>& all, const std::vector<std::string>& chosen) {
  std::string known;
  for (const auto& each : all) known += (known.empty() ? "" : ", ") + each.name;
  for (const std::string& name : chosen)
    if (std::ranges::find(all, name, &config::session_settings::name) == all.end())
      return fmt::format("no such session: {}; available: {}", name, known);
  if (!chosen.empty())
    std::erase_if(all,
                  [&](const auto& each) { return std::ranges::find(chosen, each.name) == chosen.end(); });
  return "";
}

/// The file for reloads. The environment stays what it was when duplexd started.
loaded_configuration load_again(const options& given) {
  constexpr std::size_t most_told = 20;
  loaded_configuration made;
  protocol::diagnostics mistakes;
  schema_modules schemas;
  made.settings = config::load(given.config.file, {.schemas = &schemas}, mistakes);
  for (std::size_t i = 0; i < mistakes.size() && i < most_told; ++i)
    made.mistakes += (i == 0 ? "" : "; ") + config::format(given.config.file, mistakes[i]);
  if (mistakes.size() > most_told)
    made.mistakes += fmt::format("; and {} more: see duplexd check", mistakes.size() - most_told);
  if (!made.settings) return made;
  made.mistakes = choose(made.settings->sessions, given.sessions);
  if (!made.mistakes.empty()) made.settings.reset();
  return made;
}

int run(const options& given) {
  if (given.config.file == "-" && !given.commands.empty()) {
    std::fputs("the configuration and the commands cannot both be read from stdin\n", stderr);
    return exit_usage;
  }
  if (given.watch && given.config.file == "-") {
    std::fputs("--watch: a configuration from stdin does not change\n", stderr);
    return exit_usage;
  }
  std::unique_ptr<config_watch> watch;
  if (std::string why; given.watch) {
    watch = config_watch::open(given.config.file, why);  // what changes from now on is seen
    if (watch == nullptr) std::fprintf(stderr, "--watch: %s\n", why.c_str());
    if (watch == nullptr) return exit_internal;
  }
  auto settings = load_config(given.config, false, true);
  if (!settings) return exit_config;
  if (const std::string unknown = choose(settings->sessions, given.sessions); !unknown.empty()) {
    std::fprintf(stderr, "%s\n", unknown.c_str());
    return exit_usage;
  }
  std::unique_ptr<capture_file> capture;
  if (!given.record.empty()) {
    std::string why;
    capture = capture_file::open(given.record, why);
    if (capture == nullptr) std::fprintf(stderr, "cannot record to %s\n", why.c_str());
    if (capture == nullptr) return exit_usage;
  }
  journal_file::opened kept = open_journal(*settings);
  if (!kept.error.empty()) {
    std::fprintf(stderr, "%s\n", kept.error.c_str());
    return exit_internal;
  }
  configuration_source source;
  if (given.config.file != "-") source = [given] { return load_again(given); };
  app_options how{.once = given.once,
                  .capture = std::move(capture),
                  .reads_commands = !given.commands.empty(),
                  .traces = given.trace,
                  .for_people = given.events.is_for_people(),
                  .kept = std::move(kept),
                  .source = std::move(source),
                  .watch = std::move(watch)};
  app daemon{std::move(*settings), std::move(how)};
  return daemon.run();
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<options>();
  CLI::App* command = app.add_subcommand("run", "Run the sessions of a configuration in the foreground");
  add_config_option(*command, given->config);
  command->add_option("SESSION", given->sessions, "The sessions to run (default: all of the file)");
  auto* once = command->add_flag("--once", given->once,
                                 "Connect each session once, and exit when the scripts have finished");
  command->add_flag("--watch", given->watch, "Reload when the configuration file changes")->excludes(once);
  add_event_form(*command, given->events);
  command->add_flag("--trace", given->trace,
                    "Log the messages of both directions, without secrets, whatever the log's level");
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
