// SQLite as an output, read by SQLite itself.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "daemon/event/timestamp.hpp"
#include "tests/daemon/output/sqlite_place.hpp"

using namespace duplexd;
using namespace duplexd::test;
namespace fs = std::filesystem;

TEST_CASE("each reply has a table, each value a column of its own type", "[sqlite]") {
  const sqlite_place at;
  sqlite_writer writer{at.settings};
  record_batch batch =
      batch_of({R"({"symbol":"EUR","n":-5,"p":1.5,"ok":true,"no":null,"l":[1,{"a":2}],"t":"007"})"});
  batch.add(reply_event("other"), R"({"symbol":"USD"})");
  put(writer, batch);
  CHECK(at.ask("SELECT * FROM tick") ==
        lines{"2026-11-21T02:13:55.123456Z|s|EUR|-5|1.5|1|-|[1,{\"a\":2}]|007"});
  CHECK(at.ask("SELECT typeof(symbol), typeof(n), typeof(p), typeof(ok), typeof(no), typeof(l), typeof(t) "
               "FROM tick") == lines{"text|integer|real|integer|null|text|text"});
  CHECK(at.ask("SELECT symbol FROM other") == lines{"USD"});
  CHECK(at.ask("PRAGMA journal_mode") == lines{"wal"});
  struct stat status{};
  REQUIRE(::stat(at.settings.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("integers that SQLite does not have are texts with all their digits", "[sqlite]") {
  const sqlite_place at;
  sqlite_writer writer{at.settings};
  put(writer,
      batch_of(
          {R"({"a":9223372036854775807,"b":9223372036854775808,"c":18446744073709551615,"d":-9223372036854775808})"}));
  CHECK(
      at.ask("SELECT a, typeof(a), b, typeof(b), c, d FROM tick") ==
      lines{
          "9223372036854775807|integer|9223372036854775808|text|18446744073709551615|-9223372036854775808"});
}

// A layout that grew, and what an earlier run has made.
TEST_CASE("columns are added when values come that had none", "[sqlite]") {
  const sqlite_place at;
  {
    sqlite_writer writer{at.settings};
    put(writer, batch_of({R"({"a":1})", R"({"b":2})"}));
  }
  sqlite_writer writer{at.settings};
  put(writer, batch_of({R"({"c":3,"a":4})"}));
  CHECK(at.ask("SELECT a, b, c FROM tick ORDER BY rowid") == lines{"1|-|-", "-|2|-", "4|-|3"});
}

// Binance has "e" and "E" in one message; SQLite knows no difference.
TEST_CASE("names that SQLite takes for the same have columns of their own, in every run", "[sqlite]") {
  const sqlite_place at;
  for (int run = 0; run < 2; ++run) {
    sqlite_writer writer{at.settings};
    put(writer, batch_of({R"({"e":"x","E":5,"_time":"mine","_session":1,"q\"x":2})"}));
  }
  CHECK(at.ask("SELECT e, E_, _time_, _session_, \"q\"\"x\", _session FROM tick") ==
        lines{"x|5|mine|1|2|s", "x|5|mine|1|2|s"});
  CHECK(at.ask("SELECT count(*) FROM pragma_table_info('tick')") == lines{"7"});
}

// A later run cannot know whose the column was made.
TEST_CASE("names that have one column together lose no value", "[sqlite]") {
  const sqlite_place at;
  for (int run = 0; run < 2; ++run) {
    sqlite_writer writer{at.settings};
    put(writer, batch_of({R"({"e":1,"E":2,"E_":3})"}));
  }
  CHECK(at.ask("SELECT e, E_, E__, _more FROM tick") == lines{"1|2|3|-", "1|2|-|{\"E_\":3}"});
}

// The hash is that of the reply's name: in another run it is the same, whichever comes first.
TEST_CASE("replies that SQLite takes for the same have tables of their own, in every run", "[sqlite]") {
  sqlite_place at;
  at.settings.indexes = {{"TICK", {"b"}}};
  const bool lower_first = GENERATE(true, false);
  {
    sqlite_writer writer{at.settings};
    put(writer, batch_of({R"({"a":1})"}, "tick"));
    put(writer, batch_of({R"({"b":"x"})"}, "TICK"));
  }
  sqlite_writer writer{at.settings};
  if (lower_first) put(writer, batch_of({R"({"a":2})"}, "tick"));
  record_batch batch = batch_of({R"({"b":"y","a":true})"}, "TICK");
  batch.add(reply_event("Tick"), R"({"c":3})");
  put(writer, batch);
  if (!lower_first) put(writer, batch_of({R"({"a":2})"}, "tick"));
  CHECK(at.ask("SELECT a FROM tick ORDER BY a") == lines{"1", "2"});
  CHECK(at.ask("SELECT b, a FROM TICK_20d6fce4 ORDER BY b") == lines{"x|-", "y|1"});
  CHECK(at.ask("SELECT c FROM Tick_ddfce5c4") == lines{"3"});
  CHECK(at.ask("SELECT count(*) FROM sqlite_schema WHERE type = 'table'") == lines{"3"});
  CHECK(at.ask("SELECT tbl_name FROM sqlite_schema WHERE type = 'index'") == lines{"TICK_20d6fce4"});
}

// Databases of before may have rows of both in it.
TEST_CASE("a table belongs to the reply that has its name", "[sqlite]") {
  const sqlite_place at;
  put(*std::make_unique<sqlite_writer>(at.settings), batch_of({R"({"a":1})"}, "TICK"));
  sqlite_writer writer{at.settings};
  put(writer, batch_of({R"({"a":2})"}, "tick"));
  put(writer, batch_of({R"({"a":3})"}, "TICK"));
  CHECK(at.ask("SELECT a FROM \"TICK\" ORDER BY a") == lines{"1", "3"});
  CHECK(at.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tick@_%' ESCAPE '@'") == lines{"1"});
}

TEST_CASE("replies with names that SQLite or the output has itself have tables of their own", "[sqlite]") {
  sqlite_place at;
  at.settings.durable = true;
  at.settings.indexes = {{"tick", {"a"}}};
  at.settings.keep.age = std::chrono::hours{1};
  for (std::uint64_t run = 1; run <= 2; ++run) {
    sqlite_writer writer{at.settings};
    record_batch batch;
    batch.set_journal("J");
    batch.add(reply_event("tick"), R"({"a":1})", 10 * run);
    for (const char* reply : {"tick.a", "_events", "_EVENTS", "_places", "_places_", "sqlite_x"})
      batch.add(reply_event(reply), R"({"a":")" + std::string(reply) + "\"}", 10 * run);
    session_event raw = reply_event();
    raw.what = session_event::kind::raw;
    batch.add(raw, R"({"event":"raw"})", 10 * run + 1);
    put(writer, batch);
    const auto rows = std::to_string(run) + "|";
    CHECK(at.ask("SELECT count(*), event FROM _events") == lines{rows + R"({"event":"raw"})"});
    CHECK(at.ask("SELECT count(*), a FROM \"tick.a_878fe08d\"") == lines{rows + "tick.a"});
    CHECK(at.ask("SELECT count(*), a FROM _events_fc4f86ab") == lines{rows + "_events"});
    CHECK(at.ask("SELECT count(*), a FROM _EVENTS_24e9efab") == lines{rows + "_EVENTS"});
    CHECK(at.ask("SELECT count(*), a FROM _places_") == lines{rows + "_places"});
    CHECK(at.ask("SELECT count(*), a FROM _places__42cbcb5b") == lines{rows + "_places_"});
    CHECK(at.ask("SELECT count(*), a FROM _sqlite_x_a4f18f62") == lines{rows + "sqlite_x"});
    CHECK(at.ask("SELECT number FROM _places") == lines{std::to_string(10 * run + 1)});
    if (run == 1) continue;
    writer.tidy();  // the events are of another day
    for (const char* table : {"tick", "_sqlite_x_a4f18f62", "_events", "_places_"})
      CHECK(at.ask(std::string("SELECT count(*) FROM ") + table) == lines{"0"});
  }
}

// The names come from a server.
TEST_CASE("columns beyond the bound share one", "[sqlite]") {
  const sqlite_place at;
  sqlite_writer writer{at.settings};
  std::string text = "{";
  for (std::size_t i = 0; i < event_table::most_columns; ++i) text += "\"k" + std::to_string(i) + "\":1,";
  text.back() = '}';
  put(writer, batch_of({text, R"({"late":5,"k0":2,"_more":7})"}));
  CHECK(at.ask("SELECT count(*) FROM pragma_table_info('tick')") ==
        lines{std::to_string(event_table::most_columns + 1)});
  CHECK(at.ask("SELECT k0, _more FROM tick") ==
        lines{"1|{\"k498\":1,\"k499\":1}", "2|{\"late\":5,\"_more\":7}"});
}

TEST_CASE("what is not a reply, or not a map, has a place as well", "[sqlite]") {
  const sqlite_place at;
  sqlite_writer writer{at.settings};
  record_batch batch = batch_of({"[1,2]", "5"});
  session_event raw = reply_event();
  raw.what = session_event::kind::raw;
  batch.add(raw, R"({"event":"raw","size":2})");
  put(writer, batch);
  CHECK(at.ask("SELECT value FROM tick") == lines{"[1,2]", "5"});
  CHECK(at.ask("SELECT _session, event FROM _events") == lines{R"(s|{"event":"raw","size":2})"});
}

TEST_CASE("indexes are made for new columns and for those that are there", "[sqlite]") {
  sqlite_place at;
  {
    sqlite_writer writer{at.settings};
    put(writer, batch_of({R"({"a":1,"b":2})"}));
  }
  at.settings.indexes = {{"tick", {"a", "c"}}};
  sqlite_writer writer{at.settings};
  put(writer, batch_of({R"({"c":3})"}));
  CHECK(at.ask("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name") ==
        lines{"tick.a", "tick.c"});
  CHECK(at.ask("EXPLAIN QUERY PLAN SELECT * FROM tick WHERE a = 1").at(0).find("tick.a") !=
        std::string::npos);
}

TEST_CASE("an index gets another name than the tables", "[sqlite]") {
  sqlite_place at;
  at.settings.indexes = {{"tick", {"a", "b"}}, {"tick.B", {"c"}}};
  for (int run = 0; run < 2; ++run) {
    sqlite_writer writer{at.settings};
    record_batch batch;
    for (const char* reply : {"tick.a", "tick.B", "tick"})
      batch.add(reply_event(reply), R"({"a":1,"b":2,"c":3})");
    put(writer, batch);
  }
  CHECK(at.ask("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' ORDER BY name") ==
        lines{"tick.B.c|tick.B", "tick.a_|tick", "tick.b_|tick"});
  CHECK(at.ask("SELECT count(*) FROM tick") == lines{"2"});
}

// All or nothing: what failed is given again.
TEST_CASE("a database that is locked or broken takes nothing, and works again later", "[sqlite]") {
  sqlite_place at;
  fs::create_directories(fs::path(at.settings.path).parent_path());
  {
    std::ofstream(at.settings.path) << "this is not a database at all, and it is long enough to be looked at";
  }
  sqlite_writer writer{at.settings};
  const auto made = writer.write(batch_of({R"({"a":1})"}));
  CHECK(made.written == 0);
  CHECK(made.failed == at.settings.path + ": file is not a database");
  fs::remove(at.settings.path);
  put(writer, batch_of({R"({"a":1})"}));
  CHECK(at.ask("SELECT a FROM tick") == lines{"1"});
  fs::remove_all(at.path / "sub");
  {
    std::ofstream(at.path / "sub") << "in the way";
  }
  CHECK(writer.write(batch_of({R"({"a":2})"})).written <= 1);
}

TEST_CASE("old rows are deleted by age, the oldest by size", "[sqlite]") {
  sqlite_place at;
  SECTION("age") {
    at.settings.keep.age = std::chrono::hours{1};
  }
  SECTION("size") {
    at.settings.keep.size = 500'000;
  }
  sqlite_writer writer{at.settings};
  for (int n = 0; n < 10; ++n)
    put(writer,
        batch_of(lines(100, R"({"n":)" + std::to_string(n) + R"(,"x":")" + std::string(1000, 'x') + "\"}")));
  session_event now = reply_event();
  const std::string time = timestamp(std::chrono::system_clock::now());
  now.time = time;
  record_batch batch;
  batch.add(now, R"({"n":99})");
  put(writer, batch);
  writer.tidy();
  const lines left = at.ask("SELECT min(n), max(n), count(*) FROM tick");
  if (at.settings.keep.age.count() != 0) {
    CHECK(left == lines{"99|99|1"});
  } else {
    const auto kept = at.ask("SELECT count(*) FROM tick").at(0);
    CHECK(std::stoi(kept) > 300);
    CHECK(std::stoi(kept) < 500);
    CHECK(left.at(0).ends_with("|99|" + kept));
  }
  CHECK(at.ask("PRAGMA freelist_count") == lines{"0"});
}

// Who reads sees a consistent state and keeps nobody from writing.
TEST_CASE("a long reader does not hold up the writer", "[sqlite]") {
  const sqlite_place at;
  sqlite_writer writer{at.settings};
  put(writer, batch_of({R"({"a":1})"}));
  sqlite_reader slow{at.settings.path};
  slow.ask("BEGIN");
  CHECK(slow.ask("SELECT count(*) FROM tick") == lines{"1"});
  put(writer, batch_of({R"({"a":2})", R"({"b":2})"}));
  CHECK(slow.ask("SELECT count(*) FROM tick") == lines{"1"});
  slow.ask("COMMIT");
  CHECK(slow.ask("SELECT count(*) FROM tick") == lines{"3"});
}

// The place is in the transaction of the rows: both or none.
TEST_CASE("a durable database keeps its place, by journal and output", "[sqlite]") {
  sqlite_place at;
  at.settings.durable = true;
  sqlite_writer writer{at.settings};
  CHECK(writer.find_place("J").is_kept);
  CHECK(writer.find_place("J").number == 0);
  record_batch batch;
  batch.set_journal("J");
  batch.add(reply_event(), R"({"a":1,"_event_id":5})", 3);
  batch.add(reply_event("_places"), R"({"a":2})", 7);
  put(writer, batch);
  CHECK(writer.find_place("J").number == 7);
  CHECK(writer.find_place("K").number == 0);
  CHECK(at.ask("SELECT a, _event_id, _event_id_ FROM tick") == lines{"1|J:3|5"});
  CHECK(at.ask("SELECT a, _event_id FROM _places_") == lines{"2|J:7"});
  CHECK(at.ask("SELECT * FROM _places") == lines{"J|o|7"});
  at.settings.name = "other";
  CHECK(sqlite_writer{at.settings}.find_place("J").number == 0);
}

TEST_CASE("a table that was made before its output was durable gets the column of ids", "[sqlite]") {
  sqlite_place at;
  put(*std::make_unique<sqlite_writer>(at.settings), batch_of({R"({"a":1})"}));
  at.settings.durable = true;
  for (std::uint64_t run = 1; run <= 2; ++run) {
    sqlite_writer writer{at.settings};
    record_batch batch;
    batch.set_journal("J");
    batch.add(reply_event(), R"({"a":2,"b":3})", run);
    put(writer, batch);
  }
  at.settings.durable = false;
  put(*std::make_unique<sqlite_writer>(at.settings), batch_of({R"({"a":4})"}));
  CHECK(at.ask("SELECT a, b, _event_id FROM tick") == lines{"1|-|-", "2|3|J:1", "2|3|J:2", "4|-|-"});
}

TEST_CASE("a place that cannot be read is told", "[sqlite]") {
  sqlite_place at;
  at.settings.durable = true;
  fs::create_directories(at.settings.path);
  const auto found = sqlite_writer{at.settings}.find_place("J");
  CHECK(found.failed == at.settings.path + ": unable to open database file");
}

// The log's size is made up: its end holds no frames.
TEST_CASE("nothing is written while a reader keeps a full write-ahead log from being reused",
          "[sqlite][bounds]") {
  const sqlite_place at;
  sqlite_writer writer{at.settings};
  put(writer, batch_of({R"({"n":1})"}));
  sqlite_reader long_reader{at.settings.path};
  long_reader.ask("BEGIN");
  CHECK(long_reader.ask("SELECT n FROM tick") == lines{"1"});
  put(writer, batch_of({R"({"n":2})"}));
  fs::resize_file(at.settings.path + "-wal", sqlite_writer::most_log);
  put(writer, batch_of({R"({"n":3})"}));
  fs::resize_file(at.settings.path + "-wal", sqlite_writer::most_log + 1);
  const auto refused = writer.write(batch_of({R"({"n":4})"}));
  CHECK(refused.written == 0);
  CHECK(refused.failed ==
        at.settings.path + ": its write-ahead log has 256 MiB and cannot shrink while another program reads");
  long_reader.ask("COMMIT");
  put(writer, batch_of({R"({"n":4})"}));
  CHECK(at.ask("SELECT n FROM tick") == lines{"1", "2", "3", "4"});
  CHECK(fs::file_size(at.settings.path + "-wal") < sqlite_writer::most_log);
}

// Rows are deleted in the order of their rowid, which a column may hide.
TEST_CASE("values that are called as SQLite calls the row have columns of their own", "[sqlite]") {
  sqlite_place at;
  at.settings.keep.age = std::chrono::hours{1};
  sqlite_writer writer{at.settings};
  put(writer, batch_of({R"({"rowid":9,"oid":8,"_ROWID_":7})", R"({"rowid":null,"oid":8,"_ROWID_":7})"}));
  CHECK(at.ask("SELECT rowid, oid, _ROWID__, _rowid_ FROM tick") == lines{"9|8|7|1", "-|8|7|2"});
  writer.tidy();
  CHECK(at.ask("SELECT count(*) FROM tick") == lines{"0"});
}

// Another program may have been told to make room, or to keep the file.
TEST_CASE("a database that was deleted or renamed is begun again", "[sqlite]") {
  const sqlite_place at;
  const fs::path kept = at.path / "kept.db";
  sqlite_writer writer{at.settings};
  put(writer, batch_of({R"({"a":1})", R"({"a":2})"}));
  const bool deleted = GENERATE(true, false);
  if (deleted)
    fs::remove(at.settings.path);
  else
    fs::rename(at.settings.path, kept);
  put(writer, batch_of({R"({"a":3})"}));
  put(writer, batch_of({R"({"a":4})"}));
  CHECK(at.ask("SELECT a FROM tick") == lines{"3", "4"});
  CHECK(at.ask("PRAGMA integrity_check") == lines{"ok"});
  if (!deleted) CHECK(sqlite_reader(kept.string()).ask("SELECT a FROM tick") == lines{"1", "2"});
}
