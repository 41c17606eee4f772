#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace duplexd {

/// A program that was started with pipes for its standard streams, in a process group of its own. Whoever
/// destroys it while it runs kills the group.
class child_process {
 public:
  /// Starts `arguments[0]`, looked up in PATH. On failure `error` says why and `started()` is false.
  child_process(const std::vector<std::string>& arguments, std::string& error);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  [[nodiscard]] bool started() const noexcept { return pid_ > 0; }

  /// Our ends of its streams, non-blocking, and a descriptor that is readable once it has ended. Each is
  /// given away once: the caller closes it.
  int take_input() noexcept { return take(input_); }
  int take_output() noexcept { return take(output_); }
  int take_errors() noexcept { return take(errors_); }
  int take_end() noexcept { return take(end_); }

  /// Kills the program and what it started.
  void kill() noexcept;

  /// Its exit status as waitpid gives it. Blocks: call it when it has ended or was killed.
  int wait() noexcept;

 private:
  static int take(int& descriptor) noexcept;

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  int errors_ = -1;
  int end_ = -1;
};

}  // namespace duplexd
