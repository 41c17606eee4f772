#pragma once

#include <string>
#include <vector>

#include "daemon/link/command_keeper.hpp"

namespace duplexd::command_store {

/// The commands of a journal, whoever uses it; nothing is changed. Returns why they cannot be read; empty:
/// they are in `out`, by number. Blocks.
[[nodiscard]] std::string peek(const std::string& path, std::vector<kept_command>& out);

}  // namespace duplexd::command_store
