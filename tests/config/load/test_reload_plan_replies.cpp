// Which changes of a protocol a reload takes while the connection stays.
#include <regex>

#include "config/load/reload_plan.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using namespace testing;
using names = std::vector<std::string>;

namespace {

reload_state state(const std::string& text) {
  return state_of(load_good("version: 1\n" + text));
}

constexpr const char* protocol_text = R"(
    layouts:
      shared: 'x:B'
      inner: 'y:B'
      outer: 'i:inner'
      deep: 'z:B'
      commanded: 'd:deep'
    commands:
      ask: 'op:B=1 s:shared c:commanded'
    replies:
      - {as: one, when: {size: 9}, layout: 's:shared o:outer rest:bytes'}
      - {as: two, when: {size: 4}, layout: 'n:I'}
)";

/// A session of that protocol, where `part` is `other`.
std::string session_but(const std::string& part, const std::string& other) {
  std::string text = protocol_text;
  if (!part.empty()) text.replace(text.find(part), part.size(), other);
  return "sessions:\n  a:\n    url: ws://a.test.com/\n    protocol:\n" +
         std::regex_replace(text, std::regex("\n    "), "\n      ");
}

}  // namespace

TEST_CASE("a change of replies alone does not reconnect", "[reload]") {
  const auto [part, other, is_live] = GENERATE(table<const char*, const char*, bool>({
      {"n:I", "n:i", true},
      {"size: 4", "size: 5", true},
      {"'n:I'}\n", "'n:I'}\n      - {as: three, when: {size: 3}, layout: 'b:bytes'}\n", true},
      {"'n:I'}\n", "'n:I', description: a number}\n", true},
      {"{as: one, when: {size: 9}, layout: 's:shared o:outer rest:bytes'}\n      - ", "", false},
      {"as: two", "as: second", false},
      {"y:B", "y:b", true},  // of a layout of a layout of a reply
      {"i:inner", "i:B", true},
      {"x:B", "x:b", false},  // of a command and of a reply
      {"z:B", "z:b", false},  // of a layout of a layout of a command
      {"shared: 'x:B'", "new: 'x:B'\n      shared: 'x:B'", true},
      {"shared: 'x:B'", "op: 'x:B'\n      shared: 'x:B'", false},  // a command has this word
      {"op:B=1", "op:B=2", false},
      {"commands:\n", "commands:\n      more: 'op:B=2'\n", false},
      {"layouts:\n", "byte_order: big\n    layouts:\n", false},
      {"layouts:\n", "limits: {packet: 1000}\n    layouts:\n", false},
      {"layouts:\n", "json: compact\n    layouts:\n", false},
      {"layouts:\n", "opcode: {at: 0, type: B}\n    layouts:\n", false},
  }));
  INFO(part << " -> " << other);
  const auto known = state(session_but("", ""));
  const auto plan = plan_reload(known, state(session_but(part, other)));
  CHECK(plan.is_possible());
  CHECK(plan.live == (is_live ? names{"sessions.a.protocol.replies"} : names{}));
  CHECK(plan.in_place == (is_live ? names{"a"} : names{}));
  CHECK(plan.reconnect == (is_live ? names{} : names{"a"}));
}

TEST_CASE("a reply that is new has to stay", "[reload]") {
  const auto more =
      state(session_but("'n:I'}\n", "'n:I'}\n      - {as: three, when: {size: 3}, layout: 'b:bytes'}\n"));
  const auto fewer = state(session_but("", ""));
  CHECK(plan_reload(fewer, more).in_place == names{"a"});
  CHECK(plan_reload(more, fewer).reconnect == names{"a"});
}

TEST_CASE("replies in another order are those that are unpacked otherwise", "[reload]") {
  const std::string two_of =
      "protocols: {p: {replies: [{as: a, when: {size: 1}, layout: 'n:B'}, {as: b, layout: 'r:bytes'}]},\n"
      "  q: {replies: [{as: b, when: {size: 2}, layout: 'r:bytes'}, {as: a, layout: 'r:bytes'}]}}\n";
  const auto of = [&](const std::string& protocol) {
    return state(two_of + "sessions: {s: {url: 'ws://a.test.com/', protocol: " + protocol + "}}");
  };
  CHECK(plan_reload(of("p"), of("q")).live == names{"sessions.s.protocol.replies"});
  CHECK(plan_reload(of("p"), of("p")).unchanged == 1);
  CHECK(plan_reload(of("p"),
                    of("{replies: [{as: a, when: {size: 1}, layout: 'n:B'}, {as: b, layout: 'r:bytes'}]}"))
            .unchanged == 1);
  const auto none = state("sessions: {s: {url: 'ws://a.test.com/'}}");
  CHECK(plan_reload(of("p"), none).reconnect == names{"s"});
}

// Bytes that wait for the rest of their packet belong to the layouts that they came by.
TEST_CASE("replies of a protocol that goes from one message to the next reconnect", "[reload]") {
  const auto of = [](const std::string& before, const std::string& replies) {
    return state("sessions: {s: {url: 'ws://a.test.com/', protocol: {" + before + "replies: [" + replies +
                 "]}}}");
  };
  const auto [before, is_live] = GENERATE(table<const char*, bool>({
      {"", true},
      {"framing: {length: '>I', at: 0}, ", true},
      {"framing: {length: '>I', at: 0, mode: message}, ", true},
      {"framing: {length: '>I', at: 0, mode: stream}, ", false},
      {"framing: {delimiter: ';', mode: stream}, ", false},
      {"framing: lines, ", true},
      {"framing: layouts, ", false},
  }));
  INFO(before);
  const std::string text = std::string(before).find("delimiter") != std::string::npos ||
                                   std::string(before).find("lines") != std::string::npos
                               ? "frame: text, "
                               : "";
  const auto layout = [&](const char* one) { return "{as: a, " + text + "layout: 'n:I " + one + ":I'}"; };
  const auto plan = plan_reload(of(before, layout("x")), of(before, layout("y")));
  CHECK(plan.in_place == (is_live ? names{"s"} : names{}));
  CHECK(plan.reconnect == (is_live ? names{} : names{"s"}));
  const std::string follower = ", {as: b, when: {after: a}, layout: 'r:bytes'}";
  const std::string first = "{as: a, when: {size: 8}, layout: 'n:I x:I'}";
  CHECK(plan_reload(of("", first), of("", first + follower)).reconnect == names{"s"});
  CHECK(plan_reload(of("", first + follower), of("", first + follower + ", {as: c, layout: 'r:bytes'}"))
            .reconnect == names{"s"});
  const auto carried = [](const char* name) {
    return std::string("{as: a, layout: [{") + name + ": {type: str, invalid: carry}}]}";
  };
  CHECK(plan_reload(of("", carried("x")), of("", carried("y"))).reconnect == names{"s"});
}

}  // namespace duplexd::config
