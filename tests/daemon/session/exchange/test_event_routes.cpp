// Which events of a session an output gets, and in what form.
#include "daemon/session/exchange/event_routes.hpp"
#include "daemon/session/exchange/record_form.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using config::record_form;
using lines = std::vector<std::string>;

namespace {

constexpr std::uint8_t bytes[] = {1, 'x', 0};
const std::string line =
    R"({"v":1,"time":"T","session":"s","event":"reply","reply":"tick","data":{"a":1,"time":"t","b":{"c":"x,\"y\""},"l":[1]}})"
    "\n";

session_event tick() {
  return {.what = session_event::kind::reply,
          .session = "s",
          .time = "T",
          .name = "tick",
          .line = line,
          .data = std::string_view(line).substr(70, line.size() - 72),
          .frame = {.bytes = bytes}};
}

session_event raw() {
  return {.what = session_event::kind::raw,
          .session = "s",
          .time = "T",
          .line = "raw\n",
          .frame = {.bytes = bytes}};
}

std::string form(const session_event& happened, const config::record_settings& as) {
  std::string room = "before";
  return std::string(record_of(reply_values{happened}, as, room));
}

}  // namespace

TEST_CASE("an event in each form", "[routes]") {
  REQUIRE(tick().data.front() == '{');
  CHECK(form(tick(), {record_form::json, {}}) == line);
  CHECK(form(tick(), {record_form::ndjson, {}}) == R"({"a":1,"time":"t","b":{"c":"x,\"y\""},"l":[1]})"
                                                   "\n");
  CHECK(form(tick(), {record_form::csv,
                      {"time", "session", "event", "reply", "a", "b.c", "l", "none", "data.time"}}) ==
        "T,s,reply,tick,1,\"x,\"\"y\"\"\",[1],,t\n");
  CHECK(form(tick(),
             {record_form::text,
              {},
              {{"<", "time"}, {"> ", "b.c"}, {" ", "none"}, {"", "l"}, {"", "data.time"}, {"\n", ""}}}) ==
        "<T> x,\"y\" [1]t\n");
  CHECK(form(tick(), {record_form::raw, {}}) == std::string("\1x\0", 3));
  CHECK(nlohmann::ordered_json::from_msgpack(form(tick(), {record_form::msgpack, {}})) ==
        nlohmann::ordered_json::parse(line));
}

TEST_CASE("what a form has nothing for is empty", "[routes]") {
  session_event note = raw();
  note.what = session_event::kind::note;
  note.frame = {};
  CHECK(form(raw(), {record_form::json, {}}) == "raw\n");
  CHECK(form(raw(), {record_form::ndjson, {}}).empty());
  CHECK(form(raw(), {record_form::csv, {"time"}}).empty());
  CHECK(form(raw(), {record_form::text, {}, {{"x", "time"}}}).empty());
  CHECK(form(raw(), {record_form::raw, {}}).size() == 3);
  CHECK(form(note, {record_form::raw, {}}).empty());
}

TEST_CASE("cells with a line break or a quote are quoted", "[routes]") {
  session_event each = tick();
  each.data = R"({"a":"x\ny","b":"\"","c":"plain"})";
  CHECK(form(each, {record_form::csv, {"a", "b", "c"}}) == "\"x\ny\",\"\"\"\",plain\n");
}

TEST_CASE("a route takes what it selects", "[routes]") {
  asio::io_context loop;
  recorded_output all{loop.get_executor()};
  recorded_output some{loop.get_executor()};
  config::output_route rule{.to = "some", .replies = {"tick"}, .record = {record_form::ndjson, {}}};
  const std::vector<event_route> routes{{&all}, {&some, &rule}};
  event_routes of{routes};
  session_event tock = tick();
  tock.name = "tock";
  session_event note = raw();
  note.what = session_event::kind::note;
  note.name = "tick";  // a note is not a reply, whatever it is called
  for (const session_event& each : {tick(), tock, raw(), note}) of.emit(each);
  CHECK(all.lines == lines{line, line, "raw\n", "raw\n"});
  CHECK(some.lines.size() == 1);
  SECTION("conditions") {
    rule.where = {{"b.c", {{"$starts", "y"}}}};
    of.emit(tick());
    CHECK(some.lines.size() == 1);
    rule.where = {{"a", 1}};
    of.emit(tick());
    CHECK(some.lines.size() == 2);
  }
  SECTION("room") {
    CHECK(of.has_room());
    some.full = true;
    CHECK_FALSE(of.has_room());
  }
}

// Whoever looks at the values of an event looks at the same ones.
TEST_CASE("an event's values are parsed once, and only if somebody looks", "[routes]") {
  const session_event event = tick();
  const reply_values values{event};
  std::string room;
  (void)record_of(values, {record_form::json, {}}, room);
  (void)record_of(values, {record_form::ndjson, {}}, room);
  CHECK_FALSE(values.are_parsed());
  (void)record_of(values, {record_form::csv, {"a"}}, room);
  REQUIRE(values.are_parsed());
  const auto* first = &values.get();
  (void)record_of(values, {record_form::csv, {"b"}}, room);
  CHECK(&values.get()["a"] == &(*first)["a"]);
}

// Lines that nobody wants are not made.
TEST_CASE("what no route selects is not wanted", "[routes]") {
  config::output_route rule{.to = "o", .replies = {"tick"}, .record = {}};
  const std::vector<event_route> routes{{nullptr, &rule}};
  const event_routes some{routes};
  CHECK(some.wants("tick"));
  CHECK_FALSE(some.wants("tock"));
  CHECK_FALSE(some.wants(""));
  const std::vector<event_route> everything{{nullptr, &rule}, {nullptr}};
  CHECK(event_routes{everything}.wants(""));
  const std::vector<event_route> nothing;
  CHECK_FALSE(event_routes{nothing}.wants("tick"));
}
