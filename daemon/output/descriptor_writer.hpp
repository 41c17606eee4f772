#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <string_view>

namespace duplexd {

namespace asio = boost::asio;

/// Writes to an inherited descriptor (stdout) without ever blocking the loop and without making it
/// non-blocking for the other processes that share it: a pipe or terminal is opened anew through /proc, a
/// socket is written with MSG_DONTWAIT, a file does not block.
class descriptor_writer {
 public:
  descriptor_writer(const asio::any_io_executor& loop, int inherited);

  /// Writes what fits now. Returns the number of bytes, 0 if none fit, or -1 with errno set.
  [[nodiscard]] std::int64_t write_some(std::string_view data) const;

  /// Suspends until more may fit. Returns false when cancelled.
  asio::awaitable<bool> wait_writable();

  /// Suspends until a pipe's last reader is gone. Returns false when cancelled; for anything but a pipe it
  /// only waits to be cancelled.
  asio::awaitable<bool> wait_reader_gone();

 private:
  enum class kind : std::uint8_t { file, socket, reopened, shared_pipe };
  [[nodiscard]] bool writable_now() const;

  kind kind_ = kind::file;
  bool pipe_ = false;
  asio::posix::stream_descriptor descriptor_;
};

}  // namespace duplexd
