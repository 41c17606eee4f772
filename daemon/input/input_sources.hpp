#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "daemon/link/byte_source.hpp"

namespace duplexd {

/// A regular file, read on a thread beside the loop.
[[nodiscard]] std::unique_ptr<byte_source> make_file_source(asio::any_io_executor loop, std::string path);

/// An inherited descriptor (stdin). What was read of it is gone for who reads it later. `lease` lives as long
/// as the source.
[[nodiscard]] std::unique_ptr<byte_source> make_inherited_source(const asio::any_io_executor& loop,
                                                                 int inherited, std::shared_ptr<void> lease);

}  // namespace duplexd
