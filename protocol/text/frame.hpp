#pragma once

#include <cstdint>
#include <span>

namespace duplexd::protocol {

/// Bytes that somebody else owns.
using bytes_view = std::span<const std::uint8_t>;

/// The two kinds of WebSocket data message (RFC 6455, 5.6).
enum class frame_kind : std::uint8_t { text, binary };

/// One whole WebSocket message. Its bytes belong to whoever made the view.
struct frame_view {
  frame_kind kind = frame_kind::binary;
  bytes_view bytes;
  bool confidential = false;  ///< made from secrets: whoever records leaves them out
};

}  // namespace duplexd::protocol
