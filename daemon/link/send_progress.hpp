#pragma once

#include <cstdint>

namespace duplexd {

/// How far sending has come, in bytes of the connection.
struct send_progress {
  std::uint64_t pending = 0;    ///< sent, and not known to have reached the peer's host
  std::uint64_t delivered = 0;  ///< acknowledged by the peer's host; only grows
};

}  // namespace duplexd
