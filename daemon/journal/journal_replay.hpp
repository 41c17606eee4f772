#pragma once

#include <cstdint>
#include <string>

namespace duplexd {

/// Moves an output's place in a journal back, so that the output gets the records that are kept from a number
/// on again. Whoever calls holds the journal's lock. Returns why it could not; empty: it is on the disk.
/// Blocks.
[[nodiscard]] std::string replay_from(const std::string& file, const std::string& output,
                                      std::uint64_t first);

}  // namespace duplexd
