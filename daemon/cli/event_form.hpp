#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// How events are printed to stdout.
struct event_form {
  bool pretty = false;
  bool json = false;

  /// What was asked for; otherwise whether stdout is a terminal.
  [[nodiscard]] bool is_for_people() const;
};

/// `--pretty` and `--json`.
void add_event_form(CLI::App& command, event_form& to);

}  // namespace duplexd::cli
