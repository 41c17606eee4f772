// What an event becomes in a PostgreSQL table.
#include "daemon/module/postgres/postgres_rows.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;
using nlohmann::ordered_json;

namespace {

/// What a row holds once its table has all the columns that it needs: as the writer does it.
std::string stored(postgres_table& table, const std::string& values) {
  record_batch batch = batch_of({values});
  for (auto missing = missing_columns(table, batch[0]); !missing.empty();
       missing = missing_columns(table, batch[0]))
    for (const missing_column& each : missing) {
      const std::string column = table.columns.name_for(each.key);
      if (!table.columns.has(column))
        table.kinds[column] = kind_of(each.type == "boolean" ? "bool" : each.type);
      table.columns.assign(each.key, column);
    }
  ordered_json row = row_of(table, batch[0], "");
  CHECK(row["_time"] == some_time);
  CHECK(row["_session"] == "s");
  row.erase("_time");
  row.erase("_session");
  return row.dump();
}

}  // namespace

TEST_CASE("a value that does not fit its column's type stands in _more", "[postgres]") {
  postgres_table table;
  for (const char* values :
       {R"({"n":1,"b":true,"t":"x","j":[1]})", R"({"n":18446744073709551615,"t":5,"j":"a"})",
        R"({"n":"NaN","b":false})", R"({"n":"-Infinity"})"})
    CHECK(stored(table, values) == values);
  CHECK(stored(table, R"({"n":"n/a","b":1})") == R"({"_more":{"n":"n/a","b":1}})");
  CHECK(stored(table, R"({"n":{"a":1}})") == R"({"_more":{"n":{"a":1}}})");
  CHECK(stored(table, R"({"_more":2})") == R"({"_more":{"_more":2}})");
}

TEST_CASE("a null makes no column", "[postgres]") {
  postgres_table table;
  CHECK(stored(table, R"({"n":null})") == "{}");
  CHECK(stored(table, R"({"n":1.5})") == R"({"n":1.5})");
}

TEST_CASE("keys that have one column together lose no value", "[postgres]") {
  const bool is_there = GENERATE(true, false);
  for (const char* values : {R"({"xmin":1,"xmin_":2})", R"({"xmin_":1,"xmin":2})"}) {
    postgres_table table;
    for (const char* each : {"xmin_", "_time"}) {
      if (!is_there) continue;
      table.kinds[each] = column_kind::any;
      table.columns.add(each);
    }
    const bool is_first = std::string_view(values).starts_with(R"({"xmin":)");
    const std::string second = is_there ? R"("_more":{"xmin_":2})" : R"("xmin__":2)";
    CHECK(stored(table, values) ==
          (is_first ? R"({"xmin_":1,)" + second + "}" : R"({"xmin_":1,"_more":{"xmin":2}})"));
  }
}

TEST_CASE("a value that does not fit a column of another name stands in _more", "[postgres]") {
  postgres_table table;
  table.kinds["xmin_"] = kind_of("bool");
  table.columns.add("xmin_");
  CHECK(stored(table, R"({"xmin":"n/a"})") == R"({"_more":{"xmin":"n/a"}})");
}

TEST_CASE("values beyond the greatest number of columns share one", "[postgres]") {
  postgres_table table;
  for (std::size_t i = 0; i < event_table::most_columns - 1; ++i) {
    table.kinds["c" + std::to_string(i)] = column_kind::any;
    table.columns.add("c" + std::to_string(i));
  }
  CHECK(stored(table, R"({"a":1,"b":2,"c0":3})") == R"({"a":1,"c0":3,"_more":{"b":2}})");
  CHECK(table.columns.columns().size() == event_table::most_columns + 1);
}

TEST_CASE("what is refused for good, by SQLSTATE", "[postgres]") {
  for (const char* state : {"22003", "22P05", "23505", "23514", "44000", "54000", "P0001", "42804"})
    CHECK(is_refusal(state));
  for (const char* state :
       {"", "08006", "25006", "28P01", "40001", "42P01", "42501", "53100", "57014", "57P01"})
    CHECK_FALSE(is_refusal(state));
}
