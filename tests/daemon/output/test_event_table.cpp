// Which column of a table a value stands in.
#include "daemon/output/event_table.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;

namespace {

const name_rules short_names{.longest = 12, .reserved = {"xmin"}};

std::string given(event_table& table, const std::string& key) {
  const std::string column = table.name_for(key);
  table.assign(key, column);
  return column;
}

}  // namespace

TEST_CASE("a name that another column has gets underscores", "[event_table]") {
  event_table table{{.folds_case = true, .longest = 100, .allows_empty = true}};
  for (const char* own : {"_time", "_session", "_event_id"}) table.add(own);
  const std::pair<const char*, const char*> rows[] = {
      {"e", "e"}, {"E", "E_"}, {"_time", "_time_"}, {"_time_", "_time__"}, {"", ""}, {"_more", "_more"}};
  for (const auto& [key, column] : rows) CHECK(given(table, key) == column);
  CHECK(table.find("E") == 4);
  CHECK(table.find("_session") == std::nullopt);
}

TEST_CASE("without folding, letters of either case are names of their own", "[event_table]") {
  event_table table{{.longest = 63}};
  CHECK(given(table, "e") == "e");
  CHECK(given(table, "E") == "E");
}

TEST_CASE("a name that a database cannot have gets a hash, and no half character", "[event_table]") {
  event_table table{short_names};
  CHECK(given(table, "abcdefghijkl") == "abcdefghijkl");
  const std::string one = given(table, "abcdefghijklm");
  const std::string other = given(table, "abcdefghijkln");
  CHECK(one.size() == 12);
  CHECK(one.substr(0, 4) == "abc_");
  CHECK(one != other);
  CHECK(given(table, "ab\xc3\xa4-and-more").substr(0, 3) == "ab_");
  CHECK(given(table, "").size() == 9);
  CHECK(given(table, std::string("a\0b", 3)).find('\0') == std::string::npos);
  CHECK(given(table, "xmin") == "xmin_");
}

TEST_CASE("a later run finds the columns that were made for the same keys", "[event_table]") {
  const std::string keys[] = {"a", "abcdefghijklm", "abcdefghijkln", "xmin", "", "_time"};
  event_table first{short_names};
  first.add("_time");
  for (const std::string& key : keys) (void)given(first, key);
  event_table second{short_names};
  for (const std::string& column : first.columns()) second.add(column);
  for (const std::string& key : keys) {
    INFO(key);
    const auto known = second.find(key);
    const std::string column = known ? second.columns()[*known] : given(second, key);
    CHECK(column == first.columns()[first.find(key).value()]);
  }
}

TEST_CASE("neither many keys nor long ones make a table large", "[event_table]") {
  event_table table{{.longest = 2'000}};
  CHECK(table.takes(std::string(event_table::longest_key, 'k')));
  CHECK_FALSE(table.takes(std::string(event_table::longest_key + 1, 'k')));
  for (std::size_t i = 0; i + 1 < event_table::most_columns; ++i) (void)given(table, std::to_string(i));
  CHECK(table.takes("k"));
  CHECK_FALSE(table.takes("k", 1));
  (void)given(table, "k");
  CHECK_FALSE(table.takes("l"));
}

TEST_CASE("tables of events", "[event_table]") {
  const auto name_of = [](const session_event& happened, const name_rules& rules) {
    record_batch batch;
    batch.add(happened, "{}");
    return event_table::name_of(batch[0], rules);
  };
  CHECK(name_of(reply_event("trade"), {.longest = 63}) == "trade");
  CHECK(name_of({.what = session_event::kind::note, .name = "gap"}, {.longest = 63}) == "_events");
  CHECK(name_of(reply_event("_Places"), {.folds_case = true, .longest = 63}) == "_Places_");
  CHECK(name_of(reply_event("_Places"), {.longest = 63}) == "_Places");
  CHECK(name_of(reply_event("abcdefghijklm"), short_names).size() == 12);
}
