#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd outbox ls | cancel`: the durable commands that wait in a journal.
void add_outbox(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
