// Durable commands on the disk: what is written, what is left after a crash or a power cut, and the bounds.
#include "daemon/journal/command_book.hpp"
#include "tests/daemon/journal/journal_scene.hpp"
#include "tests/daemon/journal/power_cut_vfs.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using stage_of = kept_command::stage;

namespace {

kept_command command_of(std::uint64_t number, stage_of at = stage_of::accepted, std::string values = "{}") {
  kept_command made{.number = number,
                    .session = "s",
                    .source = "",
                    .id = std::to_string(number),
                    .command = "buy",
                    .values = std::move(values),
                    .at = at,
                    .accepted = some_day,
                    .ttl = 10s};
  if (at != stage_of::accepted) made.attempts = 1;
  if (at == stage_of::ended) made.end = "written";
  return made;
}

std::vector<kept_command> stored(journal_file& in) {
  std::vector<kept_command> found;
  const auto made = command_store::load(in, found);
  INFO(made.failed);
  REQUIRE(made.failed.empty());
  return found;
}

/// "1 accepted 0", number, state and attempts of each.
lines words_of(const std::vector<kept_command>& all) {
  lines found;
  for (const kept_command& each : all)
    found.push_back(std::to_string(each.number) + " " +
                    (each.at == stage_of::accepted  ? "accepted"
                     : each.at == stage_of::sending ? "sending"
                                                    : each.end) +
                    " " + std::to_string(each.attempts));
  return found;
}

/// Commits many changes and cuts the power after each: how many commits are missing then, at most.
std::size_t missing_after_cuts(const char* synchronous) {
  journal_place at;
  power_cut_vfs disk;
  at.how.vfs = power_cut_vfs::name;
  at.how.synchronous = synchronous;
  journal_file::options after = at.how;
  after.vfs = nullptr;
  after.settings.file = (at.path / "after" / "j.db").string();
  const auto made = at.open();
  CHECK(stored(*made).empty());
  std::size_t missing = 0;
  constexpr std::array states{stage_of::accepted, stage_of::sending, stage_of::ended};
  for (std::uint64_t n = 1; n <= 12; ++n)
    for (const stage_of state : states) {
      const std::string values(n % 4 == 0 ? 900'000 : 50, ' ');
      REQUIRE(command_store::write(*made, {.rows = {command_of(n, state, "{}" + values)}}).failed.empty());
      fs::remove_all(at.path / "after");
      fs::create_directories(at.path / "after");
      for (const auto& [path, content] : disk.synced)
        write_file(at.path / "after" / fs::path(path).filename(), content);
      const auto left = journal_file::open(after, some_day);
      REQUIRE(left.file != nullptr);
      CHECK(left.moved_to.empty());
      const auto found = stored(*left.file);
      const bool is_there = !found.empty() && found.back().number == n && found.back().at == state;
      missing += is_there ? 0 : 1;
    }
  return missing;
}

/// A journal with its commands on a virtual clock; the thread is waited for.
struct book_scene {
  explicit book_scene(const journal_place& place, std::chrono::milliseconds remember = 1h)
      : kept(
            loop.get_executor(), time, log, [] { return 0.5; }, place.how.settings, place.open()),
        book(loop.get_executor(), time, log, kept, remember) {
    tasks.spawn(0, kept.run());
  }
  ~book_scene() {
    tasks.cancel_all();
    asio::co_spawn(loop, tasks.join(), asio::detached);
    settle();
  }
  book_scene(const book_scene&) = delete;
  book_scene& operator=(const book_scene&) = delete;

  void settle() {
    std::size_t done = 1;
    while (done != 0 || kept.at_work()) {
      if (done == 0) std::this_thread::yield();
      loop.restart();
      done = loop.poll();
    }
  }
  command_keeper::done note(const std::string& what) {
    return
        [this, what](const std::string& failed) { told.push_back(what + (failed.empty() ? "" : " failed")); };
  }
  std::uint64_t accept(const std::string& id, std::string values = "{}") {
    kept_command what = command_of(0, stage_of::accepted, std::move(values));
    what.id = id;
    what.accepted = time.wall();
    error.clear();
    return book.accept(std::move(what), error, note("accepted " + id));
  }

  asio::io_context loop{1};
  virtual_clock time{loop};
  duplexd::test::told log;
  journal kept;
  command_book book;
  lines told;
  std::string error;
  task_group<std::string> tasks{loop.get_executor()};
};

/// Another program holds SQLite's lock: nothing can be committed.
class lock_holder {
 public:
  explicit lock_holder(const journal_place& at) {
    REQUIRE(sqlite3_open(at.how.settings.file.c_str(), &database_) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  ~lock_holder() { sqlite3_close(database_); }
  lock_holder(const lock_holder&) = delete;
  lock_holder& operator=(const lock_holder&) = delete;

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace

TEST_CASE("every member of a command comes back", "[commands]") {
  const journal_place at;
  kept_command what{.number = 7,
                    .session = "s",
                    .source = "partner",
                    .id = std::string("a\0b", 3),
                    .command = "buy",
                    .values = R"({"key":"${credential:key}"})",
                    .at = stage_of::ended,
                    .attempts = 3,
                    .accepted = some_day,
                    .ttl = 5s,
                    .end = "confirmed",
                    .why = "w",
                    .reply = "bought",
                    .data = R"({"n":1})",
                    .ended = some_day + 1s};
  {
    const auto file = at.open();
    CHECK(stored(*file).empty());
    REQUIRE(command_store::write(*file, {.rows = {what}}).failed.empty());
  }
  const auto file = at.open();
  const auto found = stored(*file);
  REQUIRE(found.size() == 1);
  const kept_command& it = found[0];
  CHECK(std::tie(it.number, it.session, it.source, it.id, it.command, it.values, it.at, it.attempts,
                 it.accepted, it.ttl, it.end, it.why, it.reply, it.data,
                 it.ended) == std::tie(what.number, what.session, what.source, what.id, what.command,
                                       what.values, what.at, what.attempts, what.accepted, what.ttl, what.end,
                                       what.why, what.reply, what.data, what.ended));
  REQUIRE(command_store::write(*file, {.rows = {}, .forgotten = {7}}).failed.empty());
  CHECK(stored(*file).empty());
}

// Another program wrote it: nothing overflows.
TEST_CASE("times that nobody could have written are bounded", "[commands]") {
  const journal_place at;
  const auto file = at.open();
  CHECK(stored(*file).empty());
  kept_command what = command_of(1);
  REQUIRE(command_store::write(*file, {.rows = {what}}).failed.empty());
  REQUIRE(file->transact([](sqlite3* database) {
                return sqlite3_exec(
                           database,
                           "UPDATE commands SET accepted = 9223372036854775807, ttl = 9223372036854775807, "
                           "attempts = -1, ended = -5",
                           nullptr, nullptr, nullptr) == SQLITE_OK;
              })
              .failed.empty());
  const auto found = stored(*file);
  REQUIRE(found.size() == 1);
  CHECK(found[0].attempts == 0);
  CHECK(found[0].ttl == std::chrono::hours{8760});
  CHECK(time_left(found[0], some_day) == found[0].ttl);
}

TEST_CASE("a command may wait for its ttl, whatever the clock does", "[commands]") {
  const kept_command what = command_of(1);
  CHECK(time_left(what, some_day) == 10s);
  CHECK(time_left(what, some_day + 4s) == 6s);
  CHECK(time_left(what, some_day + 10s - 1ms) == 1ms);
  CHECK(time_left(what, some_day + 10s) == 0s);
  CHECK(time_left(what, some_day + 24h * 365) == 0s);
  CHECK(time_left(what, some_day - 24h * 365) == 10s);  // set back: not for longer
}

TEST_CASE("after a power cut every state of a command that was committed is there", "[commands]") {
  CHECK(missing_after_cuts("FULL") == 0);
}

// So the test above would find it.
TEST_CASE("with synchronous=NORMAL a power cut would cost states of commands", "[commands]") {
  CHECK(missing_after_cuts("NORMAL") > 0);
}

TEST_CASE("what comes in one turn is told when it is on the disk, and is there in the next run",
          "[commands]") {
  const journal_place at;
  {
    book_scene s{at};
    const auto a = s.accept("a");
    const auto b = s.accept("b");
    CHECK(s.told.empty());
    s.settle();
    CHECK(s.told == lines{"accepted a", "accepted b"});
    s.accept("c");
    s.book.mark(a, s.note("marked"));
    s.book.mark(b, s.note("marked"));
    s.settle();
    s.book.end(b, {.state = "confirmed", .why = "", .reply = "r", .data = "{}"}, s.note("ended"));
    s.settle();
    CHECK(s.told == lines{"accepted a", "accepted b", "accepted c", "marked", "marked", "ended"});
    s.book.unmark(a, true);
  }
  book_scene s{at};
  CHECK(words_of(s.book.open_of("s")) == lines{"1 accepted 1", "3 accepted 0"});
  CHECK(words_of(s.book.ended()) == lines{"2 confirmed 1"});
  CHECK(s.book.ended()[0].values.empty());
  CHECK(s.book.open_of("other").empty());
  CHECK(s.book.find("s", "", "b")->reply == "r");
  CHECK(s.book.find("s", "partner", "b") == nullptr);
  CHECK(s.accept("d") == 4);
}

TEST_CASE("an end may be told once it is on the disk", "[commands]") {
  const journal_place place;
  {
    book_scene s{place};
    const auto number = s.accept("a");
    s.settle();
    const auto is_settled = [&s] { return s.book.is_settled(*s.book.find("s", "", "a")); };
    CHECK_FALSE(is_settled());
    s.book.end(number, {"written", "", "", ""}, s.note("ended"));
    CHECK(s.book.find("s", "", "a")->at == stage_of::ended);
    CHECK_FALSE(is_settled());
    s.settle();
    CHECK(is_settled());
  }
  book_scene again{place};
  CHECK(again.book.is_settled(*again.book.find("s", "", "a")));
}

TEST_CASE("an id is known for the stated time after the end, over restarts", "[commands]") {
  const journal_place at;
  {
    book_scene s{at, 10min};
    s.book.end(s.accept("a"), {.state = "written"}, {});
    s.accept("open");
    s.settle();
    s.time.run_for(10min - 1ms);
    CHECK(s.book.find("s", "", "a") != nullptr);
  }
  book_scene s{at, 10min};
  CHECK(s.book.find("s", "", "a") != nullptr);
  s.time.run_for(10min);
  CHECK(s.book.find("s", "", "a") == nullptr);
  CHECK(s.book.find("s", "", "open") != nullptr);  // never while it has not ended
  s.settle();
  CHECK(words_of(s.book.ended()).empty());
}

TEST_CASE("a journal that cannot be written refuses commands, and keeps their ends until it can",
          "[commands]") {
  const journal_place at;
  book_scene s{at};
  const auto a = s.accept("a");
  const auto b = s.accept("b");
  s.settle();
  {
    const lock_holder other{at};
    s.accept("c");
    s.book.mark(b, s.note("marked b"));
    s.book.end(a, {.state = "expired"}, s.note("ended a"));
    s.settle();
    CHECK(s.told == lines{"accepted a", "accepted b", "accepted c failed", "marked b failed"});
    CHECK(s.book.find("s", "", "c") == nullptr);
    s.book.unmark(b, false);
    s.time.run_for(command_book::pause);
    s.settle();
    CHECK(s.log.lines == lines{"the journal failed: " + at.how.settings.file +
                               ": database is locked; events wait, next attempt in 1.0 s"});
  }
  s.time.run_for(command_book::pause);
  s.settle();
  CHECK(s.told.back() == "ended a");
  CHECK(s.log.lines.back() == "the journal takes events again");
  CHECK(words_of(s.book.open_of("s")) == lines{"2 accepted 0"});
}

TEST_CASE("while the journal fails so many commands are tried, and no more", "[commands][bounds]") {
  const journal_place at;
  book_scene s{at};
  {
    const lock_holder other{at};
    for (std::size_t i = 1; i < command_book::most_forgotten; ++i) s.accept("a");
    s.settle();
    CHECK(s.told.size() == command_book::most_forgotten - 1);
    CHECK(s.accept("b") != 0);
    s.time.run_for(command_book::pause);
    s.settle();
    CHECK(s.told.back() == "accepted b failed");
    CHECK(s.accept("c") == 0);
    CHECK(s.error == "the journal cannot be written: " + at.how.settings.file + ": database is locked");
    s.time.run_for(command_book::pause);
    s.settle();
    CHECK(s.accept("c") == 0);
  }
  s.time.run_for(command_book::pause);
  s.settle();
  CHECK(s.accept("c") != 0);
  s.settle();
  CHECK(s.told.back() == "accepted c");
}

TEST_CASE("so many commands are kept, and for one more the oldest that has ended is forgotten",
          "[commands][bounds]") {
  const journal_place at;
  book_scene s{at};
  for (std::size_t i = 0; i < command_book::most_commands; ++i) REQUIRE(s.accept(std::to_string(i)) != 0);
  CHECK(s.accept("more") == 0);
  CHECK(s.error == "there is no room for more durable commands");
  s.book.end(5, {.state = "expired"}, {});
  CHECK(s.accept("more") == 0);  // its end is not on the disk yet
  s.settle();
  CHECK(s.accept("more") != 0);
  CHECK(s.book.find("s", "", "4") == nullptr);
  CHECK(s.book.size() == command_book::most_commands);
  CHECK(s.accept("too many") == 0);
}

TEST_CASE("so many bytes of commands are kept", "[commands][bounds]") {
  const journal_place at;
  book_scene s{at};
  const std::string large(1u << 20, ' ');
  std::size_t taken = 0;
  while (s.accept(std::to_string(taken), large) != 0) ++taken;
  CHECK(taken == (command_book::most_bytes >> 20) - 1);
  CHECK(s.book.bytes() <= command_book::most_bytes);
  const std::string rest(command_book::most_bytes - s.book.bytes(), ' ');
  CHECK(s.accept("r", rest) == 0);
  CHECK(s.accept("r", rest.substr(1000)) != 0);
  // After an end its values are not kept any more.
  s.book.end(1, {.state = "expired"}, {});
  s.settle();
  CHECK(s.accept("next", large.substr(1000)) != 0);
}
