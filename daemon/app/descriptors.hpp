#pragma once

#include <cstdint>

namespace duplexd {

/// Raises the limit of open file descriptors as far as the system allows (RLIMIT_NOFILE: the soft limit
/// becomes the hard one), because each session needs one. Returns the limit that holds then. Never fails:
/// what cannot be raised stays.
std::uint64_t raise_descriptor_limit() noexcept;

}  // namespace duplexd
