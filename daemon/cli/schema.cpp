#include "daemon/cli/schema.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "config/fields/json_schema.hpp"
#include "config/fields/reference_page.hpp"
#include "daemon/app/exit_code.hpp"
#include "daemon/app/version.hpp"
#include "daemon/control/api_routes.hpp"

namespace duplexd::cli {

void add_schema(CLI::App& app, int& exit_code) {
  auto as_markdown = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("schema", "Print the JSON Schema of the configuration, for editors");
  command->add_flag("--markdown", *as_markdown, "Print the reference page (docs/configuration.md) instead");
  auto as_openapi = std::make_shared<bool>(false);
  command->add_flag("--openapi", *as_openapi, "Print the OpenAPI document of the control interface instead");
  command->callback([as_markdown, as_openapi, &exit_code] {
    const std::string text = *as_markdown  ? config::reference_page()
                             : *as_openapi ? openapi_document(version).dump(2) + "\n"
                                           : config::json_schema().dump(2) + "\n";
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    exit_code = written && std::fflush(stdout) == 0 ? exit_success : exit_output_closed;
  });
}

}  // namespace duplexd::cli
