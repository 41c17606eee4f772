#pragma once

#include <cstdint>
#include <string>

#include "protocol/codec/program.hpp"

namespace duplexd::protocol {

/// Why the end of a packet with this layout is not known from its bytes alone; empty if it is.
[[nodiscard]] std::string why_endless(const program& layout);

/// The same for a part of a layout: these instructions.
[[nodiscard]] std::string why_endless(const program& layout, std::int32_t begin, std::int32_t end);

}  // namespace duplexd::protocol
