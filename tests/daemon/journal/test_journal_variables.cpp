// Durable variables in the journal: in one commit with the events before them, never without.
#include "tests/daemon/journal/journal_scene.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

using values = std::map<std::string, std::string>;

const journal_file::variables one{{{"s", "last"}, "1"}};

void put_variables(journal_file& to, const journal_file::variables& what) {
  const auto made = to.commit({}, {}, some_day, what);
  INFO(made.failed);
  CHECK(made.failed.empty());
}

/// Another program holds SQLite's lock: nothing can be committed.
class busy_place {
 public:
  explicit busy_place(const journal_place& at) {
    REQUIRE(sqlite3_open(at.how.settings.file.c_str(), &database_) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  ~busy_place() { sqlite3_close(database_); }
  busy_place(const busy_place&) = delete;
  busy_place& operator=(const busy_place&) = delete;

 private:
  sqlite3* database_ = nullptr;
};

/// Of the variable, as another program sees it.
std::uint64_t stored_value(const journal_place& at) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(at.how.settings.file.c_str(), &database) == SQLITE_OK);
  std::uint64_t value = 0;
  const auto take = [](void* to, int /*columns*/, char** texts, char** /*names*/) {
    *static_cast<std::uint64_t*>(to) = std::stoull(texts[0]);
    return 0;
  };
  CHECK(sqlite3_exec(database, "SELECT value FROM variables", take, &value, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  return value;
}

values kept_after(const journal_place& at) {
  shelf none;
  const journal_scene s{at, none};
  return s.kept.kept("s");
}

}  // namespace

TEST_CASE("a file has its variables after it was opened again", "[journal]") {
  const journal_place at;
  {
    const auto file = at.open();
    CHECK(file->stored_variables().empty());
    put_variables(*file, {{{"s", "a"}, "\"x\""}, {{"s", "b"}, "1"}, {{"t", "a"}, "2"}});
    put_variables(*file, {{{"s", "a"}, "3"}});
  }
  CHECK(at.open()->stored_variables() ==
        journal_file::variables{{{"s", "a"}, "3"}, {{"s", "b"}, "1"}, {{"t", "a"}, "2"}});
  CHECK(kept_after(at) == values{{"a", "3"}, {"b", "1"}});
}

// Journals that were made before there were variables.
TEST_CASE("a file without a table of variables gets one", "[journal]") {
  const journal_place at;
  at.open()->close();
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(at.how.settings.file.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, "DROP TABLE variables", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  put_variables(*at.open(), one);
  CHECK(at.open()->stored_variables() == one);
}

TEST_CASE("what has no room takes its variables with it", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  const auto file = at.open();
  put(*file, {row_of(1, 1, "o", noise(600'000))});
  const auto made = file->commit({row_of(2, 2, "o", noise(600'000))}, {}, some_day, one);
  CHECK(made.full);
  CHECK(made.rows == 0);
  CHECK(file->commit({row_of(2, 2, "o", noise(600'000))}, {{"o", 1}}, some_day, one).rows == 1);
}

TEST_CASE("a variable is committed with the event before it", "[journal]") {
  const journal_place at;
  shelf target;
  {
    journal_scene s{at, target};
    s.start();
    s.pass(1s);
    s.add("1");
    s.kept.keep("s", "last", "1");
    s.add("2");
    CHECK(s.kept.given() == 2);
    CHECK(s.kept.committed() == 0);
    s.pass(1s);
    CHECK(s.kept.committed() == 2);
  }
  CHECK(kept_after(at) == values{{"last", "1"}});
}

TEST_CASE("a variable without an event is committed soon, and at the end", "[journal]") {
  const journal_place at;
  shelf target;
  {
    journal_scene s{at, target};
    s.start();
    s.kept.keep("s", "last", "1");
    s.pass(1s);
    s.kept.keep("s", "last", "2");
    CHECK(s.kept.kept("s") == values{{"last", "2"}});
  }
  CHECK(kept_after(at) == values{{"last", "2"}});
}

TEST_CASE("what was forgotten is not there any more, and may come again", "[journal]") {
  const journal_place at;
  put_variables(*at.open(), {{{"s", "a"}, "1"}, {{"s", "b"}, "2"}, {{"s", "c"}, "3"}, {{"t", "a"}, "4"}});
  shelf target;
  {
    journal_scene s{at, target};
    s.start();
    s.kept.forget("s", "a");
    s.kept.forget("s", "none");
    CHECK(s.kept.kept("s") == values{{"b", "2"}, {"c", "3"}});
    s.pass(1s);
    s.kept.keep("s", "c", "5");
    s.kept.forget("s", "c");
    s.kept.forget("s", "b");
    s.kept.keep("s", "b", "6");
  }
  CHECK(kept_after(at) == values{{"b", "6"}});
  CHECK(at.open()->stored_variables() == journal_file::variables{{{"s", "b"}, "6"}, {{"t", "a"}, "4"}});
}

// Whoever waits is woken by the failure, too, and finds that nothing is committed.
TEST_CASE("a commit that fails moves nothing, and is tried again with what came meanwhile", "[journal]") {
  const journal_place at;
  shelf target;
  {
    journal_scene s{at, target};
    s.start();
    s.settle();
    unsigned woken = 0;
    asio::co_spawn(s.loop, s.kept.wait_committed(), [&](const std::exception_ptr&) { ++woken; });
    {
      const busy_place other{at};
      s.add("1");
      s.kept.keep("s", "last", "1");
      s.pass(100ms);
      s.add("2");
      s.kept.keep("s", "last", "2");
      s.pass(100ms);
      CHECK(woken == 1);
      CHECK(s.kept.committed() == 0);
      CHECK(s.kept.given() == 2);
    }
    s.pass(10s);
    CHECK(s.kept.committed() == 2);
  }
  CHECK(kept_after(at) == values{{"last", "2"}});
}

TEST_CASE("a full journal commits no variable before the events that came first", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  shelf target;
  target.failed = "no disk";
  {
    journal_scene s{at, target};
    s.start();
    for (int i = 1; i <= 30; ++i) {
      s.add(noise(100'000));
      s.kept.keep("s", "last", std::to_string(i));
      s.settle();
      s.time.run_for(journal_plan::commit_interval);
    }
    s.pass(3s);
    const std::uint64_t stopped = s.kept.committed();
    CHECK(stopped > 0);
    CHECK(stopped < 30);
    CHECK(stored_value(at) <= stopped);
    CHECK(stored_value(at) > 0);
    const std::lock_guard hold{target.lock};
    target.failed.clear();
  }
  {
    journal_scene s{at, target};
    s.start();
    s.pass(60s);
    CHECK(s.kept.committed() == s.kept.given());
  }
}

TEST_CASE("what was committed before the journal was opened counts", "[journal]") {
  const journal_place at;
  put(*at.open(), {row_of(1, 5)});
  shelf target;
  const journal_scene s{at, target};
  CHECK(s.kept.given() == 5);
  CHECK(s.kept.committed() == 5);
}

// An output that has no events between those of another.
TEST_CASE("what is committed ends before the first event of any output that is not", "[journal]") {
  journal_place at;
  at.how.settings.size = 1u << 20;
  at.how.outputs = {"o", "p"};
  shelf target;
  target.failed = "no disk";
  journal_scene s{at, target};
  const auto second = s.kept.add("p");
  s.start();
  for (int i = 0; i < 12; ++i) {
    s.add(noise(100'000));
    s.settle();
    s.time.run_for(journal_plan::commit_interval);
  }
  s.kept.append(second, reply_event(), "x");
  s.pass(3s);
  CHECK(s.kept.given() == 13);
  CHECK(s.kept.committed() < 12);
}
