// The journal's file: what is in it after whatever has happened.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "tests/daemon/journal/journal_place.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

TEST_CASE("a new journal has an id of its own and is nobody else's business", "[journal]") {
  const journal_place at;
  std::string first;
  {
    const auto made = at.open();
    first = made->id();
    CHECK(first.size() == 36);
    CHECK(first[14] == '4');
    CHECK(made->last() == 0);
    for (const std::string& each : at.files()) {
      struct stat status{};
      REQUIRE(::stat((at.path / each).c_str(), &status) == 0);
      INFO(each);
      CHECK((status.st_mode & 07777) == 0600);
    }
  }
  CHECK(at.open()->id() == first);
  fs::remove(at.path / "j.db");
  CHECK(at.open()->id() != first);
}

TEST_CASE("rows come back in order, after a number, as much as is asked for", "[journal]") {
  const journal_place at;
  const auto made = at.open();
  put(*made, {row_of(1, 3), row_of(4, 5, "other"), row_of(6, 8)});
  put(*made, {row_of(9, 9)});
  CHECK(numbers(*made) == std::vector<std::uint64_t>{1, 2, 3, 6, 7, 8, 9});
  CHECK(numbers(*made, 2) == std::vector<std::uint64_t>{3, 6, 7, 8, 9});
  CHECK(numbers(*made, 3) == from_to(6, 9));
  CHECK(numbers(*made, 9).empty());
  CHECK(numbers(*made, 0, "other") == from_to(4, 5));
  CHECK(made->last() == 9);
  CHECK(made->last_of("o") == 9);
  CHECK(made->last_of("other") == 5);
  CHECK(made->last_of("none") == 0);
  record_batch little;
  const auto read = made->read("o", 0, 1, little);
  CHECK(little.size() == 3);
  CHECK(read.reached == 3);
  CHECK_FALSE(read.end);
  CHECK(little.journal() == made->id());
}

TEST_CASE("what was committed is there when the journal is opened again", "[journal]") {
  const journal_place at;
  {
    const auto made = at.open();
    put(*made, {row_of(1, 5), row_of(6, 9)}, {{"o", 3}});
  }
  {
    const auto made = at.open();
    CHECK(made->place_of("o") == 3);
    CHECK(made->last() == 9);
    CHECK(numbers(*made, 3) == from_to(4, 9));
    put(*made, {}, {{"o", 9}});
    made->close();
  }
  const auto made = at.open();
  CHECK(numbers(*made).empty());
  CHECK(made->last() == 9);  // numbers are never given again
  CHECK(made->place_of("o") == 9);
}

TEST_CASE("rows go when their own output has taken all of them", "[journal]") {
  const journal_place at;
  const auto made = at.open();
  put(*made, {row_of(1, 3), row_of(4, 6, "other"), row_of(7, 9)}, {{"o", 2}});
  CHECK(numbers(*made) == std::vector<std::uint64_t>{1, 2, 3, 7, 8, 9});
  put(*made, {}, {{"o", 3}});
  CHECK(numbers(*made) == from_to(7, 9));
  put(*made, {}, {{"o", 9}});
  CHECK(numbers(*made).empty());
  CHECK(numbers(*made, 0, "other") == from_to(4, 6));
}

TEST_CASE("with keep, rows stay for that long after they were taken", "[journal]") {
  journal_place at;
  at.how.settings.keep = 1h;
  const auto made = at.open();
  put(*made, {row_of(1, 3)});
  put(*made, {row_of(4, 6)}, {}, some_day + 30min);
  put(*made, {}, {{"o", 6}}, some_day + 31min);
  made->tidy(some_day + 1h - 1ms);
  CHECK(numbers(*made) == from_to(1, 6));
  made->tidy(some_day + 1h);
  CHECK(numbers(*made) == from_to(4, 6));
}

// At the limit it takes what fits, and the rest when an output has moved.
TEST_CASE("a full journal that blocks takes no more and loses nothing", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  const auto made = at.open();
  std::vector<journal_row> rows;
  for (std::uint64_t n = 1; n <= 40; ++n) rows.push_back(row_of(n, n, "o", noise(50'000)));
  auto taken = made->commit(rows, {}, some_day);
  CHECK(taken.full);
  CHECK(taken.failed.empty());
  CHECK(taken.dropped.empty());
  CHECK(taken.rows > 15);
  CHECK(taken.rows <= 20);
  const std::uint64_t first = taken.rows;
  CHECK(numbers(*made) == from_to(1, first));
  CHECK(made->last() == first);
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(first));
  CHECK(made->commit(rows, {}, some_day).rows == 0);
  taken = made->commit(rows, {{"o", 10}}, some_day);
  CHECK(taken.full);
  CHECK(taken.rows == 10);
  CHECK(numbers(*made) == from_to(11, first + 10));
}

TEST_CASE("a full journal that drops loses the oldest, and says how many", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  at.how.settings.full = config::journal_policy::drop_oldest;
  const auto made = at.open();
  std::uint64_t lost = 0;
  for (std::uint64_t n = 1; n <= 80; n += 2) {
    const auto taken = made->commit({row_of(n, n + 1, "o", noise(50'000))}, {}, some_day);
    CHECK(taken.rows == 1);
    if (taken.dropped.contains("o")) lost += taken.dropped.at("o");
  }
  CHECK(lost >= 40);
  CHECK(numbers(*made) == from_to(lost + 1, 80));
  CHECK(fs::file_size(at.path / "j.db") <= at.how.settings.size);
}

TEST_CASE("a row that is larger than the journal is taken if it is alone", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  const auto made = at.open();
  put(*made, {row_of(1, 1, "o", noise(3u << 20))});
  CHECK(made->commit({row_of(2, 2)}, {}, some_day).full);
  put(*made, {row_of(2, 2)}, {{"o", 1}});
  CHECK(numbers(*made) == from_to(2, 2));
}

// An output that was taken out of the configuration does not hold the journal for ever.
TEST_CASE("rows of outputs that are not durable any more stay until their room is needed", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  at.how.outputs = {"gone"};
  {
    const auto made = at.open();
    put(*made, {row_of(1, 1, "gone", noise(300'000)), row_of(2, 2, "gone", noise(300'000))});
  }
  at.how.outputs = {"o"};
  const auto made = at.open();
  CHECK(made->orphans() == journal_file::places{{"gone", 2}});
  put(*made, {row_of(3, 3, "o", noise(300'000))});
  CHECK(numbers(*made, 0, "gone") == from_to(1, 2));
  auto taken = made->commit({row_of(4, 4, "o", noise(300'000))}, {}, some_day);
  CHECK(taken.rows == 1);
  CHECK(taken.dropped == journal_file::places{{"gone", 1}});
  CHECK(numbers(*made, 0, "gone") == from_to(2, 2));
  CHECK(numbers(*made) == from_to(3, 4));
}

TEST_CASE("what is kept makes room first", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  at.how.settings.keep = 24h;
  const auto made = at.open();
  put(*made, {row_of(1, 1, "o", noise(400'000)), row_of(2, 2, "o", noise(400'000))}, {{"o", 1}});
  put(*made, {row_of(3, 3, "o", noise(400'000))});
  CHECK(numbers(*made) == from_to(2, 3));
}

// As many rows as in use may be free; the rest goes back to the disk.
TEST_CASE("the file does not stay as large as it once was", "[journal]") {
  const journal_place at;
  const auto made = at.open();
  for (std::uint64_t n = 1; n <= 60; ++n) put(*made, {row_of(n, n, "o", noise(500'000))});
  put(*made, {}, {{"o", 60}});
  made->tidy(some_day);
  made->close();
  CHECK(fs::file_size(at.path / "j.db") < 6u << 20);
}

TEST_CASE("two processes cannot use one journal", "[journal]") {
  const journal_place at;
  const auto made = at.open();
  const auto other = journal_file::open(at.how, some_day);
  CHECK(other.file == nullptr);
  CHECK(other.error ==
        "another process (" + std::to_string(::getpid()) + ") uses the journal " + at.how.settings.file);
}

TEST_CASE("a database of somebody else is refused and stays as it is", "[journal]") {
  const journal_place at;
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(at.how.settings.file.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, "CREATE TABLE t (a)", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  const auto made = journal_file::open(at.how, some_day);
  CHECK(made.file == nullptr);
  CHECK(made.error.find("it is a database, but no journal of duplexd") != std::string::npos);
  CHECK(fs::exists(at.how.settings.file));
}

TEST_CASE("a path that cannot be used is told", "[journal]") {
  journal_place at;
  fs::create_directories(at.path / "folder");
  at.how.settings.file = (at.path / "folder").string();
  CHECK(journal_file::open(at.how, some_day).error.find("cannot be used: unable to open database file") !=
        std::string::npos);
  at.how.settings.file = "/proc/none/j.db";
  CHECK(journal_file::open(at.how, some_day).error ==
        "cannot open /proc/none/j.db.lock: No such file or directory");
}

TEST_CASE("a damaged journal is moved aside, and a new one begun", "[journal]") {
  const journal_place at;
  std::string first;
  {
    const auto made = at.open();
    first = made->id();
    for (std::uint64_t n = 1; n <= 100; ++n) put(*made, {row_of(n, n, "o", noise(3000))});
  }
  std::string bytes = content_of(at.how.settings.file);
  SECTION("it is not a database") {
    bytes = "something else";
  }
  SECTION("pages are overwritten") {
    std::fill(bytes.begin() + 4096, bytes.begin() + 40'000, 'x');
  }
  SECTION("it is cut") {
    bytes.resize(bytes.size() / 2);
  }
  write_file(at.how.settings.file, bytes);
  const auto made = journal_file::open(at.how, some_day);
  REQUIRE(made.file != nullptr);
  CHECK(made.moved_to == at.how.settings.file + ".corrupt-20251218T000000.000000Z");
  CHECK_FALSE(made.why.empty());
  CHECK(fs::file_size(made.moved_to) > 0);
  CHECK(made.file->id() != first);
  CHECK(made.file->last() == 0);
  put(*made.file, {row_of(1, 2)});
  CHECK(numbers(*made.file) == from_to(1, 2));
}

// Reading through a large file takes time: only after a crash.
TEST_CASE("damage that is found only by reading through is looked for after an end that was not clean",
          "[journal]") {
  const journal_place at;
  const bool clean = GENERATE(true, false);
  {
    const auto made = at.open();
    for (std::uint64_t n = 1; n <= 100; ++n) put(*made, {row_of(n, n, "o", noise(3000))});
    if (clean) made->close();
  }
  std::string bytes = content_of(at.how.settings.file);
  bytes.replace(bytes.size() - 4096, 4096, 4096, '\xff');
  write_file(at.how.settings.file, bytes);
  const auto made = journal_file::open(at.how, some_day);
  REQUIRE(made.file != nullptr);
  CHECK(made.moved_to.empty() == clean);
}

// SQLite has no checksums of pages.
TEST_CASE("a record that changed on the disk is told and left out, and the rest goes on", "[journal]") {
  const journal_place at;
  {
    const auto made = at.open();
    put(*made, {row_of(1, 2, "o", "first"), row_of(3, 4, "o", "second"), row_of(5, 6, "o", "third")});
  }
  std::string bytes = content_of(at.how.settings.file);
  bytes[bytes.find("second")] = 'S';
  write_file(at.how.settings.file, bytes);
  const auto made = at.open();
  record_batch batch;
  const auto read = made->read("o", 0, 1u << 20, batch);
  CHECK(read.dropped == journal_file::places{{"o", 2}});
  CHECK(read.reached == 6);
  REQUIRE(batch.size() == 4);
  CHECK(batch[2].number == 5);
}

// The last pages of the file and of its log: whatever is left opens, with some part of what was there in
// order, or is moved aside.
TEST_CASE("a journal that was cut anywhere opens or is moved aside", "[journal]") {
  const journal_place at;
  fs::create_directories(at.path / "copy");
  {
    const auto made = at.open();
    for (std::uint64_t n = 1; n <= 8; ++n) put(*made, {row_of(n, n, "o", noise(900))});
    // As it is in the middle of its work.
    fs::copy_file(at.path / "j.db", at.path / "copy" / "j.db");
    fs::copy_file(at.path / "j.db-wal", at.path / "copy" / "j.db-wal");
  }
  const std::string which = GENERATE("j.db", "j.db-wal");
  journal_file::options how = at.how;
  how.settings.file = (at.path / "cut" / "j.db").string();
  const std::string whole = content_of(at.path / "copy" / which);
  const std::size_t from = whole.size() - std::min<std::size_t>(whole.size(), 2 * 4120);
  std::size_t most = 0;
  for (std::size_t size = from; size <= whole.size();
       size += size % 64 == 0 || size + 40 > whole.size() ? 1 : 7) {
    fs::remove_all(at.path / "cut");
    fs::copy(at.path / "copy", at.path / "cut");
    write_file(at.path / "cut" / which, std::string_view(whole).substr(0, size));
    auto made = journal_file::open(how, some_day);
    INFO(which << " " << size << " " << made.error);
    REQUIRE(made.file != nullptr);
    const auto found = numbers(*made.file);
    CHECK(found == from_to(1, found.size()));
    most = std::max(most, found.size());
  }
  CHECK(most == 8);
}
