// What steps are made of, and what is wrong with them.
#include "config/value/quantity.hpp"
#include "tests/config/load/steps.hpp"

namespace duplexd::config::testing {

TEST_CASE("values of steps arrive", "[steps]") {
  CHECK(first<sleep_step>("{sleep: 2s}").time.fixed.count() == 2'000);
  CHECK(first<send_step>("{send: of, with: {n: 3}}").packed->bytes == std::vector<std::uint8_t>{3});
  CHECK(first<json_step>("{json: {a: 1}}").message.unresolved().dump() == R"({"a":1})");
  const auto wanted = first<expect_step>("{expect: [done], where: {n: 1}, check: {n: 2}, count: 3}").what;
  CHECK(wanted.replies == list{"done"});
  CHECK(wanted.where.unresolved().dump() == R"({"n":1})");
  CHECK(wanted.check.unresolved().dump() == R"({"n":2})");
  CHECK(wanted.count == 3);
  CHECK(wanted.timeout.count() == 30'000);
  CHECK(first<expect_step>("{expect: done}").what.count == 1);
  const auto call =
      first<call_step>("{call: go, with: {n: 1}, reply: done, retries: 2, correlate: {n: m}, timeout: 4s}");
  CHECK(call.command.command == "go");
  CHECK(call.answer.replies == list{"done"});
  CHECK(call.answer.timeout.count() == 4'000);
  CHECK(call.answer.correlate == std::vector<std::pair<std::string, std::string>>{{"n", "m"}});
  CHECK(call.retries == 2);
  CHECK(first<call_step>("{call: go, reply: done}").answer.timeout.count() == 30'000);
  CHECK(first<call_step>("{call: go, reply: done}").retries == 0);
  const auto every = first<every_step>("{every: 5s, jitter: 0.5, do: [{send: go}]}");
  CHECK(every.interval.fixed.count() == 5'000);
  CHECK(every.jitter == 0.5);
  CHECK(every.body.size() == 1);
  CHECK(first<every_step>("{every: 1ms, do: {send: go}}").jitter == 0);
  CHECK(first<gather_step>("{gather: [{sleep: 0}, [{sleep: 0}, {sleep: 1ms}]]}").branches.at(1).size() == 2);
  CHECK(first<race_step>("{race: [{sleep: 0}, {sleep: 1ms}]}").branches.size() == 2);
  const auto wait = first<wait_step>("{wait: [a, {sleep: 0}]}, {spawn: a, do: {sleep: 0}}");
  CHECK(wait.tasks == list{"a"});
  CHECK(wait.branches.size() == 1);
  CHECK(wait.until == wait_until::all);
  CHECK(first<spawn_step>("{spawn: a, do: {sleep: 0}}").task == "a");
  CHECK(first<cancel_step>("{cancel: a}, {spawn: a, do: {sleep: 0}}").task == "a");
  CHECK(first<set_step>("{set: {a: 1}}").values.unresolved().dump() == R"({"a":1})");
  const auto test = first<if_step>("{if: {a: 1}, then: {sleep: 0}, else: [{sleep: 0}, {sleep: 0}]}");
  CHECK(test.condition.unresolved().dump() == R"({"a":1})");
  CHECK(test.then.size() == 1);
  CHECK(test.otherwise.size() == 2);
  const auto repeat = first<repeat_step>("{repeat: 4, until: {a: 1}, do: {sleep: 0}}");
  CHECK(repeat.times == 4);
  CHECK(repeat.until->unresolved().dump() == R"({"a":1})");
  CHECK_FALSE(first<repeat_step>("{repeat: 4, do: {sleep: 0}}").until.has_value());
  CHECK(repeat.variable.empty());
  CHECK(first<repeat_step>("{repeat: 2, as: n, do: {set: {a: '${var:n}'}}}").variable == "n");
  const auto each =
      first<each_step>("{for_each: {in: [1, 2], as: n, do: {send: of, with: {n: '${var:n}'}}}}");
  CHECK(each.list.unresolved().dump() == "[1,2]");
  CHECK(each.variable == "n");
  CHECK(each.body.size() == 1);
  const auto emit = first<emit_step>("{emit: {reply: done, data: {n: 1}}}");
  CHECK(emit.reply == "done");
  CHECK(emit.data.unresolved().dump() == R"({"n":1})");
  CHECK(first<fail_step>("{fail: why}").why.display() == "why");
  CHECK(first<reconnect_step>("{reconnect: why}").why.display() == "why");
}

TEST_CASE("requests and programs", "[steps]") {
  const auto http = first<http_step>("{http: {method: POST, url: 'https://h/', headers: {A: b}, json: 1}}");
  CHECK(http.method == "POST");
  CHECK(http.url.display() == "https://h/");
  CHECK(http.headers.at(0).first == "A");
  CHECK(http.json->unresolved() == 1);
  CHECK_FALSE(http.body.has_value());
  CHECK(http.timeout.count() == 10'000);
  CHECK(first<http_step>("{http: {url: 'http://h/'}}").method == "GET");
  CHECK(first<http_step>("{http: {url: 'http://h/', json: 1}}").method == "POST");
  CHECK(first<http_step>("{http: {url: 'http://h/', body: x}}").method == "POST");
  CHECK_FALSE(first<http_step>("{http: {url: 'http://h/'}}").digest);
  const auto digest =
      first<http_step>("{http: {url: 'http://h/', digest: {username: u, password: p}}}").digest;
  REQUIRE(digest);
  CHECK(digest->username.display() == "u");
  CHECK(digest->password.display() == "p");
  CHECK(first<http_step>("{http: {url: 'http://h/', body: x, timeout: 1s}}").body->display() == "x");
  CHECK(first<http_step>("{http: {url: 'http://h/', timeout: 1s}}").timeout.count() == 1'000);
  const auto exec = first<exec_step>("{exec: [/bin/x, y], input: {a: 1}}");
  CHECK(exec.program.size() == 2);
  CHECK(exec.input.unresolved().dump() == R"({"a":1})");
  CHECK(exec.timeout.count() == 30'000);
  CHECK(first<exec_step>("{exec: [/bin/x], timeout: 2s}").timeout.count() == 2'000);
  CHECK(exec.environment.empty());
  const auto with_key = first<exec_step>("{exec: [/bin/x], env: {KEY: '${time:unix}', B: x}}");
  REQUIRE(with_key.environment.size() == 2);
  CHECK(with_key.environment[0].first == "KEY");
  CHECK(with_key.environment[0].second.display() == "${time:unix}");
  CHECK(step_mistakes("{exec: [/x], env: {'A=B': x}}").size() == 1);
  CHECK(step_mistakes("{exec: []}") == list{"~: the program is missing"});
  CHECK(step_mistakes("{http: {url: 'http://h/', json: 1, body: x}}") ==
        list{"6:21: sessions.s.script[0].http: 'json' and 'body' cannot be used together"});
  CHECK(step_mistakes("{http: {}}") == list{"6:21: sessions.s.script[0].http: the field 'url' is missing"});
}

TEST_CASE("keys from passwords", "[steps]") {
  const auto step = first<pbkdf2_step>("{pbkdf2: {password: '${time:iso}', salt: s, iterations: 4096}}");
  CHECK(step.password.display() == "${time:iso}");
  CHECK(step.salt.display() == "s");
  CHECK(step.iterations.unresolved() == 4096);
  CHECK(step.digest == key_digest::sha256);
  CHECK(first<pbkdf2_step>("{pbkdf2: {password: p, salt: s, iterations: '${time:unix}', digest: sha512}}")
            .digest == key_digest::sha512);
  const auto refused = [](const std::string& fields) {
    const list all = step_mistakes("{pbkdf2: {" + fields + "}}");
    REQUIRE(all.size() == 1);
    return all[0].substr(all[0].find("pbkdf2"));
  };
  const std::string no_number = "pbkdf2: 'iterations' is not a number from 1 to 10000000";
  CHECK(refused("password: p, salt: s, iterations: 0") == no_number);
  CHECK(refused("password: p, salt: s, iterations: 10000001") == no_number);
  CHECK(refused("password: p, salt: s, iterations: many") == no_number);
  CHECK(refused("password: p, salt: s") == "pbkdf2: the field 'iterations' is missing");
  CHECK(refused("password: p, iterations: 1") == "pbkdf2: the field 'salt' is missing");
  CHECK(refused("password: p, salt: s, iterations: 1, digest: md5").starts_with("pbkdf2.digest: 'md5'"));
  CHECK(refused("password: p, salt: '${var:none}', iterations: 1").starts_with("pbkdf2.salt: "));
}

TEST_CASE("a secret among a program's arguments is warned of", "[steps]") {
  const auto warned = [](const std::string& argument) {
    const std::string script = "    script: [{set: {a: 1}}, {exec: [/bin/x, \"" + argument + "\"]}]\n";
    list told = load_document(session_of(protocol + script), "f", true).warnings;
    std::erase_if(told, [](const std::string& each) { return each.find("arguments") == std::string::npos; });
    return told;
  };
  CHECK(warned("--key=${credential:key}") ==
        list{"f:6:29: sessions.s.script[1].exec: everybody on the machine can "
             "see ${credential:key} in a program's arguments (give it by 'input' or 'env')"});
  CHECK(warned("${file:/etc/key}").size() == 1);
  CHECK(warned("${var:a | hmac_sha256(credential:key) | hex}").empty());
  CHECK(warned("${env:NAME} ${var:a}").empty());
}

// A reply's own time is that of what waits for it; a step of another kind keeps its own.
TEST_CASE("where a step's timeout goes", "[steps]") {
  const step_list all = steps(
      "{expect: done, timeout: 2s}, {sleep: 1s, timeout: 3s}, {set: {t: 1}}, "
      "{expect: done, timeout: '${var:t}'}, {sleep: 0}");
  CHECK_FALSE(all[0].timeout.has_value());
  CHECK(std::get<expect_step>(all[0].action).what.timeout.count() == 2'000);
  REQUIRE(all[1].timeout.has_value());
  CHECK(all[1].timeout->fixed.count() == 3'000);
  REQUIRE(all[3].timeout.has_value());
  CHECK(all[3].timeout->text->display() == "${var:t}");
  CHECK(std::get<expect_step>(all[3].action).what.timeout.count() == 0);
  CHECK_FALSE(all[4].timeout.has_value());
  CHECK(all[4].save.empty());
  CHECK_FALSE(all[4].on_fault.has_value());
}

TEST_CASE("what every step may have", "[steps]") {
  const step_list all = steps("{expect: done, save: {a: n, b: '*'}, on_fault: [{sleep: 0}]}");
  CHECK(all[0].save == savings{{"a", "n"}, {"b", "*"}});
  REQUIRE(all[0].on_fault.has_value());
  CHECK(all[0].on_fault->size() == 1);
  CHECK(all[0].where == protocol::position{6, 14});
  CHECK(step_mistakes("{expect: done, save: {a: 1}}") ==
        list{"6:35: sessions.s.script[0].save: 'a' names no field (names and paths must be texts)"});
  CHECK(step_mistakes("{call: go, reply: done, correlate: {a: [b]}}") ==
        list{"6:49: sessions.s.script[0].correlate: 'a' names no field (names and paths must be texts)"});
}

// Starting a task neither takes time nor fails.
TEST_CASE("what stands beside spawn is meant for the task", "[steps]") {
  const step_list all =
      steps("{spawn: a, do: {sleep: 0}, timeout: 1s, on_fault: {sleep: 0}, finally: {sleep: 0}}");
  CHECK_FALSE(all[0].timeout.has_value());
  CHECK_FALSE(all[0].on_fault.has_value());
  CHECK_FALSE(all[0].finally.has_value());
  const step_list& body = std::get<spawn_step>(all[0].action).body;
  REQUIRE(body.size() == 1);
  CHECK(body[0].timeout->fixed.count() == 1'000);
  CHECK(body[0].on_fault.has_value());
  CHECK(body[0].finally.has_value());
  CHECK(std::get<repeat_step>(body[0].action).times == 1);
}

TEST_CASE("what becomes of faults beside others", "[steps]") {
  const step_list all = steps(
      "{spawn: a, do: {sleep: 0}, on_fault: keep}, {spawn: b, do: {sleep: 0}, on_fault: end_link}, "
      "{gather: [{sleep: 0}], others: continue}, {gather: [{sleep: 0}], others: cancel}, "
      "{gather: [{sleep: 0}]}");
  CHECK(std::get<spawn_step>(all[0].action).keeps_fault);
  CHECK_FALSE(std::get<spawn_step>(all[1].action).keeps_fault);
  CHECK(std::get<gather_step>(all[2].action).others_continue);
  CHECK_FALSE(std::get<gather_step>(all[3].action).others_continue);
  CHECK_FALSE(std::get<gather_step>(all[4].action).others_continue);
  CHECK(step_mistakes("{sleep: 0, on_fault: keep}") ==
        list{"6:35: sessions.s.script[0].on_fault: 'on_fault: keep' is only allowed with 'spawn' (give a "
             "list of steps)"});
  CHECK(step_mistakes("{spawn: a, do: {sleep: 0}, on_fault: kept}").size() == 1);
  CHECK(mistakes("before: [{gather: [{sleep: 0}], others: continue}]") ==
        list{"6:14: sessions.s.before[0]: background tasks are not allowed before there is a connection (use "
             "gather)"});
  CHECK(mistakes("before: [{gather: [{sleep: 0}], others: cancel}]").empty());
}

TEST_CASE("what a step needs beside its verb", "[steps]") {
  for (const char* step : {"{every: 1s}", "{spawn: a}", "{repeat: 1}", "{every: 1s, do: []}"}) {
    INFO(step);
    CHECK(step_mistakes(step) == list{"~: the field 'do' is missing"});
  }
  CHECK(step_mistakes("{if: {a: 1}}") == list{"~: 'if' without 'then' or 'else' does nothing"});
  CHECK(step_mistakes("{if: {a: 1}, then: {sleep: 0}}").empty());
  CHECK(step_mistakes("{if: {a: 1}, else: {sleep: 0}}").empty());
  CHECK(step_mistakes("{call: go}") ==
        list{"~: the field 'reply' is missing (the reply that answers the call)"});
  CHECK(step_mistakes("{every: 0s, do: {sleep: 0}}") ==
        list{"~: 'every' needs an interval above 0 (use repeat, or at least 1ms)"});
  CHECK(step_mistakes("{every: 1ms, do: {sleep: 0}}").empty());
  CHECK(step_mistakes("{call: of, with: {n: 1}, reply: done, retries: 1}") ==
        list{"~: 'of' cannot be retried (if sending it twice is harmless, set commands: {of: {idempotent: "
             "true}})"});
  CHECK(step_mistakes("{call: of, with: {n: 1}, reply: done, retries: 0}").empty());
  CHECK(step_mistakes("{gather: []}") ==
        list{"6:23: sessions.s.script[0].gather: expected a list of steps or lists of steps, found a list"});
  CHECK(step_mistakes("{gather: {sleep: 0}}").size() == 1);
  CHECK(step_mistakes("{gather: [name]}").size() == 1);
  CHECK(
      step_mistakes("{sleep: 0, json: 1}") ==
      list{
          "6:31: sessions.s.script[0]: 'sleep' and 'json' cannot be used together (give one of: sleep, send, "
          "call, json, echo, expect, every, gather, race, wait, spawn, cancel, set, http, exec, pbkdf2, if, "
          "repeat, for_each, emit, stream, fail, reconnect)"});
}

TEST_CASE("what a list and an event must be", "[steps]") {
  const std::pair<const char*, list> rows[] = {
      {"{for_each: {in: 1, as: n, do: {sleep: 0}}}",
       {"~.for_each: 'in' is not a list (a list, or a reference to one, such as ${var:orders})"}},
      {"{for_each: {in: [], as: '', do: {sleep: 0}}}", {"~.for_each: 'as' needs the name of a variable"}},
      {"{for_each: {in: [], as: n, do: []}}", {"~.for_each: 'do' has no steps"}},
      {"{for_each: {in: '${var:m}', as: n, do: {sleep: 0}}}",
       {"~.for_each.in: no step saves or sets the variable 'm' (did you mean 'n'?)"}},
      {"{for_each: {in: [], as: n, do: {expect: done}}}, {json: '${reply:n}'}", {}},
      {"{for_each: {in: [], as: n, do: {sleep: 0}}}, {json: '${reply:n}'}",
       {"~: ${reply:n} has no value here: no step before it receives a reply ('save' keeps a value in a "
        "variable)"}},
      {"{emit: {reply: down, data: {}}}",
       {"~.emit.reply: the session's protocol has no reply 'down' (known: done)"}},
      {"{emit: {reply: [done, done], data: {}}}", {"~.emit.reply: expected a text, found a list"}},
      {"{emit: {reply: done, data: {k: 1}}}",
       {"~.emit.data: the reply 'done' has no field 'k' (did you mean 'n'?)"}},
      {"{emit: {reply: done, data: {n: x}}}", {"~.emit.data: 'n' is a number and never \"x\""}},
      {"{emit: {reply: done, data: {n: '${credential:x}'}}}",
       {"~.emit: an event is no place for a secret (whoever reads the events would see it)"}},
      {"{set: {r: 1}}, {emit: {reply: done, data: '${var:r}'}}", {}}};
  for (const auto& [step, told] : rows) {
    list found = step_mistakes(step);
    for (std::string& each : found)
      if (const auto at = each.find("sessions.s.script"); at != std::string::npos) {
        each.erase(0, each.find(']', at) + 1);
        each.insert(0, "~");
      }
    INFO(step);
    CHECK(found == told);
  }
  CHECK(mistakes("before: [{emit: {reply: done, data: {n: 1}}}]").empty());
}

TEST_CASE("what a stream is made of", "[steps]") {
  const std::string own =
      "protocol: {byte_order: little, commands: {raw: 'data:bytes', b: {json: {a: ~, 'n?': ~}}, t: 'n:b "
      "data:str', "
      "e: 'n:b=1', h: 'n:b data:b64'}}\n    script: [{stream: {";
  const auto told = [&](const std::string& step) {
    list all = load_document(session_of("    " + own + step + "}}]\n"), "f", true).mistakes;
    for (std::string& each : all) each.erase(0, each.find("stream"));
    return all;
  };
  const auto made = [&](const std::string& step) {
    const auto loaded = load_good(session_of("    " + own + step + "}}]\n"));
    return std::get<stream_step>(loaded.sessions.at(0).script.at(0).action);
  };
  const stream_step plain = made("file: f, send: raw");
  CHECK(plain.file->display() == "f");
  CHECK(plain.chunk == 16'384);
  CHECK_FALSE(plain.every);
  CHECK(plain.field == "data");
  CHECK(plain.each.command == "raw");
  CHECK(plain.each.as == stream_step::form::hex);
  CHECK_FALSE(plain.last);
  const stream_step full =
      made("exec: [a, b], chunk: 1KiB, every: 20ms, send: b, as: a, with: {n: 2}, last: e");
  CHECK(full.program.size() == 2);
  CHECK(full.chunk == 1'024);
  CHECK(full.every->fixed.count() == 20);
  CHECK(full.each.as == stream_step::form::base64);
  CHECK(full.each.with.unresolved().dump() == R"({"n":2})");
  CHECK_FALSE(full.last->takes_chunk);
  const stream_step last = made("stdin: true, send: raw, last: h, last_with: {n: 1}");
  CHECK(last.last->takes_chunk);
  CHECK(last.last->as == stream_step::form::base64);
  CHECK_FALSE(made("stdin: true, send: raw, last: e").last->takes_chunk);

  CHECK(told("send: raw").size() == 1);
  CHECK(told("file: f, exec: [a], send: raw").size() == 1);
  CHECK(told("file: f") == list{"stream: the field 'send' is missing"});
  CHECK(told("stdin: false, send: raw") ==
        list{"stream: there is nothing to stream (give a file, a program, or stdin: true)"});
  CHECK(told("file: f, send: t, with: {n: 1}") ==
        list{"stream.send: 'data' of the command 't' takes no bytes (its type must be bytes, b64 or a slot "
             "of JSON)"});
  CHECK(told("file: f, send: e").size() == 1);
  CHECK(told("file: f, send: h").size() == 1);
  CHECK(told("file: f, send: b, as: n").size() == 1);
  CHECK(told("file: f, send: none").size() == 1);
  CHECK(told("file: f, send: raw, last: h").size() == 1);
  CHECK(told("file: f, send: raw, last: e, last_with: {k: 1}").size() == 1);
  CHECK(told("file: f, send: raw, last_with: {k: 1}").size() == 1);
  CHECK(told("file: f, send: b, as: a, with: {n: '${var:none}'}").size() == 1);
  CHECK(mistakes("before: [{stream: {file: f, send: go}}]").size() >= 1);
}

TEST_CASE("a duration may come from a reply", "[steps]") {
  const auto time_of = [](const char* text) {
    duration_template time;
    time.text = text_template(text);
    return time.resolve(nullptr);
  };
  CHECK(time_of("${'15' | number}").value.count() == 15);
  CHECK(time_of("${'0' | number}").value.count() == 0);
  CHECK(time_of("${'999999999999' | number}").value.count() == 999'999'999'999);
  CHECK(time_of("${'15'}s").value.count() == 15'000);
  CHECK(time_of("${'2m'}").value.count() == 120'000);
  for (const char* endless :
       {"${'3153600000001' | number}", "${'1e300' | number}", "${'18446744073709551615' | number}",
        "${'876000h1ms'}", "${'99999999999'}s", "${'99999999999999999999'}s", "${'99999999999.5'}h",
        "${'800000h80000000m4000000000s'}"})
    CHECK(time_of(endless).value == longest_duration);
  const std::string error = ": the value is not a duration (a number of milliseconds, or a text such as 30s)";
  for (const char* bad : {"${'-1' | number}", "${'-1e300' | number}", "${'nan'}", "${'99999999999999999999'}",
                          "${'15'}", "${'true' | json}"}) {
    INFO(bad);
    CHECK(time_of(bad).error == bad + error);
  }
  CHECK(time_of("${var:x}").error == "${var:x}: only has a value while the session runs");
  CHECK(duration_template{milliseconds{7}, {}}.resolve(nullptr).value.count() == 7);
}

// Packets known beforehand that follow each other are one piece, up to 1 MiB; anything between parts them.
TEST_CASE("consecutive known packets are one burst", "[steps]") {
  const step_list all = steps(
      "{send: go}, {send: of, with: {n: 2}}, {sleep: 0}, {send: go}, "
      "{send: go, timeout: 1s}, {send: go}, {send: go, finally: {sleep: 0}}");
  REQUIRE(all[0].in_burst != nullptr);
  CHECK(all[0].in_burst == all[1].in_burst);
  CHECK(all[0].burst_index == 0);
  CHECK(all[1].burst_index == 1);
  CHECK(all[0].in_burst->bytes == std::vector<std::uint8_t>{1, 2});
  CHECK(all[0].in_burst->message(0).bytes.size() == 1);
  CHECK(all[0].in_burst->message(1).bytes[0] == 2);
  CHECK(all[2].in_burst == nullptr);
  REQUIRE(all[3].in_burst != nullptr);
  CHECK(all[3].in_burst != all[0].in_burst);
  CHECK(all[4].in_burst == nullptr);
  REQUIRE(all[5].in_burst != nullptr);
  CHECK(all[5].in_burst != all[3].in_burst);
  CHECK(all[6].in_burst == nullptr);
  const auto packet = [](std::size_t size) {
    script_step step;
    send_step what;
    what.packed = send_step::packet{};
    what.packed->bytes.resize(size);
    step.action = std::move(what);
    return step;
  };
  step_list exact{packet((1u << 20) - 1), packet(1), packet(1)};
  gather_bursts(exact);
  CHECK(exact[0].in_burst == exact[1].in_burst);
  CHECK(exact[1].in_burst != exact[2].in_burst);
  CHECK(exact[2].burst_index == 0);
}

TEST_CASE("every step is visited, those inside of others too", "[steps]") {
  const step_list all = steps(
      "{every: 1s, do: {sleep: 0}}, {spawn: a, do: {sleep: 0}}, {repeat: 1, do: {sleep: 0}}, "
      "{if: {a: 1}, then: {sleep: 0}, else: {sleep: 0}}, {gather: [{sleep: 0}, {sleep: 0}]}, "
      "{race: [{sleep: 0}]}, {wait: [{sleep: 0}]}, {sleep: 0, on_fault: {sleep: 0}}, {sleep: 0, finally: "
      "{sleep: 0}}");
  std::size_t sleeps = 0;
  std::size_t steps_seen = 0;
  for_each_step(all, [&](const script_step& step) {
    ++steps_seen;
    sleeps += std::holds_alternative<sleep_step>(step.action) ? 1 : 0;
  });
  CHECK(sleeps == 13);
  CHECK(steps_seen == 20);
}

}  // namespace duplexd::config::testing
