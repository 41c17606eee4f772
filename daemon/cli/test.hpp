#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd test FILE… [--tap] [--junit FILE]`: runs the cases that stand beside a configuration
/// (docs/testing.md). Exit code 1 if one fails.
void add_test(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
