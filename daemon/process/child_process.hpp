#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace duplexd {

/// A program that was started with pipes for its standard streams and no other descriptor, in a process group
/// of its own. Nothing here waits for it: it may have become another user's, and then no signal reaches it.
class child_process {
 public:
  /// Starts `arguments[0]`, looked up in PATH, with this environment (NAME=value). On failure `error` says
  /// why and `started()` is false.
  child_process(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                std::string& error);
  /// Kills it if it runs.
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

  /// Signals the program, whatever group it is in, and its group. Returns 0 or the errno that the program
  /// itself was not reached with.
  int signal(int number) noexcept;

  /// Its exit status as waitpid gives it, or nothing if it still runs. `started()` is false afterwards.
  std::optional<int> status() noexcept;

  /// Lets it run. Whoever calls this asks waitpid for it now and then, for it stays a zombie until then.
  pid_t let_go() noexcept;

 private:
  static int take(int& descriptor) noexcept;
  void end_at_once() noexcept;

  pid_t pid_ = -1;
  int process_ = -1;  ///< the process itself: its number may be another's one day
  int input_ = -1;
  int output_ = -1;
  int errors_ = -1;
  int end_ = -1;
};

}  // namespace duplexd
