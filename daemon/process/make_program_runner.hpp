#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "daemon/link/program_runner.hpp"

namespace duplexd {

/// The daemon's programs.
class program_keeper : public program_runner {
 public:
  /// Takes the status of programs that were given up because they could not be killed and that have ended
  /// since: until then they are zombies. To be called now and then.
  virtual void reap() = 0;
};

/// Runs real programs: posix_spawn, pipes watched by the loop, a process group of their own.
/// SIGPIPE must be ignored: a program may end before it has read its input.
[[nodiscard]] std::unique_ptr<program_keeper> make_program_runner(asio::any_io_executor loop);

}  // namespace duplexd
