// Commands and replies that the configuration names: found in the protocol, and packed when they can be.
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

using list = std::vector<std::string>;

// Lines 4 to 8; what is tested starts at line 9.
constexpr const char* protocol = R"(    protocol:
      byte_order: little
      layouts: {ab: 'a:b b:b', inner: 'x:b', sub: 'deep:inner'}
      commands: {go: 'n:b', many: 'items:ab[2]', one: 'sub:sub', say: 'text:json'}
      replies: [{as: done, layout: 'n:b m:b', examples: [{hex: '01 02', values: {n: 1, m: 2}}]}]
)";

list mistakes(const std::string& lines) {
  list all = load_document(session_of(protocol + ("    " + lines) + "\n"), "f", true).mistakes;
  for (std::string& each : all) each.erase(0, 2);
  return all;
}

session_settings good(const std::string& lines) {
  return load_good(session_of(protocol + ("    " + lines) + "\n")).sessions.at(0);
}

}  // namespace

TEST_CASE("names of commands and replies are looked up wherever they stand", "[messages]") {
  const std::string no_command = "the session's protocol has no command 'x' (known: go, many, one, say)";
  const std::string no_such_reply = "the session's protocol has no reply 'xyz' (known: done)";
  for (const char* line : {"login: {send: x}", "script: [{send: x}]", "script: [{call: x, reply: done}]",
                           "subscribe: [{send: x}]", "commands: {x: {}}", "simulate: {answers: [{to: x}]}",
                           "liveness: {heartbeat: {every: 1s, send: x}}"}) {
    INFO(line);
    const list all = mistakes(line);
    REQUIRE(all.size() == 1);
    CHECK(all[0].ends_with(no_command));
  }
  for (const char* line :
       {"login: {json: 1, expect: xyz}", "login: {json: 1, expect: done, reject: xyz}",
        "script: [{expect: xyz}]", "script: [{expect: [done, xyz]}]",
        "script: [{call: say, with: {text: 1}, reply: xyz}]", "on: [{reply: xyz, do: []}]",
        "commands: {go: {confirm: xyz}}", "liveness: {fresh: [{reply: xyz, within: 1s}]}",
        "liveness: {sequence: [{reply: xyz, field: n}]}", "lag: {reply: xyz, field: n}",
        "simulate: {login: [{send: xyz}]}", "simulate: {answers: [{to: go, send: xyz}]}",
        "simulate: {pushes: [{send: xyz}]}", "liveness: {heartbeat: {every: 1s, json: 1, expect: xyz}}"}) {
    INFO(line);
    const list all = mistakes(line);
    REQUIRE(all.size() == 1);
    CHECK(all[0].ends_with(no_such_reply));
  }
}

// The place is that of the value as far as it was written.
TEST_CASE("what cannot be packed is told where it stands", "[messages]") {
  const auto place = [](const std::string& with) {
    const list all = mistakes("script: [{send: " + with + "}]");
    REQUIRE(all.size() == 1);
    CHECK(all[0].find("sessions.s.script[0].") != std::string::npos);
    CHECK(all[0].find("cannot be packed: ") != std::string::npos);
    return all[0].substr(0, all[0].find(": "));
  };
  CHECK(place("go, with: {n: 300}") == "9:35");
  CHECK(place("go, with: {}") == "9:31");
  CHECK(place("go") == "9:21");
  CHECK(place("many, with: {items: [{a: 1, b: 2}, {a: 3, b: 400}]}") == "9:66");
  CHECK(place("many, with: {items: [{a: 1, b: 2}, {a: 300, b: 4}]}") == "9:60");
  CHECK(place("many, with: {items: [{a: 1, b: 2}, {a: 3}]}") == "9:56");
  CHECK(place("one, with: {sub: {deep: {x: 300}}}") == "9:49");
  CHECK(place("one, with: {sub: {deep: {}}}") == "9:45");
}

TEST_CASE("only commands without references are packed beforehand", "[messages]") {
  const auto packed = [](const std::string& step) {
    return std::get<send_step>(good("script: [" + step + "]").script.at(0).action).packed;
  };
  REQUIRE(packed("{send: go, with: {n: 5}}").has_value());
  CHECK(packed("{send: go, with: {n: 5}}")->bytes == std::vector<std::uint8_t>{5});
  CHECK_FALSE(packed("{send: say, with: {text: '${nonce:4}'}}").has_value());
  CHECK_FALSE(good("simulate: {login: [{send: done}]}").simulate.login.at(0).packed.has_value());
}

// A reply of the simulator takes from its first example what is left out.
TEST_CASE("replies of the simulator are completed before they are tried", "[messages]") {
  CHECK(mistakes("simulate: {login: [{send: done}]}").empty());
  CHECK(mistakes("simulate: {login: [{send: done, with: {n: 5}}]}").empty());
  CHECK(mistakes("simulate: {login: [{send: done, with: {n: 300}}]}").size() == 1);
  CHECK(mistakes("simulate: {answers: [{to: go, send: done, with: {m: 300}}]}").size() == 1);
  CHECK(mistakes("simulate: {pushes: [{send: done, with: {m: 300}}]}").size() == 1);
  CHECK(mistakes("simulate: {login: [{send: done, with: {z: 1}}]}").size() == 1);
}

TEST_CASE("answers to one command are sent in their order", "[messages]") {
  const auto simulate = good(
                            "simulate: {answers: [{to: go, send: done, with: {n: 1}}, {to: say, send: done}, "
                            "{to: go, send: done, "
                            "with: {n: 2}}, {to: many}]}")
                            .simulate;
  REQUIRE(simulate.answers.size() == 3);
  CHECK(simulate.answers[0].command == "go");
  REQUIRE(simulate.answers[0].replies.size() == 2);
  CHECK(simulate.answers[0].replies[0].with.unresolved().dump() == R"({"n":1})");
  CHECK(simulate.answers[0].replies[1].with.unresolved().dump() == R"({"n":2})");
  CHECK(simulate.answers[1].command == "say");
  CHECK(simulate.answers[2].command == "many");
  CHECK(simulate.answers[2].replies.empty());
}

}  // namespace duplexd::config::testing
