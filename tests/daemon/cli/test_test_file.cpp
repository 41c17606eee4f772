#include <string>
#include <vector>

#include "daemon/cli/test_file.hpp"
#include "tests/catch.hpp"

namespace duplexd::cli {

using bytes = std::vector<std::uint8_t>;
using nlohmann::ordered_json;

TEST_CASE("a test file's cases") {
  protocol::diagnostics mistakes;
  const auto read = read_test_file(R"(config: feed.yaml
session: feed
cases:
  - name: first
    receive: ["01 0a", {hex: 'ff:00'}, {text: "é"}]
    events: [{reply: a, data: {n: 0x10}}, {error: {}}]
  - {name: second, session: other, send: c, with: {a: [1]}, text: "x"}
  - {name: third, send: c, hex: 00}
  - {name: fourth, capture: day.jsonl, events: []}
)",
                                   mistakes);
  CHECK(mistakes.empty());
  REQUIRE(read);
  CHECK(read->config == "feed.yaml");
  REQUIRE(read->cases.size() == 4);
  const test_case& first = read->cases[0];
  CHECK(first.name == "first");
  CHECK(first.where.line == 4);
  CHECK(first.session == "feed");
  const auto& received = std::get<receive_case>(first.what);
  REQUIRE(received.messages.size() == 3);
  CHECK(received.messages[0].bytes == bytes{1, 10});
  CHECK(received.messages[1].bytes == bytes{255, 0});
  CHECK(received.messages[2].kind == protocol::frame_kind::text);
  CHECK(received.messages[2].bytes == bytes{0xc3, 0xa9});
  CHECK(received.events == ordered_json::parse(R"([{"reply":"a","data":{"n":16}},{"error":{}}])"));
  const auto& sent = std::get<send_case>(read->cases[1].what);
  CHECK(read->cases[1].session == "other");
  CHECK(sent.command == "c");
  CHECK(sent.values == ordered_json::parse(R"({"a":[1]})"));
  CHECK(sent.packed.kind == protocol::frame_kind::text);
  CHECK(sent.packed.bytes == bytes{'x'});
  CHECK(std::get<send_case>(read->cases[2].what).packed.bytes == bytes{0});
  CHECK(std::get<capture_case>(read->cases[3].what).file == "day.jsonl");
}

TEST_CASE("mistakes of a test file") {
  struct row {
    std::string text, path, message;
  };
  const std::string head = "config: a.yaml\ncases:\n- ";
  for (const auto& [text, path, message] : std::vector<row>{
           {"[]", "", "expected a map, not a list"},
           {"cases: [{name: a, send: c, hex: '00'}]", "", "the field 'config' is missing"},
           {"config: a.yaml", "cases", "expected a list of cases"},
           {"config: a.yaml\ncases: []", "cases", "expected a list of cases"},
           {head + "{name: a, sned: c, hex: '00'}", "cases[0]", "unknown field 'sned'"},
           {head + "{name: a}", "cases[0]", "expected exactly one of receive, send and capture"},
           {head + "{name: a, receive: '00', send: c, hex: '00', events: []}", "cases[0]",
            "expected exactly one of receive, send and capture"},
           {head + "{name: a, receive: '0', events: []}", "cases[0].receive", "expected hex digits"},
           {head + "{name: a, receive: {}, events: []}", "cases[0].receive", "expected either hex or text"},
           {head + "{name: a, receive: '00'}", "cases[0]", "expected a list of events"},
           {head + "{name: a, receive: '00', events: [], with: {}}", "cases[0].with",
            "only allowed with send"},
           {head + "{name: a, send: c, hex: '00', events: []}", "cases[0].events",
            "only allowed with receive and capture"},
           {head + "{name: a, send: c}", "cases[0]", "expected either hex or text"},
           {head + "{name: [], send: c, hex: '00'}", "cases[0].name", "expected a text"},
           {head + "{name: a, receive: '00', events: [{}]}", "cases[0].events[0]", "expected reply or error"},
           {head + "{name: a, receive: '00', events: [{reply: b, data: {}, where: {}}]}",
            "cases[0].events[0]", "data, where and error cannot be used together"},
           {head + "{name: a, receive: '00', events: [{error: b}]}", "cases[0].events[0].error",
            "expected a map of fields"},
       }) {
    CAPTURE(text);
    protocol::diagnostics mistakes;
    CHECK(!read_test_file(text, mistakes));
    REQUIRE(!mistakes.empty());
    CHECK(mistakes.front().path == path);
    CHECK(mistakes.front().message == message);
    CHECK(mistakes.front().where.line > 0);
  }
}

}  // namespace duplexd::cli
