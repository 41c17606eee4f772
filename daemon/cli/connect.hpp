#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd connect URL`: one connection between stdin and stdout, without a file (docs/connect.md).
void add_connect(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
