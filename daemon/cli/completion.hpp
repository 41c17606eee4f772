#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd completion bash|zsh|fish`: a script that completes subcommands, options and files, made from the
/// subcommands that `app` has when it runs.
void add_completion(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
