#pragma once

namespace CLI {
class App;
}

namespace duplexd::commands {

/// `duplexd simulate -c FILE [--state DIR] [--listen ADDR] [--port N] [--cert F --key F]`: servers made from
/// a configuration, to try it before the real ones exist.
void add_simulate(CLI::App& app, int& exit_code);

}  // namespace duplexd::commands
