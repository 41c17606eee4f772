// Variables with settings of their own, and handlers that wait for the journal.
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

using lines = std::vector<std::string>;

// `top`: lines before the sessions; `fields`: of the session.
outcome loaded(const std::string& top, const std::string& fields) {
  return load_document(
      top +
          "\nsessions: {s: {url: 'wss://h', protocol: {replies: [{as: tick, when: {json: /op, is: tick}}, "
          "{as: tock, when: {json: /op, is: tock}}]}, " +
          fields + "}}\n",
      "f.yaml");
}

const std::string sets = ", on: [{reply: tick, do: [{set: {last: '${reply:a}'}}]}]";

lines of_variable(const std::string& fields, const std::string& more = sets) {
  lines all = loaded("outputs: {f: {type: file, path: f, durable: true}}",
                     "variables: {last: {" + fields + "}}" + more)
                  .mistakes;
  for (std::string& each : all) each.erase(0, each.find(": ") + 2);
  return all;
}

}  // namespace

TEST_CASE("a variable's settings arrive in their own places", "[variables]") {
  const auto made =
      loaded("journal: {path: j}", "variables: {last: {durable: true}, other: {initial: {a: [1]}}}" + sets);
  CHECK(made.mistakes == lines{});
  const auto& all = made.value->sessions.at(0).variables;
  REQUIRE(all.size() == 2);
  CHECK(all.at("last").durable);
  CHECK_FALSE(all.at("last").initial);
  CHECK_FALSE(all.at("other").durable);
  CHECK(all.at("other").initial == nlohmann::ordered_json{{"a", {1}}});
}

TEST_CASE("a variable with an initial value may be used before a step sets it", "[variables]") {
  const std::string uses = ", headers: {X: '${var:last}'}";
  CHECK(of_variable("initial: 0", uses) == lines{});
  CHECK(of_variable("durable: true", uses) == lines{"headers.X: no step saves or sets the variable 'last'",
                                                    "sessions.s.variables.last: it is durable, but no step "
                                                    "sets it (add a step: {set: {last: VALUE}})"});
}

TEST_CASE("variables that make no sense are refused", "[variables]") {
  CHECK(of_variable("") ==
        lines{"sessions.s.variables.last: it says nothing (add initial: VALUE, or durable: true)"});
  CHECK(of_variable("initial: 'a${var:x}'") == lines{"sessions.s.variables.last.initial: references are not "
                                                     "allowed in this field (write '$${' for a literal "
                                                     "'${')"});
  CHECK(of_variable("durable: true", ", script: [{set: {last: '${env:HOME}'}}]") ==
        lines{"sessions.s.script[0]: 'last' is durable: no secret is stored in it (set it in a step without "
              "${env:…}, ${file:…} and ${credential:…})"});
  for (const std::string bad : {"a.b", "a:b", "''"})
    CHECK(loaded("", "variables: {" + bad + ": {initial: 0}}").mistakes.size() == 1);
}

TEST_CASE("a counter of that name makes a durable variable useful", "[variables]") {
  CHECK(of_variable("durable: true", ", headers: {X: '${counter:last}'}") == lines{});
}

TEST_CASE("initial values have the room that variables have", "[variables]") {
  const auto with = [](std::size_t letters) {
    return loaded("",
                  "limits: {variables: 1KiB}, variables: {v: {initial: '" + std::string(letters, 'x') + "'}}")
        .mistakes;
  };
  std::size_t most = 0;
  while (with(most + 1).empty()) ++most;
  CHECK(most > 900);
  CHECK(with(most + 1) == lines{"f:2:12: sessions.s.variables: the initial values take 1025 bytes, "
                                "limits.variables allows 1024"});
}

// At the limit, and one more.
TEST_CASE("a session has so many variables with settings, and no more", "[variables]") {
  const auto with = [](std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += "v" + std::to_string(i) + ": {initial: 0}, ";
    return loaded("", "variables: {" + all + "}").mistakes;
  };
  CHECK(with(most_variables).empty());
  CHECK(with(most_variables + 1).size() == 1);
}

TEST_CASE("a durable variable needs a journal", "[variables]") {
  const std::string fields = "variables: {last: {durable: true}}" + sets;
  CHECK(loaded("", fields).mistakes == lines{"f:2:12: sessions.s.variables.last: a durable variable needs a "
                                             "journal (add journal: {path: FILE})"});
  CHECK(loaded("journal: {path: j}", fields).mistakes == lines{});
  CHECK(loaded("outputs: {f: {type: file, path: f, durable: true}}", fields).mistakes == lines{});
}

TEST_CASE("a durable sequence needs a journal", "[variables]") {
  const std::string fields =
      "liveness: {sequence: [{reply: tick, field: n}, {reply: tock, field: n, durable: true}]}";
  CHECK(loaded("", fields).mistakes == lines{"f:2:12: sessions.s.liveness.sequence[1]: a durable sequence "
                                             "needs a journal (add journal: {path: FILE})"});
  CHECK(loaded("outputs: {f: {type: file, path: f, durable: true}}", fields).mistakes == lines{});
  const auto good = loaded("journal: {path: j}", fields);
  CHECK(good.mistakes == lines{});
  const auto& rules = good.value->sessions.at(0).liveness.sequence;
  CHECK_FALSE(rules.at(0).durable);
  CHECK(rules.at(1).durable);
}

TEST_CASE("a handler after: journaled needs a durable output for its replies", "[variables]") {
  const auto with = [](const std::string& outputs, const std::string& full = "block") {
    return loaded("journal: {path: j, full: " + full +
                      "}\noutputs: {f: {type: file, path: f, durable: true}, g: "
                      "{type: file, path: g}}",
                  "outputs: " + outputs + ", on: [{reply: tick, after: journaled, do: [{echo: true}]}]");
  };
  const auto good = with("[f]");
  CHECK(good.mistakes == lines{});
  CHECK(good.value->sessions.at(0).on.at(0).after == handler_time::journaled);
  CHECK(with("[{to: f, replies: [tick, tock]}]").mistakes == lines{});
  for (const std::string lacks : {"[g]", "[{to: f, replies: [tock]}]", "[]"}) {
    INFO(lacks);
    const lines all = with(lacks).mistakes;
    REQUIRE(all.size() == 1);
    CHECK(all[0].ends_with(
        "sessions.s.on[0].after: no durable output of the session gets the reply 'tick' (add an "
        "output with durable: true to the session's outputs)"));
  }
  const lines drops = with("[f]", "drop_oldest").mistakes;
  REQUIRE(drops.size() == 1);
  CHECK(drops[0].ends_with(
      "sessions.s.on: handlers that wait for the journal ('after') and a journal that drops events do not go "
      "together (leave out full: drop_oldest of the journal)"));
}

TEST_CASE("a handler after an output needs that one durable, and given the reply", "[variables]") {
  const auto with = [](const std::string& after, const std::string& outputs = "[f, g]") {
    return loaded(
        "journal: {path: j}\noutputs: {f: {type: file, path: f, durable: true}, g: {type: file, "
        "path: g}, h: {type: file, path: h, durable: true}}",
        "outputs: " + outputs + ", on: [{reply: tick, after: " + after + ", do: [{echo: true}]}]");
  };
  const auto good = with("f");
  CHECK(good.mistakes == lines{});
  CHECK(good.value->sessions.at(0).on.at(0).after == handler_time::taken);
  CHECK(good.value->sessions.at(0).on.at(0).taken_by == "f");
  CHECK(with("arrival").mistakes == lines{});
  const auto told = [&](const std::string& after, const std::string& outputs = "[f, g]") {
    const lines all = with(after, outputs).mistakes;
    REQUIRE(all.size() == 1);
    return all[0].substr(all[0].find("sessions.s.on[0].after: "));
  };
  CHECK(told("g") ==
        "sessions.s.on[0].after: the output 'g' is not durable: nobody knows what it has taken (add durable: "
        "true to it)");
  CHECK(told("stdout").find("the output 'stdout' is not durable") != std::string::npos);
  CHECK(told("x") ==
        "sessions.s.on[0].after: there is no output 'x' (arrival, journaled or a durable output)");
  for (const std::string lacks : {"[h]", "[{to: f, replies: [tock]}, h]"})
    CHECK(told("f", lacks) ==
          "sessions.s.on[0].after: the output 'f' does not get the reply 'tick' (add it to the session's "
          "outputs)");
}

}  // namespace duplexd::config::testing
