#pragma once

namespace CLI {
class App;
}

namespace duplexd::commands {

/// `duplexd check -c FILE [--secrets-absent]`: every mistake of a configuration, with its place.
void add_check(CLI::App& app, int& exit_code);

}  // namespace duplexd::commands
