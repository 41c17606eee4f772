#pragma once

#include <cstdint>

#include "config/settings.hpp"
#include "daemon/link/fault.hpp"

namespace duplexd {

/// What follows from a fault.
enum class verdict : std::uint8_t {
  retry,         ///< again after the backoff
  retry_slowly,  ///< again after the longest delay: haste would only annoy the server
  fatal,         ///< the configuration says that this session ends
};

/// The one table of what to do after which fault.
[[nodiscard]] verdict classify(const fault& what, const config::reconnect_settings& settings) noexcept;

}  // namespace duplexd
