#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "daemon/output/sqlite_writer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

// Databases of tests, read by SQLite itself.
namespace duplexd::test {

using lines = std::vector<std::string>;

/// A reader of its own.
class sqlite_reader {
 public:
  explicit sqlite_reader(const std::string& path) {
    REQUIRE(sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK);
  }
  ~sqlite_reader() { sqlite3_close(database_); }
  sqlite_reader(const sqlite_reader&) = delete;
  sqlite_reader& operator=(const sqlite_reader&) = delete;

  /// A text for each row: its values, separated by `|`.
  lines ask(const std::string& sql) {
    lines rows;
    sqlite3_stmt* query = nullptr;
    INFO(sql);
    REQUIRE(sqlite3_prepare_v2(database_, sql.c_str(), -1, &query, nullptr) == SQLITE_OK);
    while (sqlite3_step(query) == SQLITE_ROW) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(query); ++i) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(query, i));
        row += (i > 0 ? "|" : "") + std::string(text == nullptr ? "-" : text);
      }
      rows.push_back(row);
    }
    sqlite3_finalize(query);
    return rows;
  }

 private:
  sqlite3* database_ = nullptr;
};

/// A folder of its own, and an output to a database in it.
struct sqlite_place {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("duplexd-test-sqlite-" + std::to_string(::getpid()));
  config::output_settings settings{.name = "o", .type = config::output_type::sqlite};
  sqlite_place() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
    settings.path = (path / "sub" / "feed.db").string();
  }
  ~sqlite_place() { std::filesystem::remove_all(path); }
  lines ask(const std::string& sql) const { return sqlite_reader(settings.path).ask(sql); }
};

inline void put(sqlite_writer& to, const record_batch& what) {
  const auto made = to.write(what);
  INFO(made.failed);
  CHECK(made.failed.empty());
  CHECK(made.written == what.size());
}

}  // namespace duplexd::test
