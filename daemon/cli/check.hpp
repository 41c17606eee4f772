#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd check -c FILE [--secrets-absent] [--layouts]`: every mistake of a configuration, with its place,
/// on stderr (exit code 78); then the examples of its layouts (exit code 65 if one fails).
void add_check(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
