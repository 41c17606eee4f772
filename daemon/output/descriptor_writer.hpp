#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "daemon/output/inherited_descriptor.hpp"

namespace duplexd {

namespace asio = boost::asio;

/// An inherited descriptor of a loop.
class descriptor_writer {
 public:
  descriptor_writer(const asio::any_io_executor& loop, int inherited);
  ~descriptor_writer();
  descriptor_writer(const descriptor_writer&) = delete;
  descriptor_writer& operator=(const descriptor_writer&) = delete;

  /// See there.
  [[nodiscard]] std::int64_t write_some(std::string_view data) { return inherited_.write_some(data); }
  [[nodiscard]] bool is_file() const noexcept { return inherited_.is_file(); }
  [[nodiscard]] int held_up() const noexcept { return inherited_.held_up(); }

  /// How often a full disk is tried again: it says nothing when it has room.
  static constexpr std::chrono::milliseconds retry{500};

  /// Suspends until more may fit. Returns false when cancelled.
  asio::awaitable<bool> wait_writable();

  /// Suspends until a pipe's last reader is gone. Returns false when cancelled; for anything but a pipe it
  /// only waits to be cancelled.
  asio::awaitable<bool> wait_reader_gone();

 private:
  inherited_descriptor inherited_;
  asio::posix::stream_descriptor descriptor_;  ///< the same, without owning it
};

}  // namespace duplexd
