#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd pause|resume|reconnect|drain SESSION`, `log-level LEVEL`, `health`: what is asked of a running
/// daemon without an argument of its own.
void add_operate(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
