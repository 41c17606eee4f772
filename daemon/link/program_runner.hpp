#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace duplexd {

namespace asio = boost::asio;

/// A program to run: no shell, the daemon's working directory, a small environment (PATH, HOME, LANG …).
struct program_request {
  std::vector<std::string> arguments{};              ///< the program's path or name, and what it is given
  std::map<std::string, std::string> environment{};  ///< what is added to its environment, by name
  std::string input{};                               ///< on its standard input, which is closed then
  std::chrono::milliseconds timeout{30'000};
  std::size_t largest_output = std::size_t{1} << 20;  ///< bytes; more is a failure
};

/// What it wrote on its standard output, or why there is nothing: it could not be started, took too long,
/// wrote too much, or ended with another code than 0 (with the last line of its standard error).
struct program_failure {
  std::string why;
};
using program_result = std::variant<std::string, program_failure>;

/// Runs programs beside the loop. Used from the loop's thread.
class program_runner {
 public:
  program_runner() = default;
  program_runner(const program_runner&) = delete;
  program_runner& operator=(const program_runner&) = delete;
  virtual ~program_runner() = default;

  /// When cancelled the program and its children are killed; the result is then a failure. What cannot be
  /// killed (it became another user's) is left alone after a second or two, and the failure says so.
  virtual asio::awaitable<program_result> run(program_request what) = 0;
};

}  // namespace duplexd
