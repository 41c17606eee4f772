#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd schema [--markdown]`: the JSON Schema of the configuration, or its reference page.
void add_schema(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
