#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/link/fault.hpp"
#include "daemon/net/http/answer_reader.hpp"

namespace duplexd::net {

/// The fault that an answer stands for that was not wished for: its status, the first bytes of its body,
/// which need not be whole, where it wants us to go, when it wants us back.
[[nodiscard]] fault fault_of_answer(const answer_head& head, const std::string& body, std::time_t now);

/// Whether an answer without TLS begins as TLS's own: an alert.
[[nodiscard]] bool begins_like_tls(std::string_view begin) noexcept;

/// Retry-After (RFC 9110, 10.2.3): seconds, or a date. Nothing if it is neither; never negative.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                                         std::time_t now);

}  // namespace duplexd::net
