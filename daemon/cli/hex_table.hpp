#pragma once

#include <string>

#include "protocol/text/frame.hpp"

namespace duplexd::cli {

/// Bytes for people, 16 a line: offset, hex digits, and the characters of ASCII among them.
[[nodiscard]] std::string hex_table(protocol::bytes_view bytes);

}  // namespace duplexd::cli
