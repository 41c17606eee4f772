#pragma once

namespace CLI {
class App;
}

namespace duplexd::commands {

/// `duplexd version`
void add_version(CLI::App& app, int& exit_code);

}  // namespace duplexd::commands
