#pragma once

namespace CLI {
class App;
}

namespace duplexd::cli {

/// `duplexd import struct FORMAT NAME…` prints the layout of a format of Python's struct, and
/// `duplexd import asyncapi FILE` the configuration of an AsyncAPI document; on stderr what it cannot hold.
void add_import(CLI::App& app, int& exit_code);

}  // namespace duplexd::cli
