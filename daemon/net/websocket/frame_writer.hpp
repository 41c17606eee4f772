#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "daemon/net/websocket/frame_header.hpp"
#include "daemon/net/websocket/permessage_deflate.hpp"
#include "daemon/runtime/byte_queue.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::net {

/// A masking key that nobody can predict (RFC 6455, 5.3 and 10.3): from OpenSSL's generator, taken from it
/// many at a time. Throws `std::runtime_error` if it has none.
[[nodiscard]] masking_key fresh_mask();

/// Writes what we send: whole frames, masked if we are a client, at the end of a queue. No I/O.
class frame_writer {
 public:
  explicit frame_writer(endpoint_role ours, std::unique_ptr<deflater> compression = {}) noexcept
      : role_(ours), compression_(std::move(compression)) {}

  void message(byte_queue& out, const protocol::frame_view& what);

  /// A ping or a pong, with at most 125 bytes of payload.
  void control(byte_queue& out, opcode code, std::span<const std::uint8_t> payload);

  /// As `make_close_frame()` has it.
  void close(byte_queue& out, std::uint16_t code, std::string_view text);

  /// Gives back memory that an idle link does not need.
  void shrink() noexcept {
    if (compression_) compression_->shrink();
  }

 private:
  void append(byte_queue& out, opcode code, std::span<const std::uint8_t> payload, bool compressed);

  endpoint_role role_;
  std::unique_ptr<deflater> compression_;
};

}  // namespace duplexd::net
