#include "daemon/cli/check.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/load/load.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/app/outside.hpp"
#include "daemon/cli/config_option.hpp"
#include "daemon/loading/schema_module.hpp"
#include "protocol/message/message_type.hpp"

namespace duplexd::cli {

namespace {

struct options {
  config_choice config;
  bool as_json = false;
  bool strict = false;
  bool secrets_absent = false;
  bool layouts = false;
};

using nlohmann::ordered_json;
using shared_protocol = std::shared_ptr<const protocol::protocol>;

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

/// What was found, told at once for people, or at the end as one JSON object.
class check_report {
 public:
  explicit check_report(const options& given) : given_(given) {}

  void add(const protocol::diagnostics& all, bool warning) {
    (warning ? warnings_ : mistakes_) += all.size();
    if (!given_.as_json) return tell(given_.config.file, all, warning);
    for (const protocol::diagnostic& each : all)
      problems_.push_back({{"severity", warning ? "warning" : "error"},
                           {"file", each.file.empty() ? given_.config.file : each.file},
                           {"line", each.where.line},
                           {"column", each.where.column},
                           {"path", each.path},
                           {"message", each.message},
                           {"hint", each.hint}});
  }
  [[nodiscard]] bool good() const noexcept { return mistakes_ == 0 && (warnings_ == 0 || !given_.strict); }
  int end(int code, std::size_t sessions, std::size_t examples) const {
    const std::string& file = given_.config.file;
    if (given_.as_json) {
      const ordered_json whole{{"file", file},
                               {"ok", code == exit_success},
                               {"sessions", sessions},
                               {"examples", examples},
                               {"problems", problems_}};
      std::printf("%s\n", whole.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
    } else if (code == exit_success) {
      const std::string also = examples == 0 ? "" : ", " + counted(examples, "example");
      std::printf("%s: ok, %s%s\n", file.c_str(), counted(sessions, "session").c_str(), also.c_str());
    } else if (mistakes_ == 0) {
      std::fprintf(stderr, "%s: %s, which --strict does not allow\n", file.c_str(),
                   counted(warnings_, "warning").c_str());
    }
    return code;
  }

 private:
  const options& given_;
  ordered_json problems_ = ordered_json::array();
  std::size_t mistakes_ = 0;
  std::size_t warnings_ = 0;
};

int check(options given) {
  unit_credentials credentials;
  if (const std::string wrong = follow_unit(given.config, credentials); !wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    return exit_config;
  }
  check_report found{given};
  if (const std::string wrong = read_environment_file(given.config.environment_file); !wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    return exit_config;
  }
  protocol::diagnostics mistakes;
  protocol::diagnostics warnings;
  schema_modules schemas;
  const config::load_options how{
      .secrets_absent = given.secrets_absent, .warnings = &warnings, .schemas = &schemas};
  const auto settings = config::load(given.config.file, how, mistakes);
  found.add(mistakes, false);
  found.add(warnings, true);
  if (!settings) return found.end(exit_config, 0, 0);
  const std::vector<shared_protocol> protocols = protocols_of(*settings);
  if (given.layouts)
    for (const shared_protocol& types : protocols) print_layouts(*types);
  if (!given.secrets_absent) found.add(missing_outside(*settings), false);  // else the machine is another one
  if (!found.good()) return found.end(exit_config, settings->sessions.size(), 0);
  protocol::diagnostics failed;
  const std::size_t examples = run_examples(protocols, failed);
  found.add(failed, false);
  return found.end(failed.empty() ? exit_success : exit_data, settings->sessions.size(), examples);
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<options>();
  CLI::App* command =
      app.add_subcommand("check", "Check a configuration and print every error with its position");
  add_config_option(*command, given->config);
  add_unit_option(*command, given->config);
  command->add_flag(
      "--secrets-absent", given->secrets_absent,
      "Do not resolve ${env:…}, ${file:…} and ${credential:…}, and do not look for files and programs");
  auto* layouts =
      command->add_flag("--layouts", given->layouts, "Print a table of the bytes of each command and reply");
  command->add_flag("--strict", given->strict, "Treat warnings as errors");
  command->add_flag("--json", given->as_json, "Print one JSON object with all problems to stdout")
      ->excludes(layouts);
  command->callback([given, &exit_code] { exit_code = check(*given); });
}

}  // namespace duplexd::cli
