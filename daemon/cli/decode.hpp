#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd decode -c FILE [--session S] [--hex [DIGITS] | --raw | --jsonl] [--command] [--explain]`: unpacks
/// messages and prints a JSON line for each packet, or with --explain a table of its bytes.
void add_decode(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
