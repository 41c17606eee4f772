#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/link/program_runner.hpp"

namespace duplexd {

/// Bytes from outside, in order. Nothing is read that was not asked for. Used from the loop's thread.
class byte_source {
 public:
  byte_source() = default;
  byte_source(const byte_source&) = delete;
  byte_source& operator=(const byte_source&) = delete;
  virtual ~byte_source() = default;

  /// Fills `out` with the next `size` bytes, or with fewer if the end comes first or the caller is cancelled.
  /// Returns why they cannot be read, or why what they come from failed; empty if all is well. Not to be
  /// called again after an error.
  virtual asio::awaitable<std::string> read(std::vector<std::uint8_t>& out, std::size_t size) = 0;

  /// Ends what the bytes come from. To be called before the end of its life; goes on when cancelled.
  virtual asio::awaitable<void> close() { co_return; }
};

/// Opens sources. What is wrong with one is told when it is read.
class byte_sources {
 public:
  byte_sources() = default;
  byte_sources(const byte_sources&) = delete;
  byte_sources& operator=(const byte_sources&) = delete;
  virtual ~byte_sources() = default;

  /// A regular file, read beside the loop.
  virtual std::unique_ptr<byte_source> file(std::string path) = 0;

  /// What a program writes to its standard output. Its timeout and its bound do not count.
  virtual std::unique_ptr<byte_source> program(program_request what) = 0;

  /// The daemon's own standard input, which one can have at a time.
  virtual std::unique_ptr<byte_source> standard_input() = 0;
};

}  // namespace duplexd
