#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd export asyncapi FILE` prints the AsyncAPI document of a configuration's sessions; on stderr what
/// it cannot say.
void add_export(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
