#pragma once

#include <cstdint>

namespace duplexd {

/// Raises the limit of open file descriptors as far as the system allows (RLIMIT_NOFILE: the soft limit
/// becomes the hard one), because each session needs one. Returns the limit that holds then. Never fails:
/// what cannot be raised stays.
std::uint64_t raise_descriptor_limit() noexcept;

/// First of all: a standard stream that is closed leads to /dev/null, lest a file or socket that is opened
/// later becomes one; a file that reaches the limit of its size is an error and no signal; and the process
/// leaves no core file and lets nobody but root look into its memory, where secrets are.
void prepare_process() noexcept;

}  // namespace duplexd
