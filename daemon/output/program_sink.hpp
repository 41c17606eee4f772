#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/output_settings.hpp"
#include "daemon/event/secret_index.hpp"
#include "daemon/link/backoff.hpp"
#include "daemon/link/token_bucket.hpp"
#include "daemon/output/output_context.hpp"
#include "daemon/output/record_sink.hpp"
#include "daemon/process/child_process.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// A program beside the daemon that gets records on its standard input and is started again when it ends.
/// What it says is logged, or taken as commands. SIGPIPE must be ignored.
class program_sink final : public record_sink {
 public:
  program_sink(const output_context& context, const config::output_settings& settings);

  /// A record is written when the pipe has taken all of it.
  asio::awaitable<progress> write(const record_batch& records) override;

  /// Starts the program, again and again, until it is cancelled or has been told to end.
  asio::awaitable<std::string> run();

  /// Closes its standard input, and suspends until it has ended: asked by SIGTERM after two thirds of the
  /// time that is left, killed at `until`. It is not started again. May be cancelled.
  asio::awaitable<void> finish(clock::time_point until);

  /// Kills it and what it has started.
  void kill() noexcept;

  /// Why it does not run, in words; empty: it does.
  [[nodiscard]] const std::string& failed() const noexcept { return failed_; }

  /// Bytes of a line that is logged; of a longer one nothing is.
  static constexpr std::size_t longest_line = 8'192;
  /// Bytes of a line that is a command.
  static constexpr std::size_t longest_command = std::size_t{1} << 20;
  /// So many lines are logged at once, then one each `line_spacing`.
  static constexpr unsigned line_burst = 100;
  static constexpr std::chrono::milliseconds line_spacing{100};
  /// A program that has run for so long has not failed to start.
  static constexpr std::chrono::seconds steady{10};
  /// How long what it has written is read after its end.
  static constexpr std::chrono::seconds last_words{1};

 private:
  using descriptor = asio::posix::stream_descriptor;

  /// What to start; empty: `error` says why there is nothing.
  struct command_line {
    std::vector<std::string> arguments{};
    std::map<std::string, std::string> environment{};
  };
  [[nodiscard]] command_line resolve(std::string& error);

  /// Why it ended.
  asio::awaitable<std::string> run_once();
  asio::awaitable<int> await_end(descriptor& end);
  asio::awaitable<int> log_lines(line_input& from);
  asio::awaitable<int> take_answers(line_input& from);
  asio::awaitable<int> note_steady();
  asio::awaitable<int> end_deaf_program();
  asio::awaitable<int> sleep(clock::duration time);
  asio::awaitable<void> await_gone(clock::time_point until);
  void log_line(std::string text);
  void tell_held_back();
  void close_input();

  output_context context_;
  config::output_settings settings_;
  secret_holder secrets_;
  backoff pauses_;
  token_bucket lines_{line_spacing, line_burst};
  std::size_t held_back_ = 0;  ///< lines that were not logged
  child_process* child_ = nullptr;
  descriptor input_;
  bool deaf_ = false;  ///< it closed its standard input
  bool ended_by_us_ = false;
  bool ended_ = false;  ///< for good
  bool closing_ = false;
  std::string failed_{};
  std::string room_;
  notifier changed_;
};

}  // namespace duplexd
