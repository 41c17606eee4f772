#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd journal ls | show | export | check | replay | prune`: what waits in a journal, beside a running
/// daemon or without one.
void add_journal(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
