#pragma once

#include <bit>
#include <cstdint>

#include "config/settings/settings.hpp"

namespace duplexd {

/// How long an output that failed waits before it tries again.
inline constexpr config::backoff_settings output_pauses{.initial = std::chrono::milliseconds{500},
                                                        .maximum = std::chrono::milliseconds{30'000},
                                                        .jitter = config::jitter_kind::half};

/// Adds to a sum, and says whether that is to be told: whenever it has doubled.
[[nodiscard]] inline bool adds_tellably(std::uint64_t& sum, std::uint64_t count) noexcept {
  const auto before = sum;
  sum += count;
  return std::bit_width(before) != std::bit_width(sum);
}

}  // namespace duplexd
