// Where steps and their fields may stand, and which names they may use.
#include "tests/config/load/steps.hpp"

namespace duplexd::config::testing {

TEST_CASE("each field that goes only beside others", "[steps]") {
  const std::pair<const char*, const char*> rows[] = {
      {"with: {}", "send' or 'call"},
      {"reply: done", "call"},
      {"where: {}", "expect' or 'call"},
      {"check: {}", "expect' or 'call"},
      {"correlate: {}", "call"},
      {"count: 1", "expect' or 'call"},
      {"retries: 1", "call"},
      {"jitter: 0", "every"},
      {"as: n", "repeat"},
      {"others: cancel", "gather"},
      {"until: all", "wait' or 'repeat"},
      {"input: 1", "exec"},
      {"env: {}", "exec"},
      {"then: []", "if"},
      {"else: []", "if"},
      {"do: []", "every' or 'spawn' or 'repeat"},
      {"save: {}",
       "expect' or 'call' or 'http' or 'exec' or 'pbkdf2' or 'gather' or 'race' or 'wait' or 'stream"}};
  for (const auto& [written, others] : rows) {
    const std::string name(written, std::string_view(written).find(':'));
    const list found = step_mistakes(std::string("{sleep: 0, ") + written + "}");
    CHECK(found == list{"6:25: sessions.s.script[0]." + name + ": '" + name + "' is only allowed with '" +
                        others + "'"});
  }
}

TEST_CASE("where steps may stand", "[steps]") {
  const std::string link =
      "this step is not allowed under 'before', when there is no connection yet (put it into the script)";
  for (const char* step :
       {"send: go", "call: go, reply: done", "json: 1", "expect: done", "reconnect: why"}) {
    INFO(step);
    CHECK(mistakes(std::string("before: [{") + step + "}]") == list{"6:14: sessions.s.before[0]: " + link});
  }
  CHECK(mistakes("before: [{echo: true}]") ==
        list{"6:14: sessions.s.before[0]: " + link,
             "6:14: sessions.s.before[0]: 'echo' is only allowed in a handler (put it under 'on')"});
  const std::string task = "background tasks are not allowed before there is a connection (use gather)";
  for (const char* step : {"spawn: a, do: {sleep: 0}", "every: 1s, do: {sleep: 0}", "wait: [{sleep: 0}]"}) {
    INFO(step);
    CHECK(mistakes(std::string("before: [{") + step + "}]") == list{"6:14: sessions.s.before[0]: " + task});
  }
  CHECK(mistakes("before: [{cancel: a}]").at(0) == "6:14: sessions.s.before[0]: " + task);
  for (const char* step : {"sleep: 0", "gather: [{sleep: 0}]", "set: {a: 1}", "fail: why", "exec: [/x]"})
    CHECK(mistakes(std::string("before: [{") + step + "}]").empty());
  CHECK(mistakes("before: [{gather: [{send: go}]}]").size() == 1);
  CHECK(mistakes("on: [{reply: done, do: {echo: true}}]").empty());
  CHECK(mistakes("script: [{echo: true}]") ==
        list{"6:14: sessions.s.script[0]: 'echo' is only allowed in a handler (put it under 'on')"});
  CHECK(mistakes("subscribe: [{echo: true}]").size() == 1);
}

// Before the close frame there is a connection, but not for long.
TEST_CASE("what may not stand under close", "[steps]") {
  const auto closing = [](const std::string& step) { return mistakes("close: {steps: [{" + step + "}]}"); };
  for (const char* step :
       {"send: go", "call: go, reply: done", "sleep: 1s", "gather: [{send: go}, {sleep: 0}]"}) {
    INFO(step);
    CHECK(closing(step).empty());
  }
  const std::string task = "background tasks have ended when a connection is closed (use gather)";
  for (const char* step : {"spawn: a, do: {sleep: 0}", "every: 1s, do: {sleep: 0}"}) {
    INFO(step);
    CHECK(closing(step) == list{"6:21: sessions.s.close.steps[0]: " + task});
  }
  CHECK(closing("reconnect: why") ==
        list{"6:21: sessions.s.close.steps[0]: the connection is being closed already (leave it out)"});
  CHECK(closing("echo: true").size() == 1);
  CHECK(closing("send: nothing").size() == 1);
}

TEST_CASE("names of variables and tasks are those that there are", "[steps]") {
  CHECK(step_mistakes("{json: '${var:a}'}, {set: {a: 1}}").empty());
  CHECK(step_mistakes("{json: '${var:a.b}'}, {expect: done, save: {a: n}}").empty());
  CHECK(step_mistakes("{json: '${var:ab}'}, {set: {abc: 1}}") ==
        list{"~: no step saves or sets the variable 'ab' (did you mean 'abc'?)"});
  CHECK(step_mistakes("{cancel: a}") == list{"~.cancel: no step spawns the task 'a'"});
  CHECK(step_mistakes("{wait: [a]}") == list{"~.wait: no step spawns the task 'a'"});
  CHECK(mistakes("script: [{spawn: a, do: {sleep: 0}}, {spawn: a, do: {sleep: 0}}]") ==
        list{"6:42: sessions.s.script[1]: there is already a task 'a' (give it another name)"});
  // Everything that may refer to a variable is looked at.
  const std::string v = "'${var:zz}'";
  const std::string told = "no step saves or sets the variable 'zz'";
  for (const std::string& step :
       std::vector<std::string>{"{sleep: " + v + "}",
                                "{send: of, with: {n: " + v + "}}",
                                "{call: of, with: {n: " + v + "}, reply: done}",
                                "{json: " + v + "}",
                                "{expect: done, where: {n: " + v + "}}",
                                "{expect: done, check: {n: " + v + "}}",
                                "{expect: done, timeout: " + v + "}",
                                "{every: " + v + ", do: {sleep: 0}}",
                                "{set: {a: " + v + "}}",
                                "{http: {url: " + v + "}}",
                                "{http: {url: 'http://h/', headers: {A: " + v + "}}}",
                                "{http: {url: 'http://h/', json: " + v + "}}",
                                "{http: {url: 'http://h/', body: " + v + "}}",
                                "{exec: [" + v + "]}",
                                "{exec: [/x], input: " + v + "}",
                                "{if: {a: " + v + "}, then: {sleep: 0}}",
                                "{repeat: 1, until: {a: " + v + "}, do: {sleep: 0}}",
                                "{fail: " + v + "}",
                                "{reconnect: " + v + "}",
                                "{sleep: 0, on_fault: {json: " + v + "}}",
                                "{sleep: 0, finally: {json: " + v + "}}"}) {
    const list found = step_mistakes(step);
    INFO(step);
    REQUIRE(found.size() == 1);
    CHECK(found[0].find(told) != std::string::npos);
  }
  for (const std::string& lines : std::vector<std::string>{
           "url: " + v, "headers: {A: " + v + "}", "renew: {after: " + v + "}", "renew: {at: " + v + "}",
           "login: {json: " + v + "}", "login: {send: of, with: {n: " + v + "}}",
           "liveness: {heartbeat: {every: " + v + ", json: 1}}",
           "liveness: {heartbeat: {every: 1s, json: " + v + "}}",
           "on: [{reply: done, where: {n: " + v + "}, do: []}]",
           "login: {json: 1, expect: done, where: {n: " + v + "}}"}) {
    INFO(lines);
    const outcome result = load_document(
        (lines.starts_with("url") ? "sessions:\n  s:\n" : session_of("")) + protocol + "    " + lines + "\n",
        "f", true);
    REQUIRE(result.mistakes.size() == 1);
    CHECK(result.mistakes[0].find(told) != std::string::npos);
  }
}

TEST_CASE("what was caught is known where it is handled", "[steps]") {
  CHECK(step_mistakes("{sleep: 0, on_fault: [{gather: [{fail: '${fault:text}'}]}, {spawn: a, do: {fail: "
                      "'${fault:*}'}}]}")
            .empty());
  const std::string told = "~: ${fault:text} has no value here (it has one in the steps of 'on_fault')";
  CHECK(step_mistakes("{fail: '${fault:text}'}") == list{told});
  CHECK(step_mistakes("{fail: '${fault:text}', on_fault: {sleep: 0}}") == list{told});
  CHECK(step_mistakes("{sleep: 0, on_fault: {sleep: 0}}, {fail: '${fault:text}'}").size() == 1);
}

// Conditions of every kind are looked at when the file is read.
TEST_CASE("conditions are checked wherever they stand", "[steps]") {
  const std::string bad = "{n: {$exists: 5}}";
  for (const std::string& lines : std::vector<std::string>{
           "script: [{expect: done, where: " + bad + "}]", "script: [{expect: done, check: " + bad + "}]",
           "script: [{call: go, reply: done, where: " + bad + "}]",
           "script: [{if: " + bad + ", then: {sleep: 0}}]",
           "script: [{repeat: 1, until: " + bad + ", do: {sleep: 0}}]",
           "on: [{reply: done, where: " + bad + ", do: []}]",
           "login: {json: 1, expect: done, where: " + bad + "}",
           "liveness: {heartbeat: {every: 1s, json: 1, expect: done, where: " + bad + "}}"}) {
    INFO(lines);
    const list found = mistakes(lines);
    REQUIRE(found.size() == 1);
    CHECK(found[0].ends_with("'$exists' takes true or false"));
  }
}

// A time may be a number of milliseconds or a text with a unit, once its references are known.

}  // namespace duplexd::config::testing
