#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd tap [--session NAME] [--reply NAME]`: the events of a running daemon.
void add_tap(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
