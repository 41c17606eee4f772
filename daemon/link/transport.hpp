#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/link/fault.hpp"
#include "daemon/link/send_progress.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd {

namespace asio = boost::asio;

/// A close frame's content (RFC 6455, 5.5.1). Code 1005 means: none was given.
struct close_reason {
  std::uint16_t code = 1000;
  std::string text;  ///< UTF-8, at most 123 bytes
};

/// What the peer's close frame is, if the peer was the first to close.
[[nodiscard]] inline fault closed_by_server(const close_reason& said) {
  return {.kind = config::fault_class::closed,
          .cause = "the server closed the link with code " + std::to_string(said.code) +
                   (said.text.empty() ? "" : ", " + said.text),
          .close_code = said.code};
}

/// How a link ended: by the closing handshake, or by a fault. Exactly one of the two is set.
struct link_end {
  std::optional<close_reason> closed;  ///< the peer's close frame; of two sides closing, what the peer said
  std::optional<fault> failed;
};

/// One open WebSocket connection. Used from the loop's thread only. Reading and writing never throw on
/// network faults: they end the link, and `ended()` says why. One coroutine reads, anyone on the loop may
/// write.
///
/// The reader's loop:
///     while (!link.ended()) { co_await link.wait_readable(); while (link.next(frame)) handle(frame); }
///
/// The owner must have awaited whoever waits here before it destroys the transport.
class transport {
 public:
  using clock = std::chrono::steady_clock;

  transport() = default;
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;
  virtual ~transport() = default;

  /// Suspends until `next()` may have something or the link has ended. Returns early when cancelled, without
  /// harm to the stream.
  virtual asio::awaitable<void> wait_readable() = 0;

  /// The next whole message that is already here; false when dry. `out` is valid until the next call of
  /// `next()` or `wait_readable()`. Pings, pongs and the closing handshake are dealt with inside. Never
  /// blocks.
  virtual bool next(protocol::frame_view& out) = 0;

  /// After `next()` returned false: whether what comes next ends the link (a close frame, one that breaks the
  /// protocol, the end of the connection). It is taken note of, and answered, by the call of `next()` after
  /// that: until then what is put still leaves.
  [[nodiscard]] virtual bool end_is_next() const noexcept = 0;

  /// Queues one message. All that is put in one turn of the loop leaves at its end with one write, by itself.
  /// Ignored once the link has ended or `close()` was called.
  virtual void put(protocol::frame_view message) = 0;

  /// The same, but it need not wait for the turn's end: nothing follows before its answer.
  virtual void put_and_flush(protocol::frame_view message) { put(message); }

  /// Queues a ping.
  virtual void put_ping() = 0;

  /// Bytes queued that the kernel has not taken yet.
  [[nodiscard]] virtual std::size_t unsent() const noexcept = 0;

  /// Zeros if nothing is known of it.
  [[nodiscard]] virtual send_progress sending() const noexcept { return {}; }

  /// Suspends until `unsent()` is zero or the link has ended. Returns early when cancelled. One waiter at a
  /// time.
  virtual asio::awaitable<void> wait_sent() = 0;

  /// Queues the close frame. Messages still on their way can be read as before; the peer's close frame ends
  /// the link.
  virtual void close(const close_reason& reason) = 0;

  /// The subprotocol that the server chose; empty: none.
  [[nodiscard]] virtual std::string_view subprotocol() const noexcept { return {}; }

  /// The close frame that was sent, if one was: by `close()`, or by the link itself as an answer.
  [[nodiscard]] virtual std::optional<close_reason> close_sent() const { return std::nullopt; }

  /// Set once the link has ended and everything that came before the end was read.
  [[nodiscard]] virtual const std::optional<link_end>& ended() const noexcept = 0;

  /// When bytes of the peer were last read, pings and pongs included.
  [[nodiscard]] virtual clock::time_point last_heard() const noexcept = 0;

  /// The kernel's smoothed estimate of the round trip to the peer of the connection; nothing if unknown.
  [[nodiscard]] virtual std::optional<std::chrono::microseconds> round_trip() const noexcept {
    return std::nullopt;
  }

  /// When the server's certificate expires; nothing without TLS.
  [[nodiscard]] virtual std::optional<std::chrono::sys_seconds> certificate_end() const {
    return std::nullopt;
  }

  /// Sends what is queued, ends TLS and TCP in order and waits for the peer to do the same, no longer than
  /// `limit`; then the socket is closed. Call it last, with nobody waiting; safe after any end.
  virtual asio::awaitable<void> finish(std::chrono::milliseconds limit) = 0;
};

}  // namespace duplexd
