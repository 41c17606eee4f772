#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd encode -c FILE [--session S] NAME key=value…`: packs a command (or with --reply a reply) and
/// prints its bytes as hex digits. Without a file: `encode --layout LINE key=value…`, `encode --struct FORMAT
/// value…`.
void add_encode(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
