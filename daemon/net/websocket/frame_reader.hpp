#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/net/websocket/frame_header.hpp"
#include "daemon/net/websocket/permessage_deflate.hpp"
#include "daemon/runtime/byte_queue.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::net {

/// What the peer may send.
struct frame_limits {
  std::uint64_t message = 0;  ///< bytes of a message, decompressed
  std::uint64_t frame = 0;    ///< bytes of a frame's payload, as sent; 0: none of its own
};

/// The peer's close frame: its code, 1005 if there was none, and its reason.
struct peer_close {
  std::uint16_t code = 1005;
  std::string text;
};

/// Why the peer may not go on, and the close code that tells it.
struct frame_refusal {
  std::uint16_t code = 1002;
  std::string cause;
};

/// Reads what a peer sends: bytes go in, wherever they are cut, messages and control frames come out. No I/O.
/// A message of one frame is handed out where it lies; fragments are joined, and compressed ones unpacked, as
/// they come. Text is checked as it comes, too, but in a message of one uncompressed frame when that is
/// whole. Beside what lies in the queue it holds one message at most, within the limits.
class frame_reader {
 public:
  frame_reader(endpoint_role ours, frame_limits limits, std::unique_ptr<inflater> compression = {}) noexcept
      : role_(ours), limits_(limits), compression_(std::move(compression)) {}

  enum class event : std::uint8_t {
    dry,      ///< more bytes are needed
    message,  ///< a whole message, in `out`
    ping,     ///< a ping; its payload is in `out`
    closed,   ///< the peer's close frame: `closed()`; do not go on
    refused,  ///< RFC 6455, RFC 7692 or a limit forbids what came: `refusal()`; do not go on
  };

  /// Takes the bytes up to the next event from `in`; pongs are passed over. `out` is valid until the next
  /// call and until `in` is changed.
  [[nodiscard]] event next(byte_queue& in, protocol::frame_view& out);

  [[nodiscard]] const peer_close& closed() const noexcept { return closed_; }
  [[nodiscard]] const frame_refusal& refusal() const noexcept { return refusal_; }

  /// True if a message or a data frame has begun and has not come to its end.
  [[nodiscard]] bool in_middle() const noexcept { return in_message_ || in_frame_; }

  /// Gives back memory that an idle link does not need.
  void shrink() noexcept;

 private:
  using step = std::optional<event>;  ///< nothing: go on
  step begin_frame(byte_queue& in, protocol::frame_view& out);
  bool take_short(byte_queue& in, protocol::frame_view& out);
  step take_whole(byte_queue& in, const frame_header& header, protocol::frame_view& out);
  step take_control(byte_queue& in, const frame_header& header, protocol::frame_view& out);
  step begin_part(byte_queue& in, const frame_header& header);
  step read_part(byte_queue& in, protocol::frame_view& out);
  step join(std::span<const std::uint8_t> part, bool last);
  bool is_good_text(bool last) noexcept;
  event close(std::span<const std::uint8_t> payload);
  event refuse(std::uint16_t code, std::string cause);
  event refuse_text();
  event refuse_size(std::uint64_t size);

  endpoint_role role_;
  bool text_ = false;        ///< kind of the message being joined
  bool compressed_ = false;  ///< it is
  bool in_message_ = false;  ///< a fragmented message is open
  bool in_frame_ = false;    ///< a frame of the message being joined was begun and has not come whole
  bool taken_ = true;        ///< the message in `message_` was handed out
  masking_key mask_{};       ///< turned to the next byte of the frame's payload
  frame_limits limits_;
  std::unique_ptr<inflater> compression_;
  std::uint64_t frame_left_ = 0;       ///< bytes of the frame's payload that have not come
  std::vector<std::uint8_t> message_;  ///< room for the message being joined; may be larger than it
  std::size_t size_ = 0;               ///< bytes of it that are there
  std::size_t checked_ = 0;            ///< bytes of it that are whole characters
  peer_close closed_;
  frame_refusal refusal_;
};

}  // namespace duplexd::net
