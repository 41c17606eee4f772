#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/link/frames.hpp"

namespace bench {

/// The server's side of one TLS connection, blocking. Closes its socket.
class connection {
 public:
  connection(int socket, SSL_CTX* context);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// The TLS handshake.
  bool accept();

  /// Reads up to the end of an HTTP head and returns it; empty if the peer went away.
  std::string read_head();

  /// The next frame; empty if the peer went away or said nothing for long. Its bytes live until the next
  /// call.
  std::optional<frame> read_frame();

  /// Makes TLS records of `bytes`; they leave with the next `flush()`, or once enough are waiting.
  bool write(std::string_view bytes);
  bool flush();

  /// Answers pings and waits for the peer's close frame or its going away.
  void await_close();

  /// Answers a ping or a close frame. False after a close frame.
  bool answer(const frame& control);

  [[nodiscard]] int socket() const noexcept { return socket_; }

  /// False if there is nothing left to read without waiting for the peer.
  [[nodiscard]] bool has_buffered() const noexcept { return SSL_has_pending(ssl_) == 1 || begin_ != end_; }

 private:
  bool read_more();

  int socket_;
  SSL* ssl_;
  std::vector<std::uint8_t> in_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace bench
