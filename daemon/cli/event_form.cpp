#include "daemon/cli/event_form.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>

namespace duplexd::cli {

bool event_form::is_for_people() const {
  return pretty || (!json && ::isatty(STDOUT_FILENO) == 1);
}

void add_event_form(CLI::App& command, event_form& to) {
  auto* pretty =
      command.add_flag("--pretty", to.pretty, "Print events as lines for people (the default on a terminal)");
  command.add_flag("--json", to.json, "Print events as lines of JSON, on a terminal, too")->excludes(pretty);
}

}  // namespace duplexd::cli
