#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/journal/journal_file.hpp"
#include "daemon/link/command_keeper.hpp"

namespace duplexd::command_store {

/// What changes with one commit.
struct changes {
  std::vector<kept_command> rows{};        ///< as they are now, by number
  std::vector<std::uint64_t> forgotten{};  ///< numbers

  [[nodiscard]] bool empty() const noexcept { return rows.empty() && forgotten.empty(); }
};

/// The commands that a journal has, by number. Makes their table if there is none. Blocks.
[[nodiscard]] journal_file::outcome load(journal_file& from, std::vector<kept_command>& out);

/// One transaction: when it returns, the changes are on the disk, or none of them is. Blocks.
[[nodiscard]] journal_file::outcome write(journal_file& to, const changes& what);

}  // namespace duplexd::command_store
