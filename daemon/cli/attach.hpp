#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd attach SESSION`: lines of stdin are commands for a session of a running daemon, its events come
/// on stdout.
void add_attach(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
