// The types of columns, as SQLite has them.
#include <filesystem>
#include <fstream>

#include "tests/daemon/output/sqlite_place.hpp"

using namespace duplexd;
using namespace duplexd::test;
namespace fs = std::filesystem;

// What is in a column is what SQLite itself says; text is never taken for a number.
TEST_CASE("columns have the types that the layouts say", "[sqlite][columns]") {
  sqlite_place at;
  using enum config::column_type;
  const config::table_columns columns{
      {"tick", {{"i", integer}, {"r", real}, {"t", text}, {"l", text}, {"flag", integer}}}};
  sqlite_writer writer{at.settings, columns};
  put(writer, batch_of({R"({"i":-9223372036854775808,"r":1,"t":"007","l":[1],"flag":true,"j":"007"})",
                        R"({"i":null,"r":1.5,"t":null,"l":null,"flag":null,"j":7})"}));
  CHECK(at.ask("SELECT name, type FROM pragma_table_info('tick')") ==
        lines{"_time|TEXT", "_session|TEXT", "i|INTEGER", "r|REAL", "t|TEXT", "l|TEXT", "flag|INTEGER",
              "j|ANY"});
  CHECK(at.ask("SELECT strict FROM pragma_table_list('tick')") == lines{"1"});
  CHECK(at.ask("SELECT i, r, t, l, flag, j FROM tick") ==
        lines{"-9223372036854775808|1.0|007|[1]|1|007", "-|1.5|-|-|-|7"});
  CHECK(at.ask("SELECT typeof(i), typeof(r), typeof(t), typeof(l), typeof(flag), typeof(j) FROM tick") ==
        lines{"integer|real|text|text|integer|text", "null|real|null|null|null|integer"});
}

// What a server may call its values: a long name would stand in each statement, U+0000 in none.
TEST_CASE("any name of a value is stored", "[sqlite][columns]") {
  sqlite_place at;
  const std::string long_name(event_table::longest_key, 'l');
  const auto event = [](const std::string& name, const std::string& value) {
    return "{\"" + name + "\":" + value + "}";
  };
  for (const char* value : {"1", "2"}) {  // in each run
    sqlite_writer writer{at.settings, {}};
    put(writer, batch_of({event("a_b", value), event("a\\u0000b", value), event(long_name, value),
                          event(long_name + "l", value), event("", value)}));
  }
  const auto columns = at.ask("SELECT name FROM pragma_table_info('tick')");
  CHECK(columns.size() == 7);
  CHECK(columns[3].starts_with("a_b_"));
  CHECK(columns[4] == long_name);
  CHECK(at.ask("SELECT a_b FROM tick WHERE a_b IS NOT NULL") == lines{"1", "2"});
  CHECK(at.ask("SELECT \"" + columns[3] + "\" FROM tick WHERE \"" + columns[3] + "\" IS NOT NULL") ==
        lines{"1", "2"});
  CHECK(at.ask("SELECT json_extract(_more, '$." + long_name + "l') FROM tick WHERE _more IS NOT NULL") ==
        lines{"1", "2"});
  CHECK(at.ask("SELECT \"\" FROM tick WHERE \"\" IS NOT NULL") == lines{"1", "2"});
}

TEST_CASE("numbers beyond 64 bits and beyond a double are texts with their digits", "[sqlite][columns]") {
  sqlite_place at;
  sqlite_writer writer{at.settings, {}};
  put(writer, batch_of({R"({"n":99999999999999999999,"x":1e309,"s":"A"})"}));
  CHECK(at.ask("SELECT n, typeof(n), x, s FROM tick") == lines{"99999999999999999999|text|1e309|A"});
}

// A layout that has changed, a server that does as it likes: nothing is refused, nothing converted.
TEST_CASE("a value that its column cannot hold unchanged stands in _more", "[sqlite][columns]") {
  sqlite_place at;
  using enum config::column_type;
  const config::table_columns columns{{"tick", {{"i", integer}, {"r", real}, {"t", text}}}};
  sqlite_writer writer{at.settings, columns};
  const auto [value, more, kept] = GENERATE(table<const char*, const char*, const char*>({
      {R"("i":"007")", R"({"i":"007"})", "null"},
      {R"("i":"5")", R"({"i":"5"})", "null"},
      {R"("i":5.0)", R"({"i":5.0})", "null"},
      {R"("i":[1])", R"({"i":[1]})", "null"},
      {R"("i":9223372036854775807)", "-", "integer"},
      {R"("i":9223372036854775808)", R"({"i":9223372036854775808})", "null"},
      {R"("r":"nan")", R"({"r":"nan"})", "null"},
      {R"("r":"-inf")", R"({"r":"-inf"})", "null"},
      {R"("r":true)", R"({"r":true})", "null"},
      {R"("r":9007199254740992)", "-", "real"},
      {R"("r":9007199254740993)", R"({"r":9007199254740993})", "null"},
      {R"("r":-9007199254740993)", R"({"r":-9007199254740993})", "null"},
      {R"("r":18446744073709551615)", R"({"r":18446744073709551615})", "null"},
      {R"("t":7)", R"({"t":7})", "null"},
      {R"("t":false)", R"({"t":false})", "null"},
      {R"("t":"nan")", "-", "text"},
      {R"("t":{"a":1})", "-", "text"},
  }));
  CAPTURE(value);
  put(writer, batch_of({R"({"i":1,"r":1.0,"t":"t","_more":"column"})", "{" + std::string(value) + "}"}));
  const std::string column{value[1]};
  CHECK(at.ask("SELECT ifnull(_more, '-'), typeof(" + column + ") FROM tick WHERE rowid = 2") ==
        lines{std::string(more) + "|" + kept});
  CHECK(at.ask("SELECT count(*) FROM tick") == lines{"2"});
}

TEST_CASE("columns that are there keep their types", "[sqlite][columns]") {
  sqlite_place at;
  put(*std::make_unique<sqlite_writer>(at.settings), batch_of({R"({"a":"nan","b":1})"}));
  using enum config::column_type;
  const config::table_columns columns{{"tick", {{"a", real}, {"b", text}, {"c", integer}}}};
  sqlite_writer writer{at.settings, columns};
  put(writer, batch_of({R"({"a":"nan","b":2,"c":3})", R"({"a":1.5,"b":"x","c":"y"})"}));
  CHECK(at.ask("SELECT name, type FROM pragma_table_info('tick')") ==
        lines{"_time|TEXT", "_session|TEXT", "a|ANY", "b|ANY", "c|INTEGER", "_more|TEXT"});
  CHECK(at.ask("SELECT a, b, c, _more FROM tick") ==
        lines{"nan|1|-|-", "nan|2|3|-", "1.5|x|-|{\"c\":\"y\"}"});
}

TEST_CASE("a table that somebody made keeps its own types", "[sqlite][columns]") {
  sqlite_place at;
  fs::create_directories(fs::path(at.settings.path).parent_path());
  std::ofstream(at.settings.path).flush();  // an empty database
  using enum config::column_type;
  const config::table_columns columns{{"tick", {{"more", integer}}}};
  SECTION("STRICT: what they cannot hold stands in _more") {
    sqlite_reader(at.settings.path)
        .ask("CREATE TABLE tick (_time text, _session text, a int, b Real, c TEXT, d blob, e any) STRICT");
    put(*std::make_unique<sqlite_writer>(at.settings, columns),
        batch_of(
            {R"({"a":"7","b":"7","c":7,"d":"7","e":"7","more":1})", R"({"a":1,"b":2.5,"c":"x","d":null})"}));
    CHECK(at.ask("SELECT a, b, c, d, e, more, _more FROM tick") ==
          lines{R"(-|-|-|-|7|1|{"a":"7","b":"7","c":7,"d":"7"})", "1|2.5|x|-|-|-|-"});
  }
  SECTION("not STRICT: new columns have no type, and convert nothing") {
    sqlite_reader(at.settings.path).ask("CREATE TABLE tick (_time, _session, a INTEGER)");
    put(*std::make_unique<sqlite_writer>(at.settings, columns),
        batch_of({R"({"a":"seven","b":"007","more":"007"})"}));
    CHECK(at.ask("SELECT a, b, more, typeof(b) FROM tick") == lines{"seven|007|007|text"});
  }
}
