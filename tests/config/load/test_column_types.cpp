// The columns of databases, by the layouts of replies.
#include "config/settings/column_types.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

constexpr auto integer = column_type::integer;
constexpr auto real = column_type::real;
constexpr auto text = column_type::text;

/// Of the output `d`; `sessions` are the lines of a map.
table_columns columns_in(const std::string& sessions) {
  const settings all = load_good(
      "outputs: {d: {type: sqlite, path: d.db}, f: {type: file, path: f}}\nsessions:\n" + sessions, "f.yaml");
  CHECK(columns_of(all.outputs[1], all.sessions).empty());
  return columns_of(all.outputs[0], all.sessions);
}

std::string session(const std::string& name, const std::string& replies, const std::string& outputs = "[d]") {
  return "  " + name + ": {url: 'wss://h', outputs: " + outputs + ", protocol: {replies: [" + replies +
         "]}}\n";
}

}  // namespace

TEST_CASE("a database's columns have the types of the layouts", "[outputs][columns]") {
  CHECK(columns_in(session("s", "{as: tick, layout: 'a:B b:d d:Q e:? l:B[3] m:H/100 c:str'}")) ==
        table_columns{
            {"tick", {{"a", integer}, {"b", real}, {"c", text}, {"e", integer}, {"l", text}, {"m", real}}}});
  CHECK(columns_in(session("s", "{as: pair, layout: 'B H'}")) == table_columns{{"pair", {{"value", text}}}});
}

TEST_CASE("what no layout describes has no types", "[outputs][columns]") {
  CHECK(columns_in(session("s", "{as: t, when: {json: /op, is: t}}")).empty());
  CHECK(columns_in(session("s", "{as: t, when: {starts: {hex: '01'}}, layout: '_:B a:Q'}")).empty());
  CHECK(columns_in(session("s", "{as: t, layout: 'a:B'}", "[f]")).empty());
}

TEST_CASE("sessions that disagree about a column leave its type open", "[outputs][columns]") {
  const std::string one = session("one", "{as: t, layout: 'a:B b:B'}");
  CHECK(columns_in(one + session("two", "{as: t, layout: 'a:str(2) c:d'}")) ==
        table_columns{{"t", {{"b", integer}, {"c", real}}}});
  CHECK(columns_in(one + session("two", "{as: t, when: {json: /op, is: t}}")).empty());
  CHECK(columns_in(one + session("two", "{as: t, layout: 'a:str'}", "[f]")) ==
        table_columns{{"t", {{"a", integer}, {"b", integer}}}});
}

TEST_CASE("only replies that go to the database count", "[outputs][columns]") {
  const std::string two =
      "{as: t, when: {starts: {hex: '01'}}, layout: 'a:B'}, "
      "{as: u, when: {starts: {hex: '02'}}, layout: 'a:B'}";
  CHECK(columns_in(session("s", two, "[{to: d, replies: [u]}, f]")) ==
        table_columns{{"u", {{"a", integer}}}});
  CHECK(columns_in(session("s", two, "[d]")) ==
        table_columns{{"t", {{"a", integer}}}, {"u", {{"a", integer}}}});
}

}  // namespace duplexd::config::testing
