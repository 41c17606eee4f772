#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec/program.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::protocol {

/// The checksum of `bytes`, with one more byte after them if `extra` is given. Names and parameters as in the
/// RevEng catalogue of CRC algorithms; sum8 and xor8 fold the bytes.
[[nodiscard]] std::uint32_t checksum(checksum_kind kind, bytes_view bytes, std::optional<std::uint8_t> extra);

[[nodiscard]] std::optional<checksum_kind> checksum_from(std::string_view name);
[[nodiscard]] unsigned checksum_width(checksum_kind kind) noexcept;  ///< bytes
[[nodiscard]] const std::vector<std::string>& checksum_names();

}  // namespace duplexd::protocol
