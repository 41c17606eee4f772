// The journal on the loop: its buffer, what is committed when, and what happens when it cannot.
#include "tests/daemon/journal/journal_scene.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

/// Another program holds SQLite's lock: nothing can be committed.
class other_writer {
 public:
  explicit other_writer(const journal_place& at) {
    REQUIRE(sqlite3_open(at.how.settings.file.c_str(), &database_) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  ~other_writer() { sqlite3_close(database_); }
  other_writer(const other_writer&) = delete;
  other_writer& operator=(const other_writer&) = delete;

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace

TEST_CASE("events that come together are committed together, the next ones some milliseconds later",
          "[journal]") {
  const journal_place at;
  shelf target;
  journal_scene s{at, target};
  s.time.run_for(1s);
  s.tasks.spawn(0, s.kept.run());
  s.settle();
  s.add("1");
  s.add("2");
  s.settle();
  CHECK(s.kept.buffered(0) == 0);
  s.add("3");
  s.settle();
  CHECK(s.kept.buffered(0) > 0);
  s.time.run_for(journal_plan::commit_interval);
  s.settle();
  CHECK(s.kept.buffered(0) == 0);
}

TEST_CASE("what nobody can commit waits, and is told, and nothing is lost", "[journal]") {
  const journal_place at;
  shelf target;
  journal_scene s{at, target};
  s.start();
  s.settle();
  {
    const other_writer other{at};
    s.add("1");
    s.pass(100ms);
    CHECK(s.kept.held_up() == at.how.settings.file + ": database is locked");
    CHECK(s.log.lines == lines{"the journal failed: " + at.how.settings.file +
                               ": database is locked; events wait, next attempt in 0.1 s"});
    s.add("2");
    CHECK(s.out.waiting() > 0);
    CHECK(target.written.empty());
  }
  s.pass(1s);
  CHECK(target.written == lines{"1", "2"});
  CHECK(s.log.lines.back() == "the journal takes events again");
  CHECK(s.kept.held_up().empty());
}

// At the limit of the buffer and beyond.
TEST_CASE("a buffer that is full holds producers back, or drops the oldest", "[journal]") {
  journal_place at;
  const bool drops = GENERATE(false, true);
  if (drops) at.how.settings.full = config::journal_policy::drop_oldest;
  shelf target;
  journal_scene s{at, target};  // its thread does not run
  const std::string text = noise((1u << 20) - 80);
  for (int i = 0; i < 15; ++i) s.add(std::to_string(10 + i) + text);
  CHECK(s.out.has_room());
  s.add("25" + text);
  const std::size_t before = s.out.waiting();
  if (before < journal::buffer_limit) s.add("26" + text);
  CHECK(s.out.waiting() >= journal::buffer_limit);
  CHECK(s.out.has_room() == drops);
  bool room = false;
  asio::co_spawn(s.loop, s.out.wait_room(), [&](const std::exception_ptr&) { room = true; });
  s.settle();
  CHECK(room == drops);
  s.add("27" + text);
  s.start();
  s.pass(1s);
  CHECK(room);
  REQUIRE_FALSE(target.written.empty());
  CHECK(target.written.front().substr(0, 2) == (drops ? "11" : "10"));
  CHECK(target.written.back().substr(0, 2) == "27");
  CHECK(s.log.lines == (drops ? lines{"output o is too slow: 1 event(s) were dropped so far"} : lines{}));
}

// Many small rows that are dropped make no room for as many large events.
TEST_CASE("a buffer that drops the oldest has its limit in bytes", "[journal]") {
  journal_place at;
  at.how.settings.full = config::journal_policy::drop_oldest;
  shelf target;
  journal_scene s{at, target};  // its thread does not run
  const std::string small(10'000, 's');
  while (s.out.waiting() < journal::buffer_limit) s.add(small);
  const std::string large(4u << 20, 'l');
  for (int i = 0; i < 8; ++i) {
    s.add(large);
    CHECK(s.out.waiting() < journal::buffer_limit + large.size() + 1000);
  }
}

TEST_CASE("a full journal is told once, and again when it takes events", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  shelf target;
  target.failed = "no disk";
  journal_scene s{at, target};
  s.start();
  for (int i = 0; i < 30; ++i) {
    s.add(std::to_string(i) + noise(100'000));
    s.settle();
  }
  s.pass(3s);
  CHECK(s.out.waiting() > 1'000'000);
  CHECK(std::count(s.log.lines.begin(), s.log.lines.end(),
                   "the journal is full (1048576 bytes): its sessions are held back until outputs have taken "
                   "events") == 1);
  {
    const std::lock_guard hold{target.lock};
    target.failed.clear();
  }
  s.pass(60s);
  CHECK(target.written.size() == 30);
  CHECK(s.out.waiting() == 0);
  CHECK(std::count(s.log.lines.begin(), s.log.lines.end(), "the journal takes events again") == 1);
}

TEST_CASE("what is left in the buffer is committed at the end", "[journal]") {
  const journal_place at;
  shelf target;
  {
    journal_scene s{at, target};
    s.start();
    s.settle();
    s.add("1");
    s.settle();
    s.add("2");
  }
  CHECK(numbers(*at.open(), 1) == from_to(2, 2));
}

TEST_CASE("a journal that is damaged while it runs ends with the reason", "[journal]") {
  const journal_place at;
  shelf target;
  journal_scene s{at, target};
  std::string ended;
  asio::co_spawn(s.loop, s.kept.run(),
                 [&](const std::exception_ptr&, std::string why) { ended = std::move(why); });
  // More than SQLite keeps in memory, and all of it in the file itself.
  for (int i = 0; i < 600; ++i) s.add(noise(9000));
  s.pass(1s);
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(at.how.settings.file.c_str(), &other) == SQLITE_OK);
  CHECK(sqlite3_exec(other, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(other);
  std::string bytes = content_of(at.how.settings.file);
  std::fill(bytes.begin() + 4096, bytes.end(), 'x');
  write_file(at.how.settings.file, bytes);
  CHECK(ended.empty());
  s.tasks.spawn(1, s.out.run());
  s.pass(20s);
  CHECK(ended.find("malformed") != std::string::npos);
  CHECK(s.kept.is_broken());
  CHECK(s.log.lines.empty());
}

TEST_CASE("a journal of one's own has numbers that go on over all runs", "[journal]") {
  const journal_place at;
  shelf target;
  for (int run = 0; run < 3; ++run) {
    journal_scene s{at, target};
    s.start();
    s.add("x");
    s.pass(1s);
  }
  CHECK(at.open()->last() == 3);
}
