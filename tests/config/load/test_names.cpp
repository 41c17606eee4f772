// Names of fields are known when the configuration is loaded, wherever a layout or a template gives them.
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using namespace testing;
using lines = std::vector<std::string>;

namespace {

const std::string protocol =
    "    protocol:\n"
    "      byte_order: big\n"
    "      commands:\n"
    "        get: 'id:I key:str(:B)'\n"
    "        bin: 'op:B=1 size:H'\n"
    "        ask: {json: {op: ask, id: ~, d: {user: ~, 'note?': ~, version: 1}}}\n"
    "      replies:\n"
    "        - {as: r, when: {size: {max: 50}}, layout: 'id:I v:str(:B) at:point[2]'}\n"
    "        - {as: s, when: {size: {min: 51}}, layout: 'code:I=7 rest:json(:H) _hidden:B'}\n"
    "        - {as: j, when: {json: /op, is: j}, json: {op: j, ident: ~, d: {user: ~}}}\n"
    "        - {as: any, when: {json: /op, is: other}}\n"
    "      layouts: {point: 'x:h y:h'}\n";

/// What is said about a session with these fields; without the place and path.
lines told(const std::string& fields) {
  lines all = load_document(session_of(protocol + fields)).mistakes;
  for (std::string& each : all) each = each.substr(each.find(": ", each.find(": ") + 2) + 2);
  return all;
}

lines told_of_step(const std::string& step) {
  return told("    script: [" + step + "]\n");
}

}  // namespace

TEST_CASE("fields that a reply does not have are found", "[names]") {
  const auto [step, mistake] = GENERATE(table<std::string, std::string>({
      {"{expect: r, where: {idd: 1}}", "the reply 'r' has no field 'idd' (did you mean 'id'?)"},
      {"{expect: r, where: {nothing: 1}}", "the reply 'r' has no field 'nothing' (known: id, v, at)"},
      {"{expect: r, check: {vv: 1}}", "the reply 'r' has no field 'vv' (did you mean 'v'?)"},
      {"{expect: r, save: {x: vv}}", "the reply 'r' has no field 'vv' (did you mean 'v'?)"},
      {"{expect: r, where: {at.0.z: 1}}", "the reply 'r' has no field 'at.0.z' (did you mean 'x'?)"},
      {"{expect: r, where: {at.x: 1}}",
       "the reply 'r' has no field 'at.x' (a list's elements are named by their numbers: 0, 1, …)"},
      {"{expect: r, where: {id.x: 1}}",
       "the reply 'r' has no field 'id.x' (what stands before the dot has no fields)"},
      {"{expect: s, where: {_hidden: 1}}", "the reply 's' has no field '_hidden' (known: code, rest)"},
      {"{expect: [r, s], where: {idd: 1}}", "none of the replies 'r', 's' has a field 'idd'"},
      {"{expect: r, count: 2, save: {x: 0.vv}}", "the reply 'r' has no field 'vv' (did you mean 'v'?)"},
      {"{expect: j, where: {idents: 1}}", "the reply 'j' has no field 'idents' (did you mean 'ident'?)"},
      {"{expect: j, where: {d.usr: 1}}", "the reply 'j' has no field 'd.usr' (did you mean 'user'?)"},
      {"{call: get, with: {id: 1, key: a}, reply: r, correlate: {idd: id}}",
       "the command 'get' has no field 'idd' (did you mean 'id'?)"},
      {"{call: get, with: {id: 1, key: a}, reply: r, correlate: {id: idd}}",
       "the reply 'r' has no field 'idd' (did you mean 'id'?)"},
      {"{call: bin, with: {size: 1}, reply: r, correlate: {op: id}}",
       "'with' has no 'op' to correlate with (give it a value)"},
      {"{http: {url: 'http://h/'}, save: {x: boddy.token}}",
       "the result of 'http' has no field 'boddy' (did you mean 'body'?)"},
  }));
  INFO(step);
  const lines all = told_of_step(step);
  REQUIRE_FALSE(all.empty());
  CHECK(all.front().starts_with(mistake));
}

TEST_CASE("fields that there may be are let pass", "[names]") {
  const std::string step = GENERATE(
      as<std::string>(), "{expect: r, where: {id: 1, at.1.x: 2}, check: {v: a}, save: {x: '*', y: at.0}}",
      "{expect: s, where: {rest.any.thing: 1, code: 7}}",
      "{expect: [r, s], where: {id: 1}, check: {code: 7}, save: {x: v}}",
      "{expect: any, where: {whatever: 1}, save: {x: a.b}}",
      "{expect: j, where: {op: j, more: 1, d.else.where: 2}}",
      "{expect: r, count: 2, save: {x: '1', y: 0.at.1.y}}",
      "{call: ask, with: {id: 1, d: {user: 2}}, reply: j, correlate: {d.user: d.user}}",
      "{http: {url: 'http://h/'}, save: {x: body.0.token, y: status, z: '*'}}");
  INFO(step);
  CHECK(told_of_step(step).empty());
}

// A text is never a number, and a constant never another one.
TEST_CASE("conditions that no reply can meet are found", "[names]") {
  CHECK(told_of_step("{expect: r, where: {v: 5}}") == lines{"'v' is a text and never 5"});
  CHECK(told_of_step("{expect: r, where: {id: '5'}}") == lines{"'id' is a number and never \"5\""});
  CHECK(told_of_step("{expect: s, check: {code: 8}}") == lines{"'code' is always 7 and never 8"});
  CHECK(told_of_step("{expect: [r, s], check: {code: 7}}").empty());
  CHECK(told_of_step("{expect: r, where: {v: {$any: [a, b]}}}").empty());
}

// One value that comes later hides nothing that is known of the others.
TEST_CASE("a command's fields are checked beside references", "[names]") {
  const auto [with, mistake] = GENERATE(table<std::string, std::string>({
      {"get, with: {idd: '${counter:o}', key: a}", "'get' cannot be packed: id: the field is missing"},
      {"get, with: {id: '${counter:o}'}", "'get' cannot be packed: key: the field is missing"},
      {"get, with: {id: 1, key: '${nonce:4}', k: 1}", "'get' cannot be packed: k: there is no such field"},
      {"get, with: {id: -1, key: '${nonce:4}'}",
       "'get' cannot be packed: id: expected an integer from 0 to 4294967295, found -1"},
      {"bin, with: {op: 9, size: '${counter:o}'}", "'bin' cannot be packed: op: it is always 1, found 9"},
      {"ask, with: {id: '${counter:o}', d: {usr: 1}}",
       "'ask' cannot be packed: d.usr: there is no such field; did you mean 'd.user'?"},
      {"ask, with: {id: '${counter:o}'}", "'ask' cannot be packed: d.user: the field is missing"},
      {"ask, with: {id: '${counter:o}', d.user: 1, d.version: 2}",
       "'ask' cannot be packed: d.version: it is always 1, found 2"},
  }));
  INFO(with);
  const lines all = told_of_step("{send: " + with + "}");
  REQUIRE_FALSE(all.empty());
  CHECK(all.front().starts_with(mistake));
  for (const char* good :
       {"get, with: {id: '${counter:o}', key: '${nonce:4}'}", "bin, with: {size: '${counter:o}'}",
        "ask, with: {id: 1, d: {user: '${nonce:4}'}}", "ask, with: {id: 1, d: '${nonce:4}'}",
        "ask, with: {id: '${nonce:4}', d.user: 1, d.note: x}"})
    CHECK(told_of_step("{send: " + std::string(good) + "}").empty());
}

// What `${reply:…}` stands for is followed through the steps.
TEST_CASE("fields of the last reply are found", "[names]") {
  const std::string none =
      " has no value here: no step before it receives a reply ('save' keeps a value in a variable)";
  CHECK(told_of_step("{json: '${reply:id}'}") == lines{"${reply:id}" + none});
  CHECK(told_of_step("{expect: r}, {json: '${reply:id}'}").empty());
  const lines idd{"the reply 'r' has no field 'idd' (did you mean 'id'?)"};
  CHECK(told_of_step("{expect: r}, {json: '${reply:idd}'}") == idd);
  CHECK(told_of_step("{expect: r}, {sleep: 1s}, {if: {reply.idd: 1}, then: [{sleep: 1s}]}") == idd);
  CHECK(told_of_step("{expect: r}, {every: 1s, do: [{json: '${reply:idd}'}]}") == idd);
  CHECK(
      told_of_step("{expect: r}, {if: {reply.id: 1}, then: [{expect: s}]}, {json: '${reply:code}'}").empty());
  CHECK(told_of_step("{expect: r}, {gather: [{expect: s}, {sleep: 1s}]}, {json: '${reply:idd}'}") == idd);
  CHECK(told_of_step(
            "{repeat: 2, do: [{if: {a: 1}, then: [{json: '${reply:code}'}]}, {set: {a: 1}}, {expect: s}]}")
            .empty());
  CHECK(told_of_step("{repeat: 2, do: [{json: '${reply:codes}'}, {expect: s}]}") ==
        lines{"the reply 's' has no field 'codes' (did you mean 'code'?)"});
  CHECK(told("    on: [{reply: r, do: [{json: '${reply:idd}'}]}]\n") == idd);
  CHECK(told("    login: {steps: [{expect: r}, {json: '${reply:id}'}], expect: s}\n    script: [{json: "
             "'${reply:code}'}]\n")
            .empty());
  CHECK(told("    login: {json: 1, expect: r}\n    script: [{json: '${reply:idd}'}]\n") == idd);
}

TEST_CASE("fields are checked wherever settings name them", "[names]") {
  const lines idd{"the reply 'r' has no field 'idd' (did you mean 'id'?)"};
  CHECK(told("    login: {json: 1, expect: r, where: {idd: 1}}\n") == idd);
  CHECK(told("    liveness: {heartbeat: {every: 1s, json: 1, expect: r, where: {idd: 1}}}\n") == idd);
  CHECK(told("    liveness: {sequence: [{reply: r, field: idd}]}\n") == idd);
  CHECK(told("    lag: {reply: r, field: idd}\n") == idd);
  CHECK(
      told("    liveness: {lag: {at_most: 1s}}\n") ==
      lines{"the session does not say which field has the time (add lag: {reply: REPLY, field: FIELD} to the "
            "session)"});
  CHECK(told("    liveness: {sequence: [{reply: r, field: id, key: [vv]}]}\n") ==
        lines{"the reply 'r' has no field 'vv' (did you mean 'v'?)"});
  CHECK(told("    on: [{reply: r, where: {idd: 1}, do: [{sleep: 1s}]}]\n") == idd);
  CHECK(told("    commands: {get: {confirm: r, where: {idd: 1}}}\n") == idd);
  CHECK(told("    commands: {get: {confirm: r, correlate: {id: idd}}}\n") == idd);
  CHECK(told("    commands: {get: {coalesce: [kei]}}\n") ==
        lines{"the command 'get' has no field 'kei' (did you mean 'key'?)"});
}

// A simulated server has no steps and no variables: it has the command that it answers.
TEST_CASE("references that cannot work in a simulation are found", "[names]") {
  const std::string hint = " (${command:FIELD}, in an answer, is a field of the command that is answered)";
  for (const char* what : {"var:x", "counter:x", "command:id"})
    CHECK(told("    simulate: {pushes: [{send: r, with: {id: '${" + std::string(what) + "}'}}]}\n") ==
          lines{"${" + std::string(what) + "} has no value in a simulated server" + hint});
  const auto answer = [](const std::string& value) {
    return told("    simulate: {answers: [{to: get, send: r, with: {v: \"" + value + "\"}}]}\n");
  };
  for (const char* good :
       {"${nonce:4}", "${command:key}", "a ${'x' + command:key + command:id | upper}", "${time:iso}"})
    CHECK(answer(good).empty());
  CHECK(answer("${command:kei}") == lines{"the command 'get' has no field 'kei' (did you mean 'key'?)"});
  CHECK(answer("${'x' + reply:id}") == lines{"a simulated server receives no replies (${command:FIELD} is a "
                                             "field of the command that is answered)"});
  CHECK_FALSE(told_of_step("{json: '${command:id}'}").empty());
}

// The place is that of the name itself.
TEST_CASE("a wrong field is shown where it stands", "[names]") {
  const outcome found = load_document(
      session_of(protocol + "    script:\n      - expect: r\n        where:\n          idd: 1\n"));
  REQUIRE(found.mistakes.size() == 1);
  CHECK(found.mistakes[0].starts_with("f:19:11: sessions.s.script[0].where: "));
}

}  // namespace duplexd::config
