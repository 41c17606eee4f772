// Where events go, as the configuration says it.
#include "tests/catch.hpp"
#include "tests/config/load/outputs.hpp"

namespace duplexd::config::testing {

TEST_CASE("each value of an output arrives in its own place", "[outputs]") {
  const settings all = load_good(
      file_with(
          "{f: {type: file, path: /x/f.csv, format: csv, columns: [time, a], queue: 70000, overflow: "
          "drop_oldest, rotate: {size: 1, age: 2ms}, keep: {files: 3, size: 4, age: 5ms}, compress: zstd, "
          "sync: true}, d: {type: sqlite, path: /x/d.db, indexes: {tick: [a]}, overflow: drop_newest}}",
          "[f, d, {to: f, replies: [tick], where: {a: 1}, format: ndjson}, {to: stdout, format: csv, "
          "columns: [a]}]"),
      "f.yaml");
  REQUIRE(all.outputs.size() == 2);
  const output_settings& file = all.outputs[0];
  CHECK(file.name == "f");
  CHECK(file.type == output_type::file);
  CHECK(file.path == "/x/f.csv");
  CHECK(file.record.form == record_form::csv);
  CHECK(file.record.columns == lines{"time", "a"});
  CHECK(file.queue == 70'000);
  CHECK(file.overflow == overflow_policy::drop_oldest);
  CHECK(file.rotate.size == 1);
  CHECK(file.rotate.age.count() == 2);
  CHECK(file.keep.files == 3);
  CHECK(file.keep.size == 4);
  CHECK(file.keep.age.count() == 5);
  CHECK(file.compress == file_compression::zstd);
  CHECK(file.sync);
  const output_settings& database = all.outputs[1];
  CHECK(database.type == output_type::sqlite);
  CHECK(database.indexes.at("tick") == lines{"a"});
  CHECK(database.overflow == overflow_policy::drop_newest);
  CHECK(database.queue == 16u << 20);
  const auto& routes = all.sessions.at(0).outputs;
  REQUIRE(routes.size() == 4);
  CHECK(routes[0].to == "f");
  CHECK(routes[0].record.form == record_form::csv);
  CHECK(routes[0].record.columns == lines{"time", "a"});
  CHECK(routes[1].record.form == record_form::json);
  CHECK(routes[2].replies == lines{"tick"});
  CHECK(routes[2].where == nlohmann::ordered_json{{"a", 1}});
  CHECK(routes[2].record.form == record_form::ndjson);
  CHECK(routes[3].record.columns == lines{"a"});
}

TEST_CASE("the journal's values arrive in their own places", "[outputs]") {
  const settings all =
      load_good("journal: {path: sub/j.db, size: 2MiB, full: drop_oldest, keep: 3ms}\n" +
                    file_with("{f: {type: file, path: f, durable: true}, d: {type: sqlite, path: d}}", "[f]"),
                "/etc/duplexd/f.yaml");
  CHECK(all.outputs[0].durable);
  CHECK_FALSE(all.outputs[1].durable);
  CHECK(all.journal.file == "/etc/duplexd/sub/j.db");
  CHECK(all.journal.size == 2u << 20);
  CHECK(all.journal.full == journal_policy::drop_oldest);
  CHECK(all.journal.keep.count() == 3);
}

// The journal decides what a queue does elsewhere.
TEST_CASE("what has no effect on a durable output, or without one, is refused", "[outputs]") {
  const auto with = [](const std::string& more) {
    const lines all = mistakes_of("{f: {type: file, path: f, durable: true, " + more + "}}", "[f]");
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(with("queue: 1MiB") ==
        "f:1:58: outputs.f.queue: a durable output has no 'queue' (the journal has size and full)");
  CHECK(with("overflow: block") ==
        "f:1:61: outputs.f.overflow: a durable output has no 'overflow' (the journal has size and full)");
  CHECK(with("sync: true") == "f:1:57: outputs.f.sync: a durable output is always synced");
  CHECK(
      load_document("journal: {path: j}\n" + file_with("{f: {type: file, path: f}}", "[f]"), "f.yaml")
          .mistakes ==
      lines{
          "f:1:10: journal: no output, command, variable or sequence is durable (add durable: true to one)"});
  CHECK(mistakes_of("{stdout: {type: stdout, durable: true}}", "[stdout]").size() == 1);
}

TEST_CASE("a durable command needs a journal and waits for a connection", "[outputs]") {
  const auto with = [](const std::string& more, const std::string& rules) {
    return load_document(more +
                             "sessions: {s: {url: 'ws://127.0.0.1/', protocol: {commands: {c: {json: {}}}}, "
                             "commands: {c: {" +
                             rules + "}}}}",
                         "f.yaml");
  };
  const auto good = with("journal: {path: j}\n", "durable: true");
  REQUIRE(good.mistakes.empty());
  CHECK(good.value->sessions.at(0).commands.at("c").durable);
  CHECK(good.value->sessions.at(0).commands.at("c").offline == offline_policy::queue);
  CHECK(with("journal: {path: j}\n", "durable: true, offline: queue").mistakes.empty());
  CHECK(
      with("", "durable: true").mistakes ==
      lines{"f:1:12: sessions.s.commands.c: a durable command needs a journal (add journal: {path: FILE})"});
  CHECK(with("journal: {path: j}\n", "durable: true, offline: fail").mistakes.size() == 1);
}

TEST_CASE("an output's relative path starts from the configuration's directory", "[outputs]") {
  const settings all =
      load_good(file_with("{f: {type: file, path: 'a/../b-%F'}}", "[f]"), "/etc/duplexd/f.yaml");
  CHECK(all.outputs.at(0).path == "/etc/duplexd/b-%F");
}

// With their places: what would do nothing is refused.
TEST_CASE("mistakes about outputs are told", "[outputs]") {
  const auto first = [](const std::string& outputs, const std::string& routes = "[stdout]") {
    const lines all = mistakes_of(outputs, routes);
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(first("{}", "[fil]") == "f:2:42: sessions.s.outputs[0]: there is no output 'fil' (known: stdout)");
  CHECK(first("{file: {type: file, path: f}}", "[fil]") ==
        "f:2:42: sessions.s.outputs[0]: there is no output 'fil' (did you mean 'file'?)");
  CHECK(first("{f: {path: f}}") == "f:1:14: outputs.f: the field 'type' is missing");
  CHECK(first("{f: {type: file}}") ==
        "f:1:14: outputs.f: an output of type file needs a path (add path: FILE)");
  CHECK(first("{f: {type: sqlite, path: f, compress: gzip}}") ==
        "f:1:48: outputs.f.compress: an output of type sqlite has no 'compress'");
  CHECK(first("{f: {type: sqlite, path: f, format: json}}") ==
        "f:1:46: outputs.f.format: an output of type sqlite has no 'format'");
  CHECK(first("{f: {type: file, path: f, format: csv}}") ==
        "f:1:14: outputs.f: csv needs its columns (add columns: [time, FIELD])");
  CHECK(first("{f: {type: file, path: f, columns: [a]}}") ==
        "f:1:14: outputs.f: columns are only allowed with format: csv");
  CHECK(first("{f: {type: file, path: 'f-%y'}}") ==
        "f:1:34: outputs.f.path: '%y' is not a part of the time: use %Y %m %d %H %M %S %F, or %% for a "
        "percent "
        "sign");
  CHECK(first("{f: {type: file, path: 'f-${name}'}}") ==
        "f:1:34: outputs.f.path: '${name}' is neither ${session} nor ${reply}");
  CHECK(first("{f: {type: stdout}}") ==
        "f:1:11: outputs.f: the output of type stdout is called stdout, and no other is");
  CHECK(first("{stdout: {type: file, path: f}}") ==
        "f:1:11: outputs.stdout: the output of type stdout is called stdout, and no other is");
  CHECK(first("{'a b': {type: file, path: f}}") ==
        "f:1:12: outputs.a b: 'a b' is not a valid name for an output (use letters, digits, '_', '.' "
        "and '-')");
  CHECK(first("{p: {type: exec}}") ==
        "f:1:14: outputs.p: an output of type exec needs a program (add program: [NAME, ARGUMENT])");
  CHECK(first("{p: {type: exec, program: [a], path: f}}") ==
        "f:1:47: outputs.p.path: an output of type exec has no 'path'");
  CHECK(first("{p: {type: file, path: f, answers: commands}}") ==
        "f:1:45: outputs.p.answers: an output of type file has no 'answers'");
  CHECK(
      first("{p: {type: exec, program: [a, '${var:x}']}}") ==
      "f:1:36: outputs.p.program: an output belongs to no session: only env, file and credential have values "
      "here");
  CHECK(first("{p: {type: exec, program: [a], env: {K: '${reply:x}'}}}")
            .starts_with("f:1:46: outputs.p.env: an output belongs to no session"));
  CHECK(
      first("{a: {type: file, path: 'x/../f'}, b: {type: sqlite, path: f}}") ==
      "f:1:44: outputs.b: it writes where the output 'a' writes, too (let the sessions share one of them, or "
      "give each a path of its own)");
  CHECK(first("{a: {type: file, path: '%F.${session}'}, b: {type: file, path: '%F.${session}'}}")
            .starts_with("f:1:51: outputs.b: it writes where the output 'a' writes"));
  CHECK(first("{a: {type: sqlite, path: t.db}, b: {type: file, path: '${reply}.db'}}")
            .starts_with("f:1:42: outputs.b: it writes where the output 'a' writes"));
  CHECK(mistakes_of("{a: {type: sqlite, path: t.db}, b: {type: file, path: '${reply}.jsonl'}, "
                    "c: {type: file, path: c.jsonl}}",
                    "[a]")
            .empty());
  CHECK(first("{}", "[{to: stdout, replies: [tock]}]").find("'tock'") != std::string::npos);
  CHECK(first("{}", "[{to: stdout, where: {a: 1}}]").find("replies") != std::string::npos);
  CHECK(first("{}", "[{to: stdout, replies: tick, where: {a: {$min: x}}}]").find("sessions.s.outputs[0]") !=
        std::string::npos);
  CHECK(first("{}", "[{to: stdout, format: csv}]") ==
        "f:2:42: sessions.s.outputs[0]: csv needs its columns (add columns: [time, FIELD])");
  CHECK(first("{}", "[5]") ==
        "f:2:42: sessions.s.outputs[0]: expected the name of an output, or a map, found an integer "
        "({to: NAME, "
        "replies: [REPLY]})");
}

// SQLite has files beside its database, and the journal is one.
TEST_CASE("an output has its files for itself", "[outputs]") {
  const auto told = [](const std::string& more, const std::string& outputs) {
    return load_document(more + file_with(outputs, "[a]"), "f.yaml").mistakes;
  };
  CHECK(told("", "{a: {type: sqlite, path: t.db}, b: {type: file, path: t.db-wal}}") ==
        lines{"f:1:42: outputs.b: it writes where the output 'a' writes, too (let the sessions share one of "
              "them, or "
              "give each a path of its own)"});
  for (const char* path : {"j.db", "x/../j.db", "j.db-wal", "j.db-shm"}) {
    INFO(path);
    const auto found = told("journal: {path: j.db}\n",
                            "{a: {type: sqlite, durable: true, path: " + std::string(path) + "}}");
    REQUIRE(found.size() == 1);
    CHECK(found[0] == "f:2:11: outputs.a: it writes where the journal is (give each a path of its own)");
  }
  CHECK(told("journal: {path: j.db}\n", "{a: {type: sqlite, durable: true, path: k.db}}").empty());
}

TEST_CASE("paths without placeholders take no references", "[outputs]") {
  CHECK(mistakes_of("{a: {type: sqlite, path: '${session}.db'}}", "[a]") ==
        lines{"f:1:36: outputs.a.path: references are not allowed in this field"});
  CHECK(load_document("journal: {path: '${env:X}'}\n" +
                          file_with("{a: {type: sqlite, durable: true, path: t.db}}", "[a]"),
                      "f.yaml")
            .mistakes == lines{"f:1:10: journal.path: references are not allowed in this field"});
}

TEST_CASE("what a SQLite output keeps has no number of files", "[outputs]") {
  CHECK(
      mistakes_of("{a: {type: sqlite, path: t.db, keep: {files: 3}}}", "[a]") ==
      lines{"f:1:14: outputs.a.keep: an output of type sqlite has no 'keep.files' (keep has age and size)"});
}

TEST_CASE("an output that nobody writes to, and an index that never comes, are warned of", "[outputs]") {
  const auto warnings = [](const std::string& outputs, const std::string& used) {
    return load_document(file_with(outputs, used), "f.yaml").warnings;
  };
  CHECK(warnings("{a: {type: file, path: a}, b: {type: file, path: b}}", "[a]") ==
        lines{"f:1:37: outputs.b: no session writes to it (name it in the outputs of a session)"});
  CHECK(warnings("{a: {type: sqlite, path: a, indexes: {tick: [x], tack: [x], _events: [event]}}}", "[a]") ==
        lines{"f:1:11: outputs.a.indexes: no session that writes to it has a reply 'tack'"});
  CHECK(
      warnings("{a: {type: nats, url: 'nats://h', subject: x, commands: {subject: y}}}", "[stdout]").empty());
}

TEST_CASE("a program, its environment and what its lines are", "[outputs]") {
  const settings all = load_good(
      file_with("{p: {type: exec, program: [a, b], env: {K: v}, answers: commands, format: ndjson, queue: "
                "70000, overflow: drop_newest}, q: {type: exec, program: [c]}}",
                "[p, q]"),
      "f.yaml");
  const output_settings& first = all.outputs.at(0);
  CHECK(first.type == output_type::exec);
  REQUIRE(first.program.size() == 2);
  CHECK(first.program[1].display() == "b");
  REQUIRE(first.environment.size() == 1);
  CHECK(first.environment[0].first == "K");
  CHECK(first.environment[0].second.display() == "v");
  CHECK(first.answers == program_answers::commands);
  CHECK(first.record.form == record_form::ndjson);
  CHECK(all.outputs.at(1).program.size() == 1);
  CHECK(all.outputs.at(1).answers == program_answers::log);
}

// Everybody can see a program's arguments.
TEST_CASE("a secret in a program's arguments is a warning", "[outputs]") {
  const auto loaded =
      load_document(file_with("{p: {type: exec, program: [a, '${file:/etc/hostname}']}}", "[p]"), "f.yaml");
  CHECK(loaded.mistakes.empty());
  const auto tells = [](const std::string& each) {
    return each.find("everybody on the machine can see ${file:/etc/hostname} in a program's arguments") !=
           std::string::npos;
  };
  CHECK(std::ranges::any_of(loaded.warnings, tells));
}

TEST_CASE("where events are posted to, and how", "[outputs]") {
  const settings all = load_good(
      file_with(
          "{p: {type: http, url: 'https://h/p', headers: {A: b}, body: json, compress: gzip, timeout: 5s, "
          "ca_file: /c/a, cert_file: /c/b, key_file: /c/k, batch: {events: 7, size: 8, time: 9ms}, "
          "dead_letters: /x/d, sign: {header: S, secret: k}, "
          "idempotency: true, format: ndjson}, q: {type: http, url: 'http://h/'}}",
          "[p, q]"),
      "f.yaml");
  const output_settings& first = all.outputs.at(0);
  CHECK(first.type == output_type::http);
  CHECK(first.url.display() == "https://h/p");
  REQUIRE(first.headers.size() == 1);
  CHECK(first.headers[0].first == "A");
  CHECK(first.body == batch_body::json);
  CHECK(first.compress == file_compression::gzip);
  CHECK(first.timeout.count() == 5'000);
  CHECK(first.batch.events == 7);
  CHECK(first.batch.size == 8);
  CHECK(first.batch.time.count() == 9);
  CHECK(first.dead_letters == "/x/d");
  CHECK(first.sign.header == "S");
  CHECK(first.sign.secret.display() == "k");
  CHECK(first.idempotency);
  CHECK(first.ca_file.display() == "/c/a");
  CHECK(first.cert_file.display() == "/c/b");
  CHECK(first.key_file.display() == "/c/k");
  const output_settings& usual = all.outputs.at(1);
  CHECK(usual.body == batch_body::ndjson);
  CHECK(usual.batch.events == 500);
  CHECK(usual.batch.size == 1'000'000);
  CHECK(usual.batch.time.count() == 1'000);
  CHECK(usual.timeout.count() == 30'000);
  CHECK(usual.dead_letters.empty());
  CHECK(usual.sign.header.empty());
  CHECK_FALSE(usual.idempotency);
}

TEST_CASE("mistakes about requests are told", "[outputs]") {
  const auto first = [](const std::string& text, const std::string& routes = "[stdout]") {
    const lines all = mistakes_of("{p: {type: http" + text + "}}", routes);
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(first("") == "f:1:14: outputs.p: an output of type http needs a url (add url: https://HOST/PATH)");
  CHECK(first(", url: 'wss://h/'").find("outputs.p.url: ") != std::string::npos);
  CHECK(first(", url: 'http://h/', ca_file: c").find("outputs.p.ca_file: ") != std::string::npos);
  CHECK(first(", url: 'HTTP://h/', ca_file: c") ==
        "f:1:54: outputs.p.ca_file: http:// without TLS has no 'ca_file'");
  CHECK(first(", url: 'https://h/', key_file: k").find("outputs.p.key_file: ") != std::string::npos);
  CHECK(first(", url: 'https://h/', cert_file: '${var:x}'")
            .find("outputs.p.cert_file: an output belongs to no") != std::string::npos);
  CHECK(first(", url: 'http://h/', format: raw") ==
        "f:1:53: outputs.p.format: an output of type http writes json or ndjson");
  CHECK(first(", url: 'http://h/', compress: zstd") ==
        "f:1:55: outputs.p.compress: requests can be compressed with gzip only");
  CHECK(first(", url: 'http://h/', sign: {header: 'a b', secret: k}") ==
        "f:1:51: outputs.p.sign: a header name consists of letters, digits and '-'");
  CHECK(first(", url: 'http://h/', dead_letters: '%q'").find("outputs.p.dead_letters: '%q'") !=
        std::string::npos);
  CHECK(first(", url: 'http://h/', headers: {A: '${var:x}'}")
            .find("outputs.p.headers: an output belongs to no") != std::string::npos);
  CHECK(first(", url: 'http://h/'", "[{to: p, format: raw}]") ==
        "f:2:42: sessions.s.outputs[0]: an output of type http writes json or ndjson");
  CHECK(mistakes_of("{p: {type: http, url: 'http://h/', dead_letters: f}, f: {type: file, path: f}}", "[p]")
            .size() == 1);
}

TEST_CASE("certificates need a connection with TLS", "[outputs]") {
  const auto with = [](const std::string& type) {
    return mistakes_of("{o: {type: " + type + ", ca_file: /a, cert_file: /b, key_file: /c}}", "[o]");
  };
  for (const std::string type : {"tcp", "syslog, transport: tcp"}) {
    const settings all =
        load_good(file_with("{o: {type: " + type +
                                ", address: 'h:1', tls: true, ca_file: a, cert_file: /b, key_file: /c}}",
                            "[o]"),
                  "/etc/f.yaml");
    CHECK(all.outputs.at(0).ca_file.resolve().value == "/etc/a");
    CHECK(all.outputs.at(0).cert_file.display() == "/b");
    CHECK(all.outputs.at(0).key_file.display() == "/c");
  }
  CHECK(with("tcp, address: 'h:1'") ==
        lines{"f:1:51: outputs.o.ca_file: an output of type tcp without 'tls: true' has no 'ca_file'",
              "f:1:66: outputs.o.cert_file: an output of type tcp without 'tls: true' has no 'cert_file'",
              "f:1:80: outputs.o.key_file: an output of type tcp without 'tls: true' has no 'key_file'"});
  CHECK(with("syslog, transport: tcp, address: 'h:1'")
            .at(0)
            .ends_with("syslog over transport tcp without 'tls: true' has no 'ca_file'"));
  CHECK(with("syslog, transport: udp, address: 'h:1'")
            .at(0)
            .ends_with("syslog over transport udp has no 'ca_file'"));
  CHECK(with("syslog").size() == 3);
  CHECK(with("udp, address: 'h:1'").at(0).ends_with("an output of type udp has no 'ca_file'"));
  CHECK(mistakes_of("{o: {type: tcp, address: 'h:1', tls: true, key_file: /c}}", "[o]").size() == 1);
  CHECK(mistakes_of("{o: {type: tcp, address: 'h:1', tls: true, ca_file: '${var:x}'}}", "[o]")
            .at(0)
            .find("outputs.o.ca_file: an output belongs to no session") != std::string::npos);
}

TEST_CASE("names that syslog and journald take", "[outputs]") {
  const auto good = [](const std::string& field, const std::string& text) {
    return mistakes_of("{o: {type: syslog, " + field + ": '" + text + "'}}", "[o]").empty();
  };
  CHECK(good("socket", "/" + std::string(106, 'x')));
  CHECK_FALSE(good("socket", "/" + std::string(107, 'x')));
  CHECK(good("app_name", std::string(48, 'x')));
  CHECK_FALSE(good("app_name", std::string(49, 'x')));
  for (const char* text : {"", "a b", "\xc3\xa4"}) CHECK_FALSE(good("app_name", text));
  for (const char* text : {"a@1", "feed@32473.1.2"}) CHECK(good("structured_data", text));
  CHECK(good("structured_data", std::string(30, 'x') + "@1"));
  CHECK_FALSE(good("structured_data", std::string(31, 'x') + "@1"));
  for (const char* text : {"a", "@1", "a@", "a@b", "a=@1", "a]@1", "a\"@1", "a b@1"})
    CHECK_FALSE(good("structured_data", text));
}

TEST_CASE("a template's texts and columns", "[outputs]") {
  const settings all =
      load_good(file_with("{t: {type: file, path: f, format: template, template: '$${x} ${time}, "
                          "${data.a}$'}}",
                          "[t, {to: stdout, format: template, template: \"${a}\\n\"}]"),
                "f.yaml");
  const auto shown = [](const record_settings& record) {
    lines found;
    for (const template_part& each : record.parts) found.push_back(each.literal + "|" + each.column);
    return found;
  };
  const auto& routes = all.sessions.at(0).outputs;
  CHECK(shown(routes.at(0).record) == lines{"${x} |time", ", |data.a", "$|"});
  CHECK(shown(routes.at(1).record) == lines{"|a", "\n|"});
}

TEST_CASE("mistakes in templates are told", "[outputs]") {
  const auto first = [](const std::string& text, const std::string& route = "[stdout]") {
    const lines all = mistakes_of("{t: {type: file, path: f, " + text + "}}", route);
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(first("format: template").starts_with("f:1:14: outputs.t: format: template needs a template (add "));
  CHECK(first("template: x") ==
        "f:1:46: outputs.t.template: a template is only allowed with format: template");
  CHECK(first("format: template, template: 5").starts_with("f:1:64: outputs.t.template: expected a text"));
  CHECK(first("format: template, template: '${a'")
            .starts_with("f:1:65: outputs.t.template: '${a' has no closing brace"));
  CHECK(first("format: template, template: '${ }'")
            .starts_with("f:1:65: outputs.t.template: '${}' names nothing"));
  CHECK(first("format: template, template: '${env:HOME}'")
            .starts_with("f:1:65: outputs.t.template: '${env:HOME}' is not a part of an event"));
  CHECK(first("format: template, template: '${a | hex}'").find("'${a | hex}' is not a part") !=
        std::string::npos);
  CHECK(first("format: json", "[{to: t, format: template}]")
            .starts_with("f:2:42: sessions.s.outputs[0]: format: template needs a template"));
  // A reply without that field would make an empty text each time.
  CHECK(first("format: template, template: '${b}'", "[{to: t, replies: tick}]")
            .find("sessions.s.outputs[0].template: the reply 'tick' has no field 'b'") != std::string::npos);
  CHECK(first("format: json", "[{to: t, replies: tick, format: csv, columns: [time, b]}]")
            .find("sessions.s.outputs[0].columns: the reply 'tick' has no field 'b'") != std::string::npos);
}

}  // namespace duplexd::config::testing
