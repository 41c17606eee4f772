#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace duplexd {

namespace asio = boost::asio;

/// Lines from an inherited descriptor (stdin): a file, pipe, terminal or socket. Never blocks the loop, and
/// never makes the descriptor non-blocking for others who have it: a pipe or terminal is reopened through
/// /proc, a socket is read with MSG_DONTWAIT, a file does not block.
class line_input {
 public:
  /// Lines of more than `longest` bytes are left out, whatever their length.
  line_input(const asio::any_io_executor& loop, int inherited, std::size_t longest);
  ~line_input();
  line_input(const line_input&) = delete;
  line_input& operator=(const line_input&) = delete;

  struct line {
    std::uint64_t number = 0;  ///< from 1
    std::string text{};        ///< without its newline
    bool too_long = false;     ///< then there is no text
  };
  /// The next line; what follows the last newline counts as one. Empty: that was the last, or the caller was
  /// cancelled. One caller at a time.
  asio::awaitable<std::optional<line>> next();

  /// Why it ended before its end, in words; empty: it did not.
  [[nodiscard]] const std::string& failed() const noexcept { return failed_; }

 private:
  enum class kind : std::uint8_t { file, socket, reopened, shared };
  enum class got : std::uint8_t { bytes, nothing_yet, end };
  [[nodiscard]] got read_some();
  [[nodiscard]] std::optional<line> take_line();

  std::size_t longest_;
  kind kind_ = kind::file;
  int handle_ = -1;
  /// An epoll set with the handle: waiting for the handle itself would make it non-blocking for all.
  asio::posix::stream_descriptor readable_;
  std::string read_;  ///< of which the first `taken_` bytes were given
  std::size_t taken_ = 0;
  std::size_t searched_ = 0;  ///< no newline before
  bool skipping_ = false;     ///< the rest of a line that is too long
  bool ended_ = false;
  unsigned reads_ = 0;
  std::uint64_t number_ = 0;
  std::string failed_;
};

}  // namespace duplexd
