#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd simulate -c FILE [--state DIR] [--listen ADDR] [--port N] [--cert F --key F]
/// [--replay CAPTURE [--session S] [--speed N|max]]`: servers made from a configuration, to try it before the
/// real ones exist; or one that does what the real one did.
void add_simulate(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
