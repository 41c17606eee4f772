#pragma once

#include <algorithm>
#include <boost/asio/append.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "daemon/net/tcp/tcp_connection.hpp"

namespace duplexd::net {

/// What Beast sees of a connection. Two ways of use, one after the other:
/// - the handshake. A server's is asynchronous, bytes handed over up to the end of the HTTP head and not one
///   more, so that Beast keeps nothing of the frames behind it. A client's, which Beast has with us, is
///   synchronous and stays here.
/// - frames: synchronous. Reads are answered from what the gate has released; Beast is only called when that
///   is enough for it, because an error of any kind fails its stream for good. Writes go into the cork.
class connection_stream {
 public:
  using executor_type = loop_executor;
  using error_code = boost::system::error_code;

  explicit connection_stream(std::shared_ptr<tcp_connection> target) : connection_(std::move(target)) {}

  [[nodiscard]] executor_type get_executor() noexcept { return connection_->get_executor(); }
  [[nodiscard]] tcp_connection& base() noexcept { return *connection_; }

  /// The answer to what Beast writes next comes from here, not from the peer.
  using responder = std::string (*)(const std::string& request);
  void answer_with(responder answer) noexcept { answer_ = answer; }

  /// The handshake is over: from now on only released bytes are read.
  void start_frames() {
    answer_ = nullptr;
    std::string().swap(head_);
  }

  /// The gate: lets the next `size` bytes through.
  void release(std::size_t size) noexcept { released_ = size; }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) {
    error = {};
    if (answer_ != nullptr) return asio::buffer_copy(buffers, asio::buffer(answer_(head_)));
    const std::size_t size = std::min(released_, connection_->received().size());
    if (size == 0) error = asio::error::would_block;  // the gate has miscounted
    const std::size_t copied = asio::buffer_copy(buffers, asio::buffer(connection_->received().data(), size));
    connection_->consume(copied);
    released_ -= copied;
    return copied;
  }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    return or_throw([&](error_code& error) { return read_some(buffers, error); });
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& error) {
    error = {};
    std::size_t size = 0;
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const asio::const_buffer piece(*at);
      if (answer_ != nullptr)
        head_.append(static_cast<const char*>(piece.data()), piece.size());
      else
        connection_->cork().append(piece.data(), piece.size());
      size += piece.size();
    }
    if (answer_ == nullptr) connection_->schedule_flush();
    return size;
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    return or_throw([&](error_code& error) { return write_some(buffers, error); });
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(error_code, std::size_t)>(
        read_step<Buffers>{this, buffers, 0, {}, false}, token, connection_->socket());
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(error_code, std::size_t)>(
        [this, buffers, size = std::size_t(0), posted = false](auto& self) mutable {
          error_code error;
          if (posted) return self.complete(error, size);
          posted = true;
          size = write_some(buffers, error);
          asio::post(connection_->get_executor(), std::move(self));
        },
        token, connection_->socket());
  }

 private:
  /// Waits for bytes of the head, then completes through the loop.
  template <class Buffers>
  struct read_step {
    connection_stream* stream;
    Buffers buffers;
    std::size_t size;
    error_code result;
    bool done;

    template <class Self>
    void operator()(Self& self, const error_code& = {}) {
      if (done) return self.complete(result, size);
      tcp_connection& from = *stream->connection_;
      if (from.received().empty()) from.fill();
      if (from.received().empty() && !from.end_cause()) {
        from.note_readable();
        from.shrink();
        return from.socket().async_wait(tcp_socket::wait_read, std::move(self));
      }
      done = true;
      size = stream->take_head(buffers);
      if (size == 0) result = asio::error::eof;
      asio::post(from.get_executor(), std::move(self));
    }
  };

  template <class Buffers>
  std::size_t take_head(const Buffers& buffers) {
    const auto there = connection_->received();
    const asio::const_buffer allowed(there.data(), head_part(there.size()));
    const std::size_t copied = asio::buffer_copy(buffers, allowed);
    head_.append(reinterpret_cast<const char*>(there.data()), copied);
    connection_->consume(copied);
    return copied;
  }

  /// How many of the next `available` bytes belong to the head.
  std::size_t head_part(std::size_t available) {
    const char* next = reinterpret_cast<const char*>(connection_->received().data());
    const std::size_t old = head_.size();
    if (head_.ends_with("\r\n\r\n")) return 0;
    // The end may stand across the border: at most three of its bytes were taken already.
    const std::size_t tail = std::min<std::size_t>(old, 3);
    std::string window = head_.substr(old - tail);
    window.append(next, available);
    const auto end = window.find("\r\n\r\n");
    return end == std::string::npos ? available : end + 4 - tail;
  }

  template <class Call>
  static std::size_t or_throw(Call call) {
    error_code error;
    const std::size_t size = call(error);
    if (error) throw boost::system::system_error(error);
    return size;
  }

  std::shared_ptr<tcp_connection> connection_;
  std::string head_;
  std::size_t released_ = 0;
  responder answer_ = nullptr;
};

/// Beast calls these when it fails a stream. The close frame that it wrote is still in the cork then: ending
/// TLS and TCP is `tcp_connection::finish()`'s, later and under a deadline.
inline void teardown(boost::beast::role_type /*role*/, connection_stream& /*stream*/,
                     boost::system::error_code& error) {
  error = {};
}

template <class Handler>
void async_teardown(boost::beast::role_type /*role*/, connection_stream& stream, Handler&& handler) {
  asio::post(stream.get_executor(),
             boost::asio::append(std::forward<Handler>(handler), boost::system::error_code{}));
}

inline void beast_close_socket(connection_stream& stream) {
  stream.base().abort();
}

}  // namespace duplexd::net
