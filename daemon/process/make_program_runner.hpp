#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "daemon/link/program_runner.hpp"

namespace duplexd {

/// Runs real programs: posix_spawn, pipes watched by the loop, a process group of their own.
[[nodiscard]] std::unique_ptr<program_runner> make_program_runner(asio::any_io_executor loop);

}  // namespace duplexd
