#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <variant>

#include "daemon/link/fault.hpp"
#include "daemon/link/server_request.hpp"

namespace duplexd {

namespace asio = boost::asio;

/// A connection that is only sent to. What the peer says is read and forgotten.
class sending_stream {
 public:
  sending_stream() = default;
  sending_stream(const sending_stream&) = delete;
  sending_stream& operator=(const sending_stream&) = delete;
  /// Closes it at once.
  virtual ~sending_stream() = default;

  /// Why the connection ended, as far as that is known; empty: it is open.
  [[nodiscard]] virtual std::string end_cause() const = 0;

  /// Sends the bytes and suspends until the peer's system has acknowledged all of them, but no longer than
  /// `limit`. Returns why it has not; empty: it has. May be cancelled. After a failure or a cancellation the
  /// connection is of no use. One call at a time.
  virtual asio::awaitable<std::string> send(std::string bytes, std::chrono::milliseconds limit) = 0;
};

using stream_result = std::variant<std::unique_ptr<sending_stream>, fault>;

/// Opens such connections. One for the whole daemon, used from the loop's thread.
class stream_dialer {
 public:
  stream_dialer() = default;
  stream_dialer(const stream_dialer&) = delete;
  stream_dialer& operator=(const stream_dialer&) = delete;
  virtual ~stream_dialer() = default;

  /// Connects to `to.address`, with TLS if that is secure. Faults: `resolve`, `connect`, `tls`. Does not
  /// throw. Cancelled, it comes back early with whatever fault comes of it: the caller asks `cancelled()`.
  virtual asio::awaitable<stream_result> open(server_request to) = 0;
};

}  // namespace duplexd
