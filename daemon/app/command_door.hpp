#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "daemon/event/events.hpp"
#include "daemon/input/command_request.hpp"
#include "daemon/input/line_input.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"
#include "daemon/session/session.hpp"

namespace duplexd {

/// Commands from outside, as lines of JSON (docs/commands.md), on their way to their sessions. The end of
/// each is an event of its session.
class command_door {
 public:
  /// Bytes of a line.
  static constexpr std::size_t longest_line = 1u << 20;
  /// While so many have not come to their end no more are read.
  static constexpr std::size_t most_unfinished = 256;
  /// A command whose id came before is not sent again, if that was within this time and this many ids.
  static constexpr std::chrono::hours remembered{1};
  static constexpr std::size_t most_remembered = 65'536;

  /// Finds a session by its name, the only one by an empty name; null: there is none, or several.
  using finder = std::function<session*(const std::string& name)>;

  command_door(const asio::any_io_executor& loop, clock& time, telemetry& log, finder find);

  /// Takes lines until their end, and returns when all commands have come to theirs. May be cancelled.
  asio::awaitable<void> run(line_input& from);

  /// Takes one line, once its session has tried to connect. May be cancelled.
  asio::awaitable<void> take(line_input::line line);

  [[nodiscard]] std::size_t unfinished() const noexcept { return unfinished_; }

 private:
  /// The command and its session; null after a complaint, or if there is nothing in the line.
  [[nodiscard]] session* read(const line_input::line& line, command_request& out);
  void submit(std::uint64_t line, session& to, command_request what);
  void complain(std::uint64_t line, std::string why);
  [[nodiscard]] bool is_repeated(const std::string& id);

  clock& time_;
  telemetry& log_;
  finder find_;
  notifier finished_;
  std::size_t unfinished_ = 0;
  std::uint64_t made_ids_ = 0;
  std::map<std::string, clock::time_point> ids_;
  std::deque<std::map<std::string, clock::time_point>::iterator> id_order_;  ///< the oldest first
};

}  // namespace duplexd
