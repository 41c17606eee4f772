#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/codec/program.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// Decompresses all of `from` into `out`, at most `ceiling` bytes, or takes the bytes out of hex digits or
/// base64. Returns what is wrong, or an empty text. Bytes after the compressed stream are an error.
[[nodiscard]] std::string decompress(transform_kind kind, bytes_view from, std::size_t ceiling,
                                     std::vector<std::uint8_t>& out);

/// Appends the compressed form of `from` to `out`, or its digits.
[[nodiscard]] bool compress(transform_kind kind, bytes_view from, std::vector<std::uint8_t>& out);

}  // namespace duplexd::protocol
