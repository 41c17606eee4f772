#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace duplexd::net::test {

/// A program that runs beside the test, killed at the end of the scope.
class child_process {
 public:
  /// Throws if it cannot be started. Its stdout is read here, its stderr is dropped.
  explicit child_process(const std::vector<std::string>& command);
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// The next line of its stdout; throws if it ends or says nothing for ten seconds.
  [[nodiscard]] std::string line();

 private:
  pid_t id_ = -1;
  int output_ = -1;
  std::string read_;
};

/// The number behind the last `before` in a text.
[[nodiscard]] std::uint16_t number_after(const std::string& text, const std::string& before);

/// Waits until something listens on a port of the loopback; throws after ten seconds.
void wait_for_port(std::uint16_t port);

/// A port of the loopback that is free now.
[[nodiscard]] std::uint16_t free_port();

}  // namespace duplexd::net::test
