#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "daemon/link/program_runner.hpp"

namespace duplexd {

/// Runs real programs: posix_spawn, pipes watched by the loop, a process group of their own.
/// SIGPIPE must be ignored: a program may end before it has read its input.
[[nodiscard]] std::unique_ptr<program_runner> make_program_runner(asio::any_io_executor loop);

}  // namespace duplexd
