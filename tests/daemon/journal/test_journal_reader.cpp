// What is read of a journal without changing it.
#include "daemon/journal/journal_mark.hpp"
#include "daemon/journal/journal_reader.hpp"
#include "tests/daemon/journal/journal_place.hpp"

using namespace duplexd;
using namespace duplexd::test;

namespace {

std::unique_ptr<journal_reader> look_at(const journal_place& at) {
  auto made = journal_reader::open(at.how.settings.file);
  INFO(made.error);
  REQUIRE(made.reader != nullptr);
  return std::move(made.reader);
}

void change(const journal_place& at, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(at.how.settings.file.c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

std::vector<std::uint64_t> read_all(journal_reader& from, std::uint64_t after) {
  std::vector<std::uint64_t> found;
  for (bool more = true; more;) {
    journal_reader::part part;
    REQUIRE(from.read("o", after, part));
    for (std::size_t i = 0; i < part.records.size(); ++i) found.push_back(part.records[i].number);
    after = part.reached;
    more = !part.end;
  }
  return found;
}

}  // namespace

TEST_CASE("a reader counts what each output has and waits for, beside the writer", "[journal]") {
  const journal_place at;
  const auto made = at.open();
  put(*made, {row_of(1, 5), row_of(6, 7, "other"), row_of(8, 9)}, {{"o", 3}});
  const auto reader = look_at(at);
  journal_reader::summary all;
  REQUIRE(reader->summarize(all));
  CHECK(all.id == made->id());
  CHECK(all.given == 9);
  CHECK(all.first == 1);
  CHECK(all.last == 9);
  CHECK(all.bytes > 4096);
  REQUIRE(all.outputs.size() == 2);
  CHECK(all.outputs["o"].place == 3);
  CHECK(all.outputs["o"].records == 7);
  CHECK(all.outputs["o"].waiting == 4);  // 4, 5, 8, 9: a batch was taken in part
  CHECK(all.outputs["other"].place == 0);
  CHECK(all.outputs["other"].waiting == 2);
  put(*made, {row_of(10, 10)});  // who reads does not lock
  CHECK(read_all(*reader, 4) == std::vector<std::uint64_t>{5, 8, 9, 10});
}

TEST_CASE("a reader gives large journals in parts", "[journal]") {
  const journal_place at;
  const auto made = at.open();
  const std::string large(journal_reader::part_bytes / 2, 'x');
  put(*made, {row_of(1, 1, "o", large), row_of(2, 2, "o", large), row_of(3, 3, "o", large)});
  const auto reader = look_at(at);
  journal_reader::part part;
  REQUIRE(reader->read("o", 0, part));
  CHECK(part.records.size() == 2);
  CHECK_FALSE(part.end);
  CHECK(read_all(*reader, 0) == from_to(1, 3));
  CHECK(reader->check().batches == 3);
}

TEST_CASE("a check names each batch that is not what was written", "[journal]") {
  const journal_place at;
  {
    const auto made = at.open();
    put(*made, {row_of(1, 3), row_of(4, 5), row_of(6, 7)});
    made->close();
  }
  CHECK(look_at(at)->check().mistakes.empty());
  change(at,
         "UPDATE batches SET records = zeroblob(40) WHERE first = 4; UPDATE batches SET count = 3 WHERE "
         "first = 6");
  const auto reader = look_at(at);
  const auto found = reader->check();
  CHECK(found.batches == 3);
  CHECK(found.mistakes == lines{"batch 4 of output o: its checksum is another one",
                                "batch 6 of output o: its records are not what it says"});
  journal_reader::part part;
  REQUIRE(reader->read("o", 0, part));
  CHECK(part.damaged == 2);
  CHECK(part.records.size() == 5);
}

TEST_CASE("what is no journal is not read, and a newer one not moved aside", "[journal]") {
  using problem = journal_reader::problem;
  const journal_place at;
  const std::string& file = at.how.settings.file;
  const auto cannot = [&](const std::string& why) {
    return "the journal " + file + " cannot be read: " + why;
  };
  const auto missing = journal_reader::open(file);
  CHECK(missing.what == problem::missing);
  CHECK(missing.error == cannot("there is no such file"));
  write_file(file, "this is no database at all, and long enough to be looked at");
  CHECK(journal_reader::open(file).what == problem::damaged);
  fs::remove(file);
  change(at, "CREATE TABLE other (a)");
  const auto other = journal_reader::open(file);
  CHECK(other.what == problem::unusable);
  CHECK(other.error == cannot(journal_mark_mistake(0)));
  fs::remove(file);
  at.open()->close();
  change(at, ("PRAGMA application_id=" + std::to_string(journal_mark + 1)).c_str());
  const std::string newer =
      "a newer version of duplexd made it; use that version, or give the journal another path";
  CHECK(journal_reader::open(file).error == cannot(newer));
  const auto opened = journal_file::open(at.how, some_day);
  CHECK(opened.file == nullptr);
  CHECK(opened.error == "the journal " + file + " cannot be used: " + newer);
  CHECK(opened.moved_to.empty());
}

TEST_CASE("an operator deletes what was taken, or all of one output", "[journal]") {
  const journal_place at;
  {
    auto keeping = at.how;
    keeping.settings.keep = std::chrono::hours{1};
    auto opened = journal_file::open(keeping, some_day);
    REQUIRE(opened.file != nullptr);
    put(*opened.file, {row_of(1, 3), row_of(4, 5), row_of(6, 7, "other")}, {{"o", 4}});
  }
  const auto made = at.open();
  CHECK(made->prune("").records == 3);
  CHECK(numbers(*made) == from_to(4, 5));
  CHECK(made->place_of("o") == 4);
  CHECK(made->prune("other").records == 2);
  CHECK(numbers(*made, 0, "other").empty());
  CHECK(numbers(*made) == from_to(4, 5));
  CHECK(made->last() == 7);  // numbers are never given again
  CHECK(made->prune("none").records == 0);
}

TEST_CASE("who only prunes does not move a damaged journal", "[journal]") {
  const journal_place at;
  write_file(at.how.settings.file, std::string(10'000, 'x'));
  auto how = at.how;
  how.moves_damaged = false;
  const auto opened = journal_file::open(how, some_day);
  CHECK(opened.file == nullptr);
  CHECK(opened.moved_to.empty());
  CHECK(content_of(at.how.settings.file).size() == 10'000);
}
