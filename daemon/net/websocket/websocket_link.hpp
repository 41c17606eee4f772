#pragma once

#include <boost/beast/websocket/stream.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/link/transport.hpp"
#include "daemon/net/tcp/tcp_connection.hpp"
#include "daemon/net/websocket/connection_stream.hpp"
#include "daemon/net/websocket/frame_header.hpp"
#include "daemon/net/websocket/frame_writer.hpp"
#include "daemon/net/websocket/permessage_deflate.hpp"

namespace duplexd::net {

/// The one WebSocket type: over our own layer, and without Beast's permessage-deflate (see docs/traps.md).
using websocket_stream = boost::beast::websocket::stream<connection_stream, false>;

/// What the peer may send.
struct frame_limits {
  std::uint64_t message = 0;  ///< bytes of a message, decompressed
  std::uint64_t frame = 0;    ///< bytes of a frame's payload, as sent; 0: none of its own
};

/// permessage-deflate of one link.
struct link_compression {
  inflater in;
  deflater out;
};

/// A WebSocket connection of either role. A message of one frame is handed out where it lies; what is in
/// fragments Beast reads, joins and checks. We look at each frame's header first, because Beast may only be
/// asked to read what is there. Control frames never reach it: they are whole in the buffer, and the closing
/// handshake is ours. Compressed messages do not reach it either. What we send are whole frames, masked
/// straight into the connection's queue.
class websocket_link final : public transport {
 public:
  /// Takes a stream whose handshake is done. Compression is a client's only.
  websocket_link(std::shared_ptr<tcp_connection> connection, std::unique_ptr<websocket_stream> stream,
                 endpoint_role role, frame_limits limits, std::unique_ptr<link_compression> compression = {});

  asio::awaitable<void> wait_readable() override;
  bool next(protocol::frame_view& out) override;
  [[nodiscard]] bool end_is_next() const noexcept override { return end_ && !ended_; }
  void put(protocol::frame_view message) override;
  void put_and_flush(protocol::frame_view message) override;
  void put_ping() override;
  [[nodiscard]] std::size_t unsent() const noexcept override;
  [[nodiscard]] send_progress sending() const noexcept override { return connection_->sending(); }
  asio::awaitable<void> wait_sent() override;
  void close(const close_reason& reason) override;
  [[nodiscard]] const std::optional<link_end>& ended() const noexcept override { return ended_; }
  [[nodiscard]] clock::time_point last_heard() const noexcept override;
  asio::awaitable<void> finish(std::chrono::milliseconds limit) override;

 private:
  enum class step : std::uint8_t { go_on, message, dry, ended };
  step advance(protocol::frame_view& out);
  step begin_frame(protocol::frame_view& out);
  bool take_short(protocol::frame_view& out);
  step take_whole(const frame_header& header, protocol::frame_view& out);
  step begin_fragment(const frame_header& header);
  step read_fragment(protocol::frame_view& out);
  step begin_compressed(const frame_header& header);
  step read_compressed(protocol::frame_view& out);
  step fail_size(std::uint64_t size);
  step take_control(const frame_header& header);
  step take_close(std::span<const std::uint8_t> payload);
  step fail(std::uint16_t code, const std::string& cause);
  void answer_ping(std::span<const std::uint8_t> payload);
  [[nodiscard]] std::optional<masking_key> next_mask() const;
  void send(opcode code, std::span<const std::uint8_t> payload, bool compressed = false);
  void send_close(std::uint16_t code, std::string_view text);
  void end_lost();
  void set_ended(link_end end);
  [[nodiscard]] bool may_write() const noexcept {
    return !ended_ && !close_sent_ && !connection_->send_failed();
  }

  std::shared_ptr<tcp_connection> connection_;
  std::unique_ptr<websocket_stream> stream_;
  endpoint_role role_;
  frame_limits limits_;
  std::unique_ptr<link_compression> compression_;

  std::vector<std::uint8_t> message_;  ///< room for the message being joined; may be larger than it
  std::size_t size_ = 0;               ///< bytes of it that are there
  bool text_ = false;                  ///< its kind
  bool in_message_ = false;            ///< a fragmented message is open
  std::optional<opcode> empty_start_;  ///< its first frame was empty and kept from Beast
  bool compressed_ = false;            ///< the message, if one is open, is
  bool in_frame_ = false;         ///< a fragment was begun (released to Beast) and has not come out whole
  std::size_t header_left_ = 0;   ///< bytes of its header that Beast has not taken
  std::uint64_t frame_left_ = 0;  ///< bytes of its payload that have not come out
  bool taken_ = true;             ///< the message in `message_` was handed out
  bool may_have_ = true;          ///< `next()` has not been dry since bytes came
  bool close_sent_ = false;
  std::function<void()> end_;  ///< set when the end is all that is left to read: takes note of it
  std::optional<link_end> ended_;
};

}  // namespace duplexd::net
