#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace duplexd {

namespace asio = boost::asio;

/// Where events go. Used from the loop's thread. An output that breaks says so once, through `run()`.
class output {
 public:
  output() = default;
  output(const output&) = delete;
  output& operator=(const output&) = delete;
  virtual ~output() = default;

  /// Takes one whole line, newline included. Never blocks and never drops; whoever produces lines asks
  /// `wait_room()` between messages, so that memory stays bounded.
  virtual void append(std::string_view line) = 0;

  /// Whether `wait_room()` would return at once.
  [[nodiscard]] virtual bool has_room() const noexcept = 0;

  /// Suspends while too much is waiting to be written. May be cancelled.
  virtual asio::awaitable<void> wait_room() = 0;

  /// Writes what is appended, one write for all of a turn, until it is cancelled or the output breaks.
  /// Returns why it broke; empty when cancelled.
  virtual asio::awaitable<std::string> run() = 0;

  /// Suspends until everything appended was written or the output is broken. May be cancelled.
  virtual asio::awaitable<void> wait_written() = 0;
};

}  // namespace duplexd
