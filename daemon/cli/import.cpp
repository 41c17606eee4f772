#include "daemon/cli/import.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "config/asyncapi/import_asyncapi.hpp"
#include "config/document/document.hpp"
#include "config/document/yaml_text.hpp"
#include "config/load/load.hpp"
#include "config/value/regular_file.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/cli/config_option.hpp"
#include "protocol/layout/struct_import.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::cli {

namespace {

struct struct_options {
  std::string format;
  std::vector<std::string> names;
};

struct api_options {
  std::string file;
  config::asyncapi_options choice;
};

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return written && std::fflush(stdout) == 0 ? exit_success : exit_output_closed;
}

int import_struct(const struct_options& given) {
  std::string error;
  const auto layout = protocol::layout_of_struct(given.format, given.names, error);
  if (layout) return print(*layout + "\n");
  std::fprintf(stderr, "%s\n", protocol::one_line(error).c_str());
  return exit_usage;
}

int import_asyncapi(const api_options& given) {
  const auto text = config::read_file_or_pipe(given.file == "-" ? "/dev/stdin" : given.file,
                                              config::largest_config_file, config::config_wait);
  if (!text) {
    std::fprintf(stderr, "%s: the file cannot be read: %s\n", given.file.c_str(), text.error.c_str());
    return exit_config;
  }
  protocol::diagnostics mistakes;
  protocol::diagnostics notes;
  const auto document = config::read_document(text.value, config::format_of(given.file), mistakes);
  const auto made = document && mistakes.empty()
                        ? config::import_asyncapi(*document, given.choice, mistakes, notes)
                        : std::nullopt;
  tell(given.file, mistakes, false);
  tell(given.file, notes, true);
  if (!made || !mistakes.empty()) return exit_data;
  const std::string configuration = config::yaml_text(*made);
  protocol::diagnostics wrong;
  const config::load_options how{.secrets_absent = true, .warnings = nullptr};
  (void)config::load_text(configuration, config::document_format::yaml, "configuration", how, wrong);
  const int code = print(configuration);
  tell("the configuration made of it", wrong, false);
  return code == exit_success && !wrong.empty() ? exit_data : code;
}

}  // namespace

void add_import(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("import", "Translate descriptions of messages that other tools use");
  command->require_subcommand(1);
  auto format = std::make_shared<struct_options>();
  CLI::App* from_struct =
      command->add_subcommand("struct", "Print the layout for a format string of Python's struct module");
  from_struct->add_option("format", format->format, "The format, such as '<IHB'")->required();
  from_struct->add_option("names", format->names, "A name for each value, or for each code");
  from_struct->callback([format, &exit_code] { exit_code = import_struct(*format); });

  auto api = std::make_shared<api_options>();
  CLI::App* from_api = command->add_subcommand(
      "asyncapi", "Print the configuration for an AsyncAPI 3 document; on stderr what it cannot hold");
  from_api->add_option("file", api->file, "The document, YAML or JSON; - is stdin")->required();
  from_api->add_option("--server", api->choice.server,
                       "The server to connect to (default: the first that speaks WebSocket)");
  from_api->add_option("--url", api->choice.url, "The server's address, instead of the document's");
  from_api->callback([api, &exit_code] { exit_code = import_asyncapi(*api); });
}

}  // namespace duplexd::cli
