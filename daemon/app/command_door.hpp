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
#include "daemon/input/command_news.hpp"
#include "daemon/input/command_request.hpp"
#include "daemon/input/line_input.hpp"
#include "daemon/journal/command_book.hpp"
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
  /// While so many of stdin, or of a program, have not come to their end no more are read from there; so
  /// many of operators, all together, may be on their way.
  static constexpr std::size_t most_unfinished = 256;
  /// A command whose id came before is not sent again, if that was within this time and this many ids.
  static constexpr std::chrono::hours remembered{1};
  static constexpr std::size_t most_remembered = 65'536;

  /// Finds a session by its name, the only one by an empty name; null: there is none, or several.
  using finder = std::function<std::shared_ptr<session>(const std::string& name)>;

  command_door(const asio::any_io_executor& loop, clock& time, telemetry& log, finder find);

  /// Told about each change of a command that has entered.
  using listener = std::function<void(const std::string& session, const submission& what)>;
  void watch(listener told) { told_ = std::move(told); }

  /// Where durable commands are: their ids are known over restarts. It outlives this.
  void keep_in(command_book& book) { book_ = &book; }

  /// Gives a session the commands back that an earlier run of the daemon has left, and tells of those that
  /// have ended.
  void restore(session& to);

  /// Whether operators have fewer than `most_unfinished` commands that have not come to their end.
  [[nodiscard]] bool has_room() const noexcept { return operators_.unfinished < most_unfinished; }

  /// Enters a command of an operator at once; its id is made if it has none. False: a command with its id
  /// came before, and this one is not sent.
  bool enter(session& to, command_request& what, std::function<void(const submission&)> on_change = {}) {
    return enter(to, what, operators_, std::move(on_change));
  }

  /// Takes the lines of stdin until their end, and returns when all commands have come to theirs. May be
  /// cancelled.
  asio::awaitable<void> run(line_input& from);

  /// Takes what the program of an output says, until its end. May be cancelled.
  asio::awaitable<void> take_answers(std::string output, line_input& from);

  /// Takes a message of an output's broker, once its session has tried to connect; what is wrong with it is
  /// told as a refusal. One that comes again may be given back. May be cancelled: then it was not accepted.
  asio::awaitable<void> take_message(std::string output, line_input::line message, command_listener told);
  /// Bytes of a reply's values in what is told.
  static constexpr std::size_t most_data = std::size_t{64} << 10;

  /// What programs and brokers say from now on is not a command any more: the sessions have ended.
  void close_answers() noexcept { answers_closed_ = true; }

  /// Takes one line of stdin, once its session has tried to connect. May be cancelled.
  asio::awaitable<void> take(line_input::line line) { return take(std::move(line), stdin_); }

  /// Of stdin.
  [[nodiscard]] std::size_t unfinished() const noexcept { return stdin_.unfinished; }

 private:
  struct source {
    std::string output{};  ///< empty: stdin
    std::size_t unfinished = 0;
  };
  bool enter(session& to, command_request& what, source& from,
             std::function<void(const submission&)> on_change);
  /// Counts a command as unfinished for as long as it lives. A durable one has no end if its session is taken
  /// out of the configuration: nothing but the end of who would tell it shows that.
  [[nodiscard]] std::shared_ptr<void> count(source& of);
  asio::awaitable<void> take_all(line_input& lines, source& from);
  asio::awaitable<void> take(line_input::line line, source& from);
  /// The command and its session; null: `error` says what is wrong, or nothing if the line is empty.
  std::shared_ptr<session> read(const line_input::line& line, const source& from, command_request& out,
                                std::string& error);
  void tell_repeated(session& to, const command_request& what, const source& from,
                     const command_listener& told);
  void submit(std::uint64_t line, source& from, session& to, command_request what);
  void complain(std::uint64_t line, const source& from, std::string why, bool is_message = false);
  [[nodiscard]] bool is_repeated(const std::string& id);
  void forget_id(const std::string& id);
  /// A durable command: its id is known as long as the journal knows it.
  [[nodiscard]] bool is_durable(const session& to, const command_request& what) const;
  [[nodiscard]] bool is_kept(session& to, const command_request& what, const source& from);

  clock& time_;
  telemetry& log_;
  finder find_;
  listener told_;
  notifier finished_;
  source stdin_;
  source restored_;                         ///< commands of an earlier run
  command_book* book_ = nullptr;            ///< null: no command is durable
  source operators_;                        ///< their commands do not wait for each other
  std::map<std::string, source> programs_;  ///< by output
  bool answers_closed_ = false;
  std::uint64_t made_ids_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::map<std::string, clock::time_point> ids_;
  std::deque<std::map<std::string, clock::time_point>::iterator> id_order_;  ///< the oldest first
};

}  // namespace duplexd
