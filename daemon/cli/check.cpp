#include "daemon/cli/check.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "config/load/load.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/app/outside.hpp"
#include "protocol/message/message_type.hpp"

namespace duplexd::cli {

namespace {

struct options {
  std::string file;
  bool secrets_absent = false;
  bool layouts = false;
};

using shared_protocol = std::shared_ptr<const protocol::protocol>;

void print(const std::string& file, const protocol::diagnostics& all, const char* kind) {
  for (const protocol::diagnostic& each : all)
    std::fprintf(stderr, "%s%s\n", kind, config::format(file, each).c_str());
}

/// Each protocol once, though sessions share them, in the order of the file.
std::vector<shared_protocol> protocols_of(const config::settings& settings) {
  std::vector<shared_protocol> all;
  for (const config::session_settings& session : settings.sessions)
    if (std::find(all.begin(), all.end(), session.protocol) == all.end()) all.push_back(session.protocol);
  return all;
}

void print_layouts(const protocol::protocol& types) {
  for (const auto way : {protocol::direction::command, protocol::direction::reply})
    for (const protocol::message_type& type : types.types(way))
      std::printf("%s %s\n", way == protocol::direction::command ? "command" : "reply",
                  byte_table(type).c_str());
}

/// The examples that stand next to the layouts. Adds those that fail to `failed`; returns how many there are.
std::size_t run_examples(const std::vector<shared_protocol>& all, protocol::diagnostics& failed) {
  std::size_t count = 0;
  for (const shared_protocol& types : all)
    for (const protocol::example_result& example : protocol::run_examples(types)) {
      ++count;
      if (!example.message.empty()) failed.push_back({example.where, example.path, example.message, ""});
    }
  return count;
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

int check(const options& given) {
  protocol::diagnostics mistakes;
  protocol::diagnostics warnings;
  const config::load_options how{.secrets_absent = given.secrets_absent, .warnings = &warnings};
  const auto settings = config::load(given.file, how, mistakes);
  print(given.file, mistakes, "");
  print(given.file, warnings, "warning: ");
  if (!settings) return exit_config;
  const std::vector<shared_protocol> protocols = protocols_of(*settings);
  if (given.layouts)
    for (const shared_protocol& types : protocols) print_layouts(*types);
  if (!given.secrets_absent) {  // else the machine is another one, too
    const protocol::diagnostics missing = missing_outside(*settings);
    print(given.file, missing, "");
    if (!missing.empty()) return exit_config;
  }
  protocol::diagnostics failed;
  const std::size_t examples = run_examples(protocols, failed);
  print(given.file, failed, "");
  if (!failed.empty()) return exit_data;
  const std::string also = examples == 0 ? "" : ", " + counted(examples, "example");
  std::printf("%s: ok, %s%s\n", given.file.c_str(), counted(settings->sessions.size(), "session").c_str(),
              also.c_str());
  return exit_success;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<options>();
  CLI::App* command =
      app.add_subcommand("check", "Check a configuration and print every error with its position");
  command->add_option("-c,--config", given->file, "Configuration file (YAML, or JSON if it ends in .json)")
      ->required();
  command->add_flag(
      "--secrets-absent", given->secrets_absent,
      "Do not resolve ${env:…}, ${file:…} and ${credential:…}, and do not look for files and programs");
  command->add_flag("--layouts", given->layouts, "Print a table of the bytes of each command and reply");
  command->callback([given, &exit_code] { exit_code = check(*given); });
}

}  // namespace duplexd::cli
