#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "daemon/net/websocket/frame_header.hpp"
#include "daemon/runtime/byte_queue.hpp"

namespace duplexd::net {

using masking_key = std::array<std::uint8_t, 4>;

/// A masking key that nobody can predict (RFC 6455, 5.3 and 10.3): from OpenSSL's generator, taken from it
/// many at a time. Throws `std::runtime_error` if it has none.
[[nodiscard]] masking_key fresh_mask();

/// Appends one whole frame with FIN set, masked if there is a key (RFC 6455, 5.2), and with RSV1 if
/// `compressed` (RFC 7692, 6). A control frame's payload has at most 125 bytes.
void append_frame(byte_queue& out, opcode code, std::span<const std::uint8_t> payload,
                  const std::optional<masking_key>& mask, bool compressed = false);

}  // namespace duplexd::net
