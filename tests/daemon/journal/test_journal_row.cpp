// Records as they stand in the journal.
#include <random>

#include "daemon/journal/journal_row.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/journal/journal_place.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;

namespace {

record_batch read(std::string_view records, std::uint64_t after = 0) {
  record_batch out;
  out.set_journal("J");
  REQUIRE(read_records(records, after, out));
  return out;
}

}  // namespace

TEST_CASE("a record comes back with all its parts", "[journal]") {
  journal_row row;
  session_event happened = reply_event("tick", "feed");
  append_record(row, 7, happened, "text");
  happened.what = session_event::kind::raw;
  append_record(row, 9, happened, std::string_view("a\0b", 3));
  CHECK(row.first == 7);
  CHECK(row.last == 9);
  CHECK(row.count == 2);
  const record_batch batch = read(row.records);
  REQUIRE(batch.size() == 2);
  CHECK(batch[0].number == 7);
  CHECK(batch[0].session == "feed");
  CHECK(batch[0].time == some_time);
  CHECK(batch[0].name == "tick");
  CHECK(batch[0].text == "text");
  CHECK(batch[0].what == session_event::kind::reply);
  CHECK(batch[1].text == std::string_view("a\0b", 3));
  CHECK(batch[1].what == session_event::kind::raw);
  CHECK(batch.id_of(batch[1]) == "J:9");
}

// What servers send repeats itself.
TEST_CASE("records are stored compressed if that makes them smaller, and come back the same", "[journal]") {
  const session_event happened = reply_event("tick", "feed");
  const auto stored_of = [&](const std::string& text) {
    journal_row row;
    append_record(row, 1, happened, text);
    const std::size_t frame = row.records.size() - text.size();
    return std::pair{stored_form(row.records), frame};
  };
  const std::size_t frame = stored_of("").second;
  const std::string least(journal_row::least_compressed - frame, 'x');
  CHECK(stored_of(least.substr(1)).first.size() == journal_row::least_compressed - 1);
  CHECK(stored_of(least).first.size() < 200);
  const std::string random = noise(5000);
  CHECK(stored_of(random).first.size() == 5000 + frame);
  for (const std::string& text : {least, random, std::string(300'000, 'y')})
    CHECK(read(stored_of(text).first)[0].text == text);
}

// Whoever can write the file can write anything: no size that it names is believed.
TEST_CASE("what is not a compressed row is refused", "[journal]") {
  journal_row row;
  append_record(row, 1, reply_event(), std::string(5000, 'x'));
  const std::string stored = stored_form(row.records);
  record_batch out;
  REQUIRE(read_records(stored, 0, out));
  for (std::size_t size = 1; size < stored.size(); ++size)
    CHECK_FALSE(read_records(stored.substr(0, size), 0, out));
  const std::string huge("\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x0f\x01\0\0", 16);  // 2^60 bytes
  CHECK_FALSE(read_records(std::string(8, '\0') + huge, 0, out));
}

// Other forms have no place for it.
TEST_CASE("an event's whole line gets its id, and nothing else does", "[journal]") {
  journal_row row;
  session_event happened = reply_event();
  happened.line = "{\"v\":1,\"data\":{}}\n";
  happened.data = "{\"v\":1,\"data\":{}}\n";
  append_record(row, 1, happened, happened.line);
  const std::string same{happened.line};
  append_record(row, 2, happened, same);
  happened.line = "{}";  // no line of ours
  append_record(row, 3, happened, happened.line);
  const record_batch batch = read(row.records);
  CHECK(batch[0].text == "{\"v\":1,\"data\":{},\"event_id\":\"J:1\"}\n");
  CHECK(batch[1].text == same);
  CHECK(batch[2].text == "{}");
}

TEST_CASE("records up to a number are left out", "[journal]") {
  journal_row row;
  for (std::uint64_t n : {3, 5, 8}) append_record(row, n, reply_event(), std::to_string(n));
  CHECK(read(row.records, 2).size() == 3);
  CHECK(read(row.records, 3).size() == 2);
  CHECK(read(row.records, 7)[0].text == "8");
  CHECK(read(row.records, 8).empty());
}

// It may come from a damaged disk. The buffer is exactly as long as what is left.
TEST_CASE("what was cut or changed is told, and adds nothing", "[journal]") {
  journal_row row;
  for (std::uint64_t n : {1, 2, 3}) append_record(row, n, reply_event(), "text" + std::to_string(n));
  const std::size_t each = row.records.size() / 3;
  for (std::size_t size = 0; size < row.records.size(); ++size) {
    const std::vector<char> part(row.records.begin(),
                                 row.records.begin() + static_cast<std::ptrdiff_t>(size));
    record_batch out;
    INFO(size);
    CHECK(read_records({part.data(), part.size()}, 0, out) == (size % each == 0));
    CHECK(out.size() == (size % each == 0 ? size / each : 0));
  }
  std::mt19937 random{1};
  for (int round = 0; round < 2000; ++round) {
    std::vector<char> bytes(row.records.begin(), row.records.end());
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    record_batch out;
    const bool good = read_records({bytes.data(), bytes.size()}, 0, out);
    CHECK((good || out.empty()));
  }
}

TEST_CASE("a name that is too long is cut", "[journal]") {
  journal_row row;
  const std::string name(0x1ffff, 'n');
  append_record(row, 1, reply_event(name), "text");
  CHECK(read(row.records)[0].name.size() == 0xffff);
  CHECK(read(row.records)[0].text == "text");
}
