#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd run -c FILE [--once] [--record CAPTURE]`: the daemon, in the foreground.
void add_run(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
