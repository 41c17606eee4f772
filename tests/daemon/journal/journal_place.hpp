#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "daemon/journal/journal_file.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

namespace duplexd::test {

namespace fs = std::filesystem;
using lines = std::vector<std::string>;

inline constexpr journal_file::wall_time some_day{std::chrono::hours{24 * 365 * 56}};

/// A directory of its own for a journal, and what is done with it in most tests.
struct journal_place {
  // In memory where there is such a place: a disk may take its time to sync.
  fs::path path = (fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) /
                  ("duplexd-test-journal-" + std::to_string(::getpid()));
  journal_file::options how{.settings = {}, .outputs = {"o"}};
  journal_place() {
    fs::remove_all(path);
    fs::create_directories(path);
    how.settings.file = (path / "j.db").string();
  }
  ~journal_place() { fs::remove_all(path); }
  journal_place(const journal_place&) = delete;
  journal_place& operator=(const journal_place&) = delete;

  [[nodiscard]] std::unique_ptr<journal_file> open() const {
    auto made = journal_file::open(how, some_day);
    INFO(made.error);
    REQUIRE(made.file != nullptr);
    return std::move(made.file);
  }
  /// The names of the files there, sorted.
  [[nodiscard]] lines files() const {
    lines found;
    for (const auto& each : fs::directory_iterator(path)) found.push_back(each.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }
};

/// Bytes that no compression makes smaller.
inline std::string noise(std::size_t size) {
  static std::mt19937 random{1};
  std::string made(size, ' ');
  for (char& each : made) each = static_cast<char>(random());
  return made;
}

/// A row of records with these numbers, whose texts are the numbers and then `more`.
inline journal_row row_of(std::uint64_t first, std::uint64_t last, const std::string& output = "o",
                          const std::string& more = "") {
  journal_row made;
  made.output = output;
  for (std::uint64_t n = first; n <= last; ++n)
    append_record(made, n, reply_event(), std::to_string(n) + more);
  return made;
}

inline void put(journal_file& to, const std::vector<journal_row>& rows,
                const journal_file::places& moved = {}, journal_file::wall_time now = some_day) {
  const auto made = to.commit(rows, moved, now);
  INFO(made.failed);
  REQUIRE(made.failed.empty());
  REQUIRE(made.rows == rows.size());
}

/// The numbers that an output would get.
inline std::vector<std::uint64_t> numbers(journal_file& in, std::uint64_t after = 0,
                                          const std::string& output = "o") {
  std::vector<std::uint64_t> found;
  for (bool more = true; more;) {
    record_batch batch;
    const auto made = in.read(output, after, 1u << 20, batch);
    INFO(made.failed);
    REQUIRE(made.failed.empty());
    for (std::size_t i = 0; i < batch.size(); ++i) found.push_back(batch[i].number);
    after = made.reached;
    more = !made.end;
  }
  return found;
}

inline std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t n = first; n <= last; ++n) all.push_back(n);
  return all;
}

inline std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

}  // namespace duplexd::test
