#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace duplexd::cli {

/// What a running daemon answered.
struct control_answer {
  unsigned status = 0;  ///< 0: nobody answered, `error` says why
  std::string body{};
  std::string error{};
};

/// What a follower does beside: while the answer goes on it calls `readable` whenever `handle` can be read.
struct follow_beside {
  int handle = -1;  ///< negative: nothing
  std::function<void()> readable;
  std::optional<std::chrono::steady_clock::time_point> until;  ///< when it ends
};

/// Asks a running daemon over its control socket (docs/operating.md). Blocks.
class control_client {
 public:
  explicit control_client(std::string socket) : socket_(std::move(socket)) {}

  /// `limit`: without an answer for so long it is given up.
  [[nodiscard]] control_answer ask(std::string_view method, const std::string& target,
                                   const std::string& body, std::chrono::seconds limit) const;

  /// The same for an answer that does not end: each piece of its body goes to `take`, until that says false.
  [[nodiscard]] control_answer follow(const std::string& target,
                                      const std::function<bool(std::string_view)>& take,
                                      follow_beside* beside = nullptr) const;

 private:
  std::string socket_;
};

/// Adds `--socket` with its default.
void add_socket_option(CLI::App& command, std::string& socket);

/// Prints the answer's body to stdout, or what is wrong to stderr. The exit code for it.
[[nodiscard]] int report(const control_answer& answer);

/// A text as a part of a URL.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace duplexd::cli
