#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "daemon/link/byte_source.hpp"

namespace duplexd {

/// What a program writes to its standard output. Its standard input is empty. It is started by the first
/// read; its end is told once it has ended, and one with another code than 0 is an error.
[[nodiscard]] std::unique_ptr<byte_source> make_program_source(asio::any_io_executor loop,
                                                               program_request what);

}  // namespace duplexd
