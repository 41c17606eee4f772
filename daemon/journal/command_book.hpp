#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/event/events.hpp"
#include "daemon/journal/command_store.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/journal/journal_work.hpp"
#include "daemon/link/command_keeper.hpp"
#include "daemon/runtime/notifier.hpp"

namespace duplexd {

/// The durable commands of a journal: all that have not ended, and the newest that have. What changes in one
/// turn of the loop reaches the disk with one commit.
class command_book final : public command_keeper, public journal_work {
 public:
  /// At most so many commands are kept, of so many bytes together. The oldest that have ended make room.
  static constexpr std::size_t most_commands = 65'536;
  /// While the journal fails: those that were refused, and may be on the disk.
  static constexpr std::size_t most_forgotten = 4'096;
  static constexpr std::size_t most_bytes = std::size_t{32} << 20;
  /// Values of a reply that are larger are not kept.
  static constexpr std::size_t largest_data = 4096;
  /// After a commit that failed.
  static constexpr std::chrono::seconds pause{1};

  /// Reads what the journal has; it must not run yet, and outlives this. `remember`: for how long a command
  /// is known after its end.
  command_book(const boost::asio::any_io_executor& loop, clock& time, telemetry& log, journal& where,
               std::chrono::milliseconds remember);

  /// The command of that id; null: it never came, or was forgotten.
  [[nodiscard]] const kept_command* find(const std::string& session, const std::string& source,
                                         const std::string& id);
  /// Whether it has ended and that is on the disk: only then may its end be told.
  [[nodiscard]] bool is_settled(const kept_command& of) const {
    return of.at == kept_command::stage::ended && !ending_.contains(of.number);
  }
  /// Those of a session that have not ended, in order.
  [[nodiscard]] std::vector<kept_command> open_of(const std::string& session) const;
  /// Those that have ended, the oldest first.
  [[nodiscard]] std::vector<kept_command> ended() const;

  std::uint64_t accept(kept_command what, std::string& error, done told) override;
  void mark(std::uint64_t number, done told) override;
  void unmark(std::uint64_t number, bool was_sent) override;
  [[nodiscard]] std::uint32_t attempts(std::uint64_t number) const override;
  void end(std::uint64_t number, ending how, done told) override;

  /// Until all is on the disk, or that cannot be written. May be cancelled.
  boost::asio::awaitable<void> wait_idle();

  [[nodiscard]] clock::time_point due() const override;
  void begin(bool all) override;
  void work(journal_file& file) override;
  journal_file::outcome finish() override;

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  enum class kind : std::uint8_t { accept, mark, end };
  struct waiter {
    kind what;
    std::uint64_t number;
    done told;
  };
  [[nodiscard]] static std::size_t cost(const kept_command& of) noexcept;
  [[nodiscard]] static std::string key(const std::string& session, const std::string& source,
                                       const std::string& id);
  void note(std::uint64_t number, waiter who);
  void forget(std::uint64_t number);
  void forget_old();
  [[nodiscard]] bool is_idle() const noexcept { return dirty_.empty() && forgotten_.empty() && !working_; }
  void take_failure();

  clock& time_;
  telemetry& log_;
  journal& where_;
  std::chrono::milliseconds remember_;
  std::map<std::uint64_t, kept_command> all_;
  std::map<std::string, std::uint64_t> numbers_;
  std::deque<std::uint64_t> ended_;  ///< the oldest first
  std::set<std::uint64_t> ending_;   ///< whose end is not on the disk yet
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::set<std::uint64_t> dirty_;      ///< not on the disk as they are
  std::set<std::uint64_t> forgotten_;  ///< still on the disk
  std::vector<waiter> waiting_;
  bool working_ = false;
  command_store::changes writing_;  ///< what the thread writes, and its callers
  std::vector<waiter> written_;
  journal_file::outcome made_;
  std::string failed_;
  clock::time_point retry_{};
  notifier changed_;
};

}  // namespace duplexd
