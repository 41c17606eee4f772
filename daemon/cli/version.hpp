#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd version`
void add_version(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
