#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd status [SESSION]`: where the sessions of a running daemon stand.
void add_status(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
