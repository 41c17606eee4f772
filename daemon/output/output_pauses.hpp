#pragma once

#include "config/settings/settings.hpp"

namespace duplexd {

/// How long an output that failed waits before it tries again.
inline constexpr config::backoff_settings output_pauses{.initial = std::chrono::milliseconds{500},
                                                        .maximum = std::chrono::milliseconds{30'000},
                                                        .jitter = config::jitter_kind::half};

}  // namespace duplexd
