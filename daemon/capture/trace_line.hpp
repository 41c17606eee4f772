#pragma once

#include <string>

#include "daemon/capture/capture.hpp"

namespace duplexd {

/// The most of a message that a trace shows, in bytes of the line.
inline constexpr std::size_t longest_trace = 4096;

/// What a capture has, as a line for people: `> text {"op":"subscribe"}` is what we sent, `<` what came.
[[nodiscard]] std::string trace_line(const capture_entry& entry);

}  // namespace duplexd
