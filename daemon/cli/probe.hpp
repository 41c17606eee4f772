#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd probe -c FILE [SESSION | --all] [--timeout S] [--json]`: dials once, logs in, waits for the first
/// message, and prints how long each phase took. The exit code names the phase that failed.
void add_probe(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
