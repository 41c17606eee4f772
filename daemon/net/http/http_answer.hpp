#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/link/fault.hpp"

namespace duplexd::net {

/// The fault that an HTTP answer other than 101 stands for: its status, the first bytes of its body, where it
/// wants us to go, when it wants us back. `bytes` is what was received, head first, the body perhaps not
/// whole. Nothing if the head is not whole or says 101.
[[nodiscard]] std::optional<fault> fault_of_answer(const std::string& bytes, std::time_t now);

/// The Location header of an answer; nothing if there is none or the head is not whole.
[[nodiscard]] std::optional<std::string> location_of(const std::string& bytes);

/// Retry-After (RFC 9110, 10.2.3): seconds, or a date. Nothing if it is neither; never negative.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                                         std::time_t now);

}  // namespace duplexd::net
