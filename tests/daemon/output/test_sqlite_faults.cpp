// SQLite as an output whose disk fails.
#include <string>

#include "tests/daemon/output/failing_vfs.hpp"
#include "tests/daemon/output/sqlite_place.hpp"

using namespace duplexd;
using namespace duplexd::test;

namespace {

constexpr std::uint64_t events = 6;
constexpr std::uint64_t at_once = 2;

/// The next events, of a journal.
record_batch batch_from(std::uint64_t first) {
  record_batch made;
  made.set_journal("J");
  for (std::uint64_t n = first; n < first + at_once; ++n)
    made.add(reply_event(), R"({"n":)" + std::to_string(n) + R"(,"text":")" + std::string(5000, 'x') + "\"}",
             n);
  return made;
}

/// Writes all of them, from wherever the database is: what failed again, and what a database that keeps its
/// place has not. How often it failed.
int write_all(sqlite_writer& writer, failing_vfs& disk, std::uint64_t next, bool durable) {
  int failures = 0;
  while (next <= events) {
    const auto made = writer.write(batch_from(next));
    next += made.written;
    if (made.failed.empty()) continue;
    REQUIRE(++failures < 10);
    disk.mend();
    if (!durable) continue;
    const auto place = writer.find_place("J");
    REQUIRE(place.failed.empty());
    next = place.number + 1;
  }
  return failures;
}

}  // namespace

// Every call in turn: what a database has is never half a batch, and never twice.
TEST_CASE("a disk that fails at any moment loses nothing and doubles nothing", "[sqlite][faults]") {
  const bool durable = GENERATE(false, true);
  const bool for_good = GENERATE(false, true);
  const bool has_tables = GENERATE(false, true);
  CAPTURE(durable, for_good, has_tables);
  std::size_t calls = 0;
  int failures = 0;
  for (bool more = true; more; ++calls) {
    sqlite_place at;
    at.settings.durable = durable;
    failing_vfs disk;
    {
      sqlite_writer writer{at.settings};
      if (has_tables) put(writer, batch_from(1));
      disk.fail_after(calls, for_good);
      failures += write_all(writer, disk, has_tables ? 1 + at_once : 1, durable);
      more = disk.has_failed();
      disk.mend();
    }
    INFO("after " << calls << " calls");
    REQUIRE(at.ask("SELECT group_concat(n) FROM (SELECT n FROM tick ORDER BY rowid)") ==
            lines{"1,2,3,4,5,6"});
    REQUIRE(at.ask("PRAGMA integrity_check") == lines{"ok"});
  }
  CHECK(calls > 10);
  CHECK(failures > 10);
}
