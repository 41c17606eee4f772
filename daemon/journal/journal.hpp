#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/event/events.hpp"
#include "daemon/event/safe_keeping.hpp"
#include "daemon/journal/journal_file.hpp"
#include "daemon/journal/journal_plan.hpp"
#include "daemon/journal/journal_row.hpp"
#include "daemon/link/backoff.hpp"
#include "daemon/runtime/clock.hpp"
#include "daemon/runtime/notifier.hpp"
#include "daemon/runtime/worker.hpp"

namespace duplexd {

namespace asio = boost::asio;

struct kept_command;
class journal_work;

/// The journal as durable outputs use it, from the loop's thread: events are gathered in a buffer, written by
/// a thread beside the loop, many with one commit, and read back by the outputs when they were committed.
class journal final : public safe_keeping {
 public:
  /// `settings` are those that the file was opened with.
  journal(const asio::any_io_executor& loop, clock& time, telemetry& log, std::function<double()> random,
          const config::journal_settings& settings, std::unique_ptr<journal_file> file);

  /// One output's part of it.
  using stream = std::size_t;
  [[nodiscard]] stream add(const std::string& output);

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  /// The last number that the file had when it was opened.
  [[nodiscard]] std::uint64_t last_at_start() const noexcept { return last_at_start_; }

  /// Takes one event into the buffer. Whoever produces events asks `has_room()` before.
  void append(stream to, const session_event& happened, std::string_view text);
  [[nodiscard]] bool has_room() const noexcept;
  asio::awaitable<void> wait_room();

  /// Asks for records after a number. They are there when `take_batch` gives them; `changed()` tells.
  void ask(stream from, std::uint64_t after);
  struct batch {
    record_batch records;
    std::uint64_t reached = 0;  ///< nothing up to this number is missing in what was given so far
  };
  [[nodiscard]] std::optional<batch> take_batch(stream from);
  /// Takes back what was asked for, and what was given and not taken.
  void forget(stream from);

  /// An output has taken its records up to that number.
  void taken(stream from, std::uint64_t number);
  [[nodiscard]] std::uint64_t place_of(stream from) const { return streams_[from].place; }

  /// Whether the file has all of an output's events, and knows how far the output is.
  [[nodiscard]] bool is_settled(stream of) const noexcept;
  /// Whether the output has taken all that it was given.
  [[nodiscard]] bool is_drained(stream of) const noexcept;
  /// Bytes of an output's events that are not in the file yet.
  [[nodiscard]] std::size_t buffered(stream of) const noexcept { return streams_[of].buffered; }

  /// Its thread does this, too; `found` gets the commands that the file has. Before it runs, once.
  [[nodiscard]] journal_file::outcome attach(journal_work& more, std::vector<kept_command>& found);
  /// There is something to do for that.
  void wake() { wake_.notify(); }

  // safe_keeping
  void keep(const std::string& session, const std::string& variable, std::string value) override;
  void forget(const std::string& session, const std::string& variable) override;
  [[nodiscard]] std::map<std::string, std::string> kept(const std::string& session) const override;
  [[nodiscard]] std::uint64_t given() const noexcept override { return last_; }
  [[nodiscard]] std::uint64_t committed() const noexcept override { return committed_; }
  [[nodiscard]] std::uint64_t taken_by(const std::string& output) const override;
  asio::awaitable<void> wait_committed() override;

  /// Notified after each turn of the thread.
  [[nodiscard]] notifier& changed() noexcept { return changed_; }
  /// Why nothing is committed at present; empty: it goes on.
  [[nodiscard]] const std::string& held_up() const noexcept { return failed_; }
  [[nodiscard]] bool is_broken() const noexcept { return broken_; }

  /// Works until it is cancelled, and then commits what is left, or until the file is damaged: returns why.
  asio::awaitable<std::string> run();
  /// Whether the thread is at work.
  [[nodiscard]] bool at_work() const noexcept { return thread_.busy(); }

  /// Bytes of events that wait for a commit; beyond that `full` says what happens.
  static constexpr std::size_t buffer_limit = 16u << 20;
  /// Bytes of events that an output is given at a time.
  static constexpr std::size_t batch_bytes = 4u << 20;
  static constexpr std::chrono::seconds tidy_interval{60};
  /// How often a full journal is tried again although no output has moved.
  static constexpr std::chrono::seconds full_interval{1};

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  struct stream_state {
    std::string output;
    std::size_t open = none;  ///< where in `waiting_` its events are added
    std::size_t buffered = 0;
    std::uint64_t journaled = 0;  ///< the number of the last event that is in the file
    std::uint64_t place = 0;      ///< of the last one that the output has taken
    std::uint64_t stored = 0;     ///< the same, in the file
    std::optional<std::uint64_t> asked{};
    std::optional<batch> given{};
    std::uint64_t dropped = 0;
  };
  /// What the thread does in one turn, and what became of it.
  struct turn_work {
    bool commits = false;
    std::vector<journal_row> rows;
    journal_file::places moved;
    journal_file::variables set;
    journal_file::outcome committed;
    struct reading {
      stream from;
      std::uint64_t after;
      std::uint64_t journaled;
      batch read;
      journal_file::outcome made;
    };
    std::vector<reading> readings;
    bool tidies = false;
  };

  [[nodiscard]] journal_row& open_row(stream_state& of);
  bool drop_waiting();
  void drop(stream_state& from, std::uint64_t count);
  [[nodiscard]] static bool wants_reading(const stream_state& of) noexcept;
  [[nodiscard]] clock::time_point next_turn() const;
  [[nodiscard]] turn_work plan(clock::time_point now, bool all);
  void work_off(turn_work& work, journal_file::wall_time now);
  void take(turn_work& work);
  void take_commit(turn_work& work);
  void note_committed();
  void note_set(journal_file::variable_key key);
  clock::duration fail(const journal_file::outcome& made);
  asio::awaitable<void> turn(bool all);
  [[nodiscard]] stream_state* find(const std::string& output);

  clock& time_;
  telemetry& log_;
  std::function<double()> random_;
  config::journal_settings settings_;
  journal_work* more_ = nullptr;        ///< for the thread; null: nothing
  std::unique_ptr<journal_file> file_;  ///< the thread's while it is at work
  std::string id_;
  std::uint64_t last_at_start_;
  std::uint64_t last_;  ///< given to an event
  std::deque<stream_state> streams_;
  std::deque<journal_row> waiting_;
  std::vector<journal_row> left_;             ///< what a commit did not take: before `waiting_`
  std::size_t bytes_ = 0;                     ///< of both, and of what is being committed
  journal_file::variables variables_;         ///< as they are now
  std::set<journal_file::variable_key> set_;  ///< those that the file does not have
  std::uint64_t committed_;
  journal_plan::waiting_work work_;
  clock::time_point read_again_{};  ///< after a failure
  clock::time_point tidied_;
  backoff pauses_;
  std::string failed_;
  bool full_ = false;
  bool broken_ = false;
  notifier wake_;
  notifier changed_;
  worker thread_;
};

}  // namespace duplexd
