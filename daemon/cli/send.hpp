#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd send SESSION COMMAND [FIELD=VALUE…]`: a command for a session of a running daemon.
void add_send(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
