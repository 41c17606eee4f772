#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/output_settings.hpp"
#include "daemon/journal/journal_row.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace duplexd {

/// The journal on disk: one SQLite database, with calls that block. Used by one thread at a time, and by one
/// process: a lock file beside it says which.
class journal_file {
 public:
  using wall_time = std::chrono::system_clock::time_point;

  struct options {
    config::journal_settings settings;
    std::set<std::string> outputs{};  ///< the durable ones
    bool moves_damaged = true;        ///< else what is damaged stays, and is not opened
    // For tests of power cuts:
    const char* vfs = nullptr;  ///< SQLite's name of it
    const char* synchronous = "FULL";
  };
  struct opened {
    std::unique_ptr<journal_file> file;  ///< null: `error` says why, and what to do
    std::string error{};
    std::string moved_to{};  ///< where one went that could not be used
    std::string why{};
  };
  /// Opens the journal, or makes a new one with an id of its own. What is damaged is moved aside; whether it
  /// is, is looked at after an end that was not clean.
  [[nodiscard]] static opened open(const options& how, wall_time now);
  ~journal_file();
  journal_file(const journal_file&) = delete;
  journal_file& operator=(const journal_file&) = delete;

  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  /// The greatest number that was ever given to a record that got here.
  [[nodiscard]] std::uint64_t last() const noexcept { return last_; }
  /// The number of the last record that an output has taken, as far as the file knows; 0: none.
  [[nodiscard]] std::uint64_t place_of(const std::string& output) const;
  /// The greatest number of an output's records that are here; 0: none.
  [[nodiscard]] std::uint64_t last_of(const std::string& output);
  /// How many records are here for outputs that are not durable any more.
  [[nodiscard]] std::map<std::string, std::uint64_t> orphans();

  using places = std::map<std::string, std::uint64_t>;
  struct outcome {
    std::size_t rows = 0;       ///< how many were taken, from the first on
    bool full = false;          ///< there was no room for the next
    bool broken = false;        ///< damaged: there is no use in trying again
    std::string failed{};       ///< why nothing was taken
    places dropped{};           ///< records lost to make room, or damaged, by output
    std::uint64_t reached = 0;  ///< by `read`: there is nothing up to this number that it did not give
    bool end = false;           ///< of what there is to read
  };
  using variable_key = std::pair<std::string, std::string>;  ///< a session and a name
  using variables = std::map<variable_key, std::string>;     ///< values as JSON; empty: none any more
  /// Adds rows, and the places of outputs that have moved; what these have taken is deleted. Variables that
  /// were set are stored if all rows have room. One transaction: when it returns, it is on the disk.
  [[nodiscard]] outcome commit(const std::vector<journal_row>& rows, const places& moved, wall_time now,
                               const variables& set = {});

  /// As they were when it was opened.
  [[nodiscard]] const variables& stored_variables() const noexcept { return variables_; }

  /// Adds an output's records after a number to `out`, about as many bytes as `most`.
  [[nodiscard]] outcome read(const std::string& output, std::uint64_t after, std::size_t most,
                             record_batch& out);

  struct pruned {
    std::uint64_t records = 0;
    std::string failed{};  ///< why nothing was deleted
  };
  /// Deletes an output's records, and its place; an empty name: what outputs have taken, whatever `keep`
  /// says.
  [[nodiscard]] pruned prune(const std::string& output);

  /// Does something else in a transaction of its own: when it returns, it is on the disk. `what` says whether
  /// it went well; SQLite knows why it did not.
  [[nodiscard]] outcome transact(const std::function<bool(sqlite3*)>& what);

  /// Deletes what was kept long enough, and gives free pages back.
  void tidy(wall_time now);

  /// Notes that the end was clean.
  void close();

  /// The write-ahead log does not grow beyond this (bytes) by more than a commit, even if somebody reads.
  static constexpr std::uint64_t most_log = 256u << 20;

 private:
  using statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;
  enum class state : std::uint8_t { good, damaged, unusable };

  explicit journal_file(const options& how) : how_(how) {}
  [[nodiscard]] bool lock(std::string& error);
  [[nodiscard]] state open_database(std::string& error);
  [[nodiscard]] state look(std::string& error);
  [[nodiscard]] bool create();
  [[nodiscard]] bool load();
  void close_database();
  [[nodiscard]] std::string move_aside(wall_time now) const;

  [[nodiscard]] bool run(const char* sql);
  [[nodiscard]] statement prepare(const char* sql);
  [[nodiscard]] bool step(sqlite3_stmt* done);
  [[nodiscard]] std::int64_t number_of(const char* sql);
  [[nodiscard]] bool damaged() const noexcept;
  void note_failure();
  [[nodiscard]] std::uint64_t used();
  [[nodiscard]] bool log_has_room();
  [[nodiscard]] bool insert(const journal_row& row, const std::string& stored, wall_time now);
  [[nodiscard]] bool move_place(const std::string& output, std::uint64_t number);
  [[nodiscard]] bool delete_taken(const std::string& output, std::uint64_t number, wall_time before);
  [[nodiscard]] bool write(const std::vector<journal_row>& rows, const places& moved, wall_time now,
                           const variables& set, outcome& made);
  [[nodiscard]] bool make_variables();
  [[nodiscard]] bool load_variables();
  [[nodiscard]] bool store_variables(const variables& set);
  /// Whether there is room for so many bytes, which may be made.
  [[nodiscard]] bool make_room(std::size_t bytes, outcome& made);
  [[nodiscard]] bool drop_row(std::uint64_t first);

  options how_;
  sqlite3* database_ = nullptr;
  int lock_ = -1;
  std::string id_;
  std::uint64_t last_ = 0;
  places places_;
  variables variables_;            ///< when it was opened
  std::set<std::string> outputs_;  ///< those that may have rows
  std::string failed_;
  int code_ = 0;  ///< SQLite's, of the last failure
};

}  // namespace duplexd
