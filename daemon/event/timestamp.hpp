#pragma once

#include <chrono>
#include <string>

namespace duplexd {

/// RFC 3339 in UTC with microseconds: "2026-11-21T02:11:55.123456Z", always 27 characters.
[[nodiscard]] std::string timestamp(std::chrono::system_clock::time_point when);

}  // namespace duplexd
