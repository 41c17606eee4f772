#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/output/record_batch.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace duplexd {

/// A journal for who only looks at it, beside a daemon that writes it or without one. Nothing is changed.
/// Each call is one short read, so that the daemon's commits find room in the write-ahead log. Calls block.
class journal_reader {
 public:
  enum class problem : std::uint8_t { none, missing, unusable, damaged };
  struct opened {
    std::unique_ptr<journal_reader> reader;  ///< null: `error` says why
    problem what = problem::none;
    std::string error{};
  };
  [[nodiscard]] static opened open(const std::string& file);
  ~journal_reader();
  journal_reader(const journal_reader&) = delete;
  journal_reader& operator=(const journal_reader&) = delete;

  /// What is there for one output.
  struct stream {
    std::uint64_t place = 0;    ///< the number of the last record that the output has taken
    std::uint64_t records = 0;  ///< that are here
    std::uint64_t waiting = 0;  ///< those after `place`
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  struct summary {
    std::string id;
    std::uint64_t given = 0;  ///< the greatest number that a record ever had
    std::uint64_t first = 0;  ///< of the records that are here; 0: there are none
    std::uint64_t last = 0;
    std::uint64_t bytes = 0;  ///< of the file and its write-ahead log
    std::map<std::string, stream> outputs{};
  };
  /// False: `failed()` says why.
  [[nodiscard]] bool summarize(summary& out);

  struct part {
    record_batch records;
    std::uint64_t reached = 0;  ///< where the next part begins
    std::uint64_t damaged = 0;  ///< records that were left out
    bool end = false;
  };
  /// An output's records after a number, about a MiB of them. False: `failed()` says why.
  [[nodiscard]] bool read(const std::string& output, std::uint64_t after, part& out);

  struct findings {
    std::uint64_t batches = 0;
    std::vector<std::string> mistakes{};  ///< at most `most_mistakes`
    bool interrupted = false;             ///< the daemon wrote so much meanwhile that its log had to be freed
  };
  /// SQLite's own check, and each batch's checksum and records.
  [[nodiscard]] findings check();

  [[nodiscard]] const std::string& failed() const noexcept { return failed_; }

  static constexpr std::size_t part_bytes = 1u << 20;
  static constexpr std::size_t most_mistakes = 20;
  /// SQLite's check reads everything at once: it stops when the log has grown to so many bytes, as the
  /// daemon commits nothing with a log of `journal_file::most_log`.
  static constexpr std::uint64_t most_log = 128u << 20;

 private:
  using statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;
  explicit journal_reader(std::string file) : file_(std::move(file)) {}
  [[nodiscard]] statement prepare(const char* sql);
  bool note_failure();
  [[nodiscard]] bool count_waiting(const std::string& output, stream& of);
  [[nodiscard]] bool summarize_rows(summary& out);
  [[nodiscard]] std::uint64_t log_bytes() const;
  void check_pages(findings& found);
  [[nodiscard]] bool check_batches(std::uint64_t& after, findings& found);

  std::string file_;
  sqlite3* database_ = nullptr;
  std::string id_;
  std::string failed_;
  int code_ = 0;
};

}  // namespace duplexd
