#include "daemon/cli/export.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "config/asyncapi/export_asyncapi.hpp"
#include "config/document/document.hpp"
#include "config/document/yaml_text.hpp"
#include "config/load/load.hpp"
#include "config/load/whole_sessions.hpp"
#include "config/value/regular_file.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/cli/config_option.hpp"
#include "protocol/text/suggest.hpp"

namespace duplexd::cli {

namespace {

struct export_options {
  config_choice from;
  std::vector<std::string> sessions;
};

int complain(const std::string& message, int code) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return code;
}

int export_asyncapi(const export_options& given) {
  if (!load_config(given.from, true, false)) return exit_config;
  const std::string& file = given.from.file;
  const auto text = config::read_file_or_pipe(file, config::largest_config_file, config::config_wait);
  if (!text) return complain(fmt::format("{}: one file is exported: {}", file, text.error), exit_config);
  protocol::diagnostics mistakes;
  const auto document = config::read_document(text.value, config::format_of(file), mistakes);
  if (!document) return complain(file + ": the file has changed meanwhile", exit_config);
  const auto sessions = config::whole_sessions(*document);
  std::vector<std::string> names;
  for (const config::whole_session& each : sessions) names.push_back(each.name);
  for (const std::string& each : given.sessions)
    if (std::ranges::find(names, each) == names.end())
      return complain(
          fmt::format("there is no session '{}' ({})", each, protocol::suggest_or_list(each, names)),
          exit_usage);
  protocol::diagnostics notes;
  config::asyncapi_export made(notes);
  for (const config::whole_session& each : sessions)
    if (given.sessions.empty() || std::ranges::find(given.sessions, each.name) != given.sessions.end())
      made.add(each.name, each.value);
  tell(file, notes, true);
  const std::string out = config::yaml_text(std::move(made).take());
  const bool is_written =
      std::fwrite(out.data(), 1, out.size(), stdout) == out.size() && std::fflush(stdout) == 0;
  return is_written ? exit_success : exit_output_closed;
}

}  // namespace

void add_export(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("export", "Describe sessions as other tools do");
  command->require_subcommand(1);
  auto given = std::make_shared<export_options>();
  CLI::App* to_api = command->add_subcommand(
      "asyncapi", "Print the AsyncAPI 3 document of the sessions; on stderr what it cannot say");
  add_config_option(*to_api, given->from);
  to_api->add_option("--session", given->sessions, "Only this session; may be given several times");
  to_api->callback([given, &exit_code] { exit_code = export_asyncapi(*given); });
}

}  // namespace duplexd::cli
