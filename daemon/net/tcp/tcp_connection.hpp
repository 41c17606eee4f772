#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "daemon/link/send_progress.hpp"
#include "daemon/net/tls/tls_engine.hpp"
#include "daemon/runtime/byte_queue.hpp"

namespace duplexd::net {

namespace asio = boost::asio;
using loop_executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, loop_executor>;
using loop_timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                              asio::wait_traits<std::chrono::steady_clock>, loop_executor>;

/// A TCP connection, with or without TLS, as two queues of plaintext: what came and what shall go. Nothing
/// here blocks and nothing throws on a network fault. All that is queued in one turn of the loop leaves at
/// its end with one `send`; what the kernel does not take follows by itself.
///
/// It lives in a `shared_ptr`, because handlers that the loop still holds must be able to see that it is
/// gone.
class tcp_connection : public std::enable_shared_from_this<tcp_connection> {
 public:
  using clock = std::chrono::steady_clock;
  using executor_type = loop_executor;

  /// Takes an open socket: makes it non-blocking, without delay, with keepalive.
  explicit tcp_connection(tcp_socket socket);

  [[nodiscard]] executor_type get_executor() noexcept { return socket_.get_executor(); }
  [[nodiscard]] tcp_socket& socket() noexcept { return socket_; }

  /// Runs the TLS handshake; false if it failed, `end_cause()` says why. If it is
  /// cancelled the connection is of no use any more.
  asio::awaitable<bool> start_tls(std::unique_ptr<tls_engine> engine);

  // --- what came

  /// Reads once from the socket if there may be something. True if plaintext was added.
  bool fill();
  [[nodiscard]] std::span<const std::uint8_t> received() const noexcept { return in_.view(); }
  /// The same bytes, for whoever takes them from the queue's front or corrects them in place.
  [[nodiscard]] byte_queue& incoming() noexcept { return in_; }
  void consume(std::size_t size) noexcept { in_.consume(size); }

  /// True if another `fill()` may bring something without waiting.
  [[nodiscard]] bool readable() const noexcept { return readable_ && !end_; }

  /// Suspends until the socket is readable or has failed. Returns early when cancelled.
  asio::awaitable<void> wait_readable();

  /// Why nothing more will come, once that is so; bytes received before may still be there.
  [[nodiscard]] const std::optional<std::string>& end_cause() const noexcept { return end_; }
  [[nodiscard]] bool has_tls() const noexcept { return tls_ != nullptr; }
  /// True if it was TLS that failed, not the connection under it.
  [[nodiscard]] bool tls_failed() const noexcept { return tls_ && !tls_->failure().empty(); }
  /// See `tls_engine`; false without TLS.
  [[nodiscard]] bool judges_us() const noexcept { return tls_ && tls_->judges_us(); }
  [[nodiscard]] clock::time_point last_heard() const noexcept { return last_heard_; }

  /// Gives back memory that an idle connection does not need.
  void shrink() noexcept;

  // --- what shall go

  /// Appended to by whoever writes; `schedule_flush()` after that.
  [[nodiscard]] byte_queue& cork() noexcept { return cork_; }
  void schedule_flush();
  void flush();
  /// For whoever calls `flush()` in a moment: until then none is scheduled.
  void hold_flush() noexcept { flush_scheduled_ = true; }
  /// What may wait until the kernel has taken what it was given: it then goes behind all that is queued.
  [[nodiscard]] byte_queue& deferred() noexcept { return deferred_; }
  [[nodiscard]] std::size_t unsent() const noexcept { return cork_.size() + out_.size() + deferred_.size(); }

  /// By what the peer's kernel has acknowledged: ours takes megabytes for a peer that reads nothing.
  [[nodiscard]] send_progress sending() noexcept;

  /// The kernel's smoothed estimate (tcp(7), TCP_INFO); nothing if it has none.
  [[nodiscard]] std::optional<std::chrono::microseconds> round_trip() noexcept;

  /// When the peer's certificate expires; nothing without TLS.
  [[nodiscard]] std::optional<std::chrono::sys_seconds> certificate_end() const {
    return tls_ ? tls_->certificate_end() : std::nullopt;
  }

  /// Suspends until nothing is unsent, sending fails, or `wake_sender()` is called; after a failure only
  /// until that. Returns early when cancelled.
  asio::awaitable<void> wait_sent();
  void wake_sender();
  [[nodiscard]] bool send_failed() const noexcept { return send_failed_; }

  /// Flush, TLS close_notify, FIN, wait for the peer's FIN, all within `limit`; then close. For the first
  /// `peers_turn` of it the peer may end the connection before us. If it is cancelled it closes at once.
  asio::awaitable<void> finish(std::chrono::milliseconds limit,
                               std::chrono::milliseconds peers_turn = std::chrono::milliseconds(0));

  /// Closes the socket at once: every wait ends, nothing more is read or sent.
  void abort() noexcept;

 private:
  void receive(std::span<const std::uint8_t> bytes);
  void end(std::string cause);
  bool refill_output();
  void fail_sending();
  asio::awaitable<void> drain(std::chrono::milliseconds peers_turn);
  asio::awaitable<void> wait_for_end();
  void end_our_side();

  tcp_socket socket_;
  loop_timer sent_;  ///< never expires: cancelled to wake `wait_sent()`
  std::unique_ptr<tls_engine> tls_;
  byte_queue in_;            ///< plaintext received
  byte_queue cork_;          ///< plaintext to send
  std::uint64_t given_ = 0;  ///< bytes, to the kernel
  byte_queue out_;           ///< what the kernel gets next; with TLS, ciphertext
  byte_queue deferred_;
  std::optional<std::string> end_;
  clock::time_point last_heard_ = clock::now();
  bool readable_ = true;
  bool flush_scheduled_ = false;
  bool waiting_writable_ = false;
  bool send_failed_ = false;
  bool our_side_ended_ = false;
};

}  // namespace duplexd::net
