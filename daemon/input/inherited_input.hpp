#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <span>
#include <string>

namespace duplexd {

namespace asio = boost::asio;

/// Bytes from an inherited descriptor (stdin): a file, pipe, terminal or socket. Never blocks the loop, and
/// never makes the descriptor non-blocking for others who have it: a pipe or terminal is reopened through
/// /proc, a socket is read with MSG_DONTWAIT, a file does not block.
class inherited_input {
 public:
  inherited_input(const asio::any_io_executor& loop, int inherited);
  ~inherited_input();
  inherited_input(const inherited_input&) = delete;
  inherited_input& operator=(const inherited_input&) = delete;

  enum class got : std::uint8_t { bytes, nothing_yet, end };

  /// Reads what there is, up to the size of `room`; `count` is how much that was.
  [[nodiscard]] got read(std::span<std::uint8_t> room, std::size_t& count);

  /// Suspends until there may be more. After some reads: lets others have the loop. May be cancelled.
  asio::awaitable<void> wait();
  asio::awaitable<void> leave_turn();

  /// Why it ended before its end, in words; empty: it did not.
  [[nodiscard]] const std::string& failed() const noexcept { return failed_; }

 private:
  enum class kind : std::uint8_t { file, socket, reopened, shared };

  kind kind_ = kind::file;
  int handle_ = -1;
  /// An epoll set with the handle: waiting for the handle itself would make it non-blocking for all.
  asio::posix::stream_descriptor readable_;
  unsigned reads_ = 0;
  std::string failed_;
};

}  // namespace duplexd
