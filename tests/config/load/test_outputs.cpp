// Where events go, as the configuration says it.
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

using lines = std::vector<std::string>;

std::string file_with(const std::string& outputs, const std::string& routes) {
  return "outputs: " + outputs + "\nsessions: {s: {url: 'wss://h', outputs: " + routes +
         ", protocol: {replies: [{as: tick, layout: 'a:i'}]}}}\n";
}

lines mistakes_of(const std::string& outputs, const std::string& routes) {
  return load_document(file_with(outputs, routes), "f.yaml").mistakes;
}

}  // namespace

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
  CHECK(load_document("journal: {path: j}\n" + file_with("{f: {type: file, path: f}}", "[f]"), "f.yaml")
            .mistakes ==
        lines{"f:1:10: journal: no output, command or variable is durable (add durable: true to one)"});
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
          "batch: {events: 7, size: 8, time: 9ms}, dead_letters: /x/d, sign: {header: S, secret: k}, "
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

TEST_CASE("peers, and sockets of this machine", "[outputs]") {
  const settings all = load_good(
      file_with(
          "{t: {type: tcp, address: 'h:1', tls: true, timeout: 5s, format: ndjson, queue: 70000, overflow: "
          "drop_newest}, u: {type: udp, address: '[::1]:2', format: raw}, s: {type: syslog}, r: {type: "
          "syslog, transport: tcp, address: 'h:3', tls: true, timeout: 6s, facility: local7, severity: "
          "alert, app_name: feed, structured_data: 'f@1'}, l: {type: syslog, socket: /x/log}, j: {type: "
          "journald, socket: x/s, severity: debug, app_name: a}, e: {type: stderr, format: ndjson}}",
          "[t, u, s, r, l, j, e]"),
      "/etc/f.yaml");
  const auto at = [&](std::size_t index) -> const output_settings& { return all.outputs.at(index); };
  CHECK(at(0).type == output_type::tcp);
  CHECK(host_port_text(at(0).address) == "h:1");
  CHECK(at(0).tls);
  CHECK(at(0).timeout.count() == 5'000);
  CHECK(at(0).record.form == record_form::ndjson);
  CHECK(at(0).queue == 70'000);
  CHECK(at(0).overflow == overflow_policy::drop_newest);
  CHECK(at(1).type == output_type::udp);
  CHECK(host_port_text(at(1).address) == "[::1]:2");
  CHECK_FALSE(at(1).tls);
  CHECK(at(1).record.form == record_form::raw);
  const output_settings& usual = at(2);
  CHECK(usual.type == output_type::syslog);
  CHECK(usual.transport == syslog_transport::unix_socket);
  CHECK(usual.facility == syslog_facility::daemon);
  CHECK(usual.severity == syslog_severity::info);
  CHECK(usual.app_name == "duplexd");
  CHECK(usual.structured_data.empty());
  CHECK(usual.socket.empty());
  CHECK(at(3).transport == syslog_transport::tcp);
  CHECK(host_port_text(at(3).address) == "h:3");
  CHECK(at(3).tls);
  CHECK(at(3).timeout.count() == 6'000);
  CHECK(at(3).facility == syslog_facility::local7);
  CHECK(at(3).severity == syslog_severity::alert);
  CHECK(at(3).app_name == "feed");
  CHECK(at(3).structured_data == "f@1");
  CHECK(at(4).socket == "/x/log");
  CHECK(at(5).type == output_type::journald);
  CHECK(at(5).socket == "/etc/x/s");
  CHECK(at(5).severity == syslog_severity::debug);
  CHECK(at(5).app_name == "a");
  CHECK(at(6).type == output_type::standard_error);
  CHECK(at(6).record.form == record_form::ndjson);
}

TEST_CASE("mistakes about peers and sockets are told", "[outputs]") {
  const auto told = [](const std::string& output) {
    const lines all = mistakes_of("{o: {type: " + output + "}}", "[o]");
    REQUIRE(all.size() == 1);
    return all[0].substr(all[0].find("outputs.o"));
  };
  CHECK(told("tcp") == "outputs.o: an output of type tcp needs an address (add address: HOST:PORT)");
  CHECK(told("udp") == "outputs.o: an output of type udp needs an address (add address: HOST:PORT)");
  CHECK(told("tcp, address: h") == "outputs.o.address: the port is missing: write HOST:PORT");
  CHECK(told("tcp, address: 5") == "outputs.o.address: expected HOST:PORT");
  CHECK(told("tcp, address: 'h:1', durable: true") ==
        "outputs.o.durable: an output of type tcp has no 'durable'");
  CHECK(told("udp, address: 'h:1', tls: true") == "outputs.o.tls: an output of type udp has no 'tls'");
  CHECK(told("syslog, transport: udp") ==
        "outputs.o: syslog over transport udp needs an address (add address: HOST:PORT)");
  CHECK(told("syslog, address: 'h:1'") == "outputs.o.address: syslog over transport unix has no 'address'");
  CHECK(told("syslog, transport: tcp, address: 'h:1', socket: s") ==
        "outputs.o.socket: syslog over transport tcp has no 'socket'");
  CHECK(told("syslog, transport: udp, address: 'h:1', tls: true") ==
        "outputs.o.tls: syslog over transport udp has no 'tls'");
  CHECK(told("syslog, timeout: 1s") == "outputs.o.timeout: syslog over transport unix has no 'timeout'");
  CHECK(told("journald, facility: user") ==
        "outputs.o.facility: an output of type journald has no 'facility'");
  CHECK(told("stderr, queue: 1MiB") == "outputs.o.queue: an output of type stderr has no 'queue'");
  CHECK(mistakes_of("{a: {type: stderr}, b: {type: stderr}}", "[a]").size() == 1);
  CHECK(mistakes_of("{a: {type: syslog, socket: x}, b: {type: syslog, socket: x}}", "[a]").empty());
}

TEST_CASE("an output of type postgres", "[outputs]") {
  const settings all =
      load_good(file_with("{p: {type: postgres, url: 'postgresql://u@h/d', timeout: 5s, indexes: {t: [a]}, "
                          "dead_letters: /x/dead}}",
                          "[p]"),
                "f.yaml");
  const output_settings& made = all.outputs.at(0);
  CHECK(made.type == output_type::postgres);
  CHECK(made.url.display() == "postgresql://u@h/d");
  CHECK(made.timeout.count() == 5000);
  CHECK(made.indexes.at("t") == lines{"a"});
  CHECK(made.dead_letters == "/x/dead");
}

TEST_CASE("mistakes about a database's url are told", "[outputs]") {
  const auto told = [](const std::string& output) {
    const lines all = mistakes_of("{o: {type: " + output + "}}", "[o]");
    REQUIRE(all.size() == 1);
    return all[0].substr(all[0].find("outputs.o"));
  };
  const std::string example = "postgresql://USER@HOST/DATABASE?sslmode=verify-full";
  CHECK(told("postgres") == "outputs.o: an output of type postgres needs a url (add url: " + example + ")");
  CHECK(told("postgres, url: 'http://h/'") ==
        "outputs.o.url: the url of a database begins with postgresql:// (" + example + ")");
  CHECK(told("postgres, url: '${env:HOME}'").starts_with("outputs.o.url: the url of a database begins with"));
  CHECK(told("http, url: 'postgres://h/'") ==
        "outputs.o.url: a URL must start with https:// or http:// (https://HOST/PATH)");
  CHECK(told("postgres, url: 'postgres://${var:x}/'") ==
        "outputs.o.url: an output belongs to no session: only env, file and credential have values here");
  CHECK(told("postgres, url: 'postgres://h/', sync: true") ==
        "outputs.o.sync: an output of type postgres has no 'sync'");
}

TEST_CASE("an output of type mqtt", "[outputs]") {
  const output_settings made =
      load_good(
          file_with("{p: {type: mqtt, url: 'mqtts://h', topic: 'a/${session}/%F', user: u, password: p, "
                    "client_id: c, qos: 0, retain: true, keepalive: 5s, ca_file: /ca, cert_file: /cert, "
                    "key_file: /key, timeout: 5s, dead_letters: /x/dead, format: raw}}",
                    "[p]"),
          "f.yaml")
          .outputs.at(0);
  CHECK(made.type == output_type::mqtt);
  CHECK(made.url.display() == "mqtts://h");
  CHECK(made.topic == "a/${session}/%F");
  CHECK((made.user.display() + made.password.display() + made.client_id) == "upc");
  CHECK(made.qos == 0);
  CHECK(made.retain);
  CHECK(made.keepalive.count() == 5'000);
  CHECK((made.ca_file.display() + made.cert_file.display() + made.key_file.display()) == "/ca/cert/key");
  CHECK(made.dead_letters == "/x/dead");
  const output_settings usual =
      load_good(file_with("{p: {type: mqtt, url: 'mqtt://h', topic: t, durable: true}}", "[p]"), "f.yaml")
          .outputs.at(0);
  CHECK(usual.qos == 1);
  CHECK_FALSE(usual.retain);
  CHECK(usual.keepalive.count() == 60'000);
}

TEST_CASE("an output of type nats", "[outputs]") {
  const output_settings made =
      load_good(
          file_with(
              "{p: {type: nats, url: 'tls://h', subject: 'a.${session}.%F', token: t, creds_file: /creds, "
              "jetstream: true, ca_file: /ca, cert_file: /cert, key_file: /key, timeout: 5s, "
              "dead_letters: /x/dead, format: raw, durable: true}}",
              "[p]"),
          "f.yaml")
          .outputs.at(0);
  CHECK(made.type == output_type::nats);
  CHECK(made.topic == "a.${session}.%F");
  CHECK(made.user.empty());
  CHECK(made.password.empty());
  CHECK(made.token.display() == "t");
  CHECK(made.creds_file == "/creds");
  CHECK(made.jetstream);
  CHECK((made.ca_file.display() + made.cert_file.display() + made.key_file.display()) == "/ca/cert/key");
}

TEST_CASE("mistakes about a NATS server are told", "[outputs]") {
  const auto told = [](const std::string& output) {
    const lines all = mistakes_of("{o: {type: nats, " + output + "}}", "[o]");
    REQUIRE(all.size() == 1);
    return all[0].substr(all[0].find("outputs.o"));
  };
  CHECK(told("subject: s") == "outputs.o: an output of type nats needs a url (add url: tls://SERVER)");
  CHECK(told("url: 'nats://h'") ==
        "outputs.o: an output of type nats needs a subject (add subject: feeds.${session}.${reply})");
  CHECK(told("subject: s, url: 'mqtt://h'") ==
        "outputs.o.url: a URL must start with tls:// or nats:// (tls://SERVER)");
  for (const char* subject : {"a.*", "a.>", "a b"})
    CHECK(told("url: 'nats://h', subject: '" + std::string(subject) + "'") ==
          "outputs.o.subject: a subject that is written to has no wildcards and no blanks");
  for (const char* subject : {".a", "a.", "a..b"})
    CHECK(told("url: 'nats://h', subject: '" + std::string(subject) + "'") ==
          "outputs.o.subject: a subject has a name before, between and behind its dots");
  CHECK(told("url: 'nats://h', subject: $JS.x") ==
        "outputs.o.subject: a subject that begins with '$' is the broker's own");
  CHECK(told("url: 'nats://h', subject: s, ca_file: c") ==
        "outputs.o.ca_file: nats:// without TLS has no 'ca_file'");
  CHECK(told("url: 'nats://h', subject: s, durable: true") ==
        "outputs.o.durable: a durable output needs jetstream: true, because only that is acknowledged");
  CHECK(told("url: 'nats://h', subject: s, token: t, user: u") ==
        "outputs.o.user: a server that wants a token has no 'user'");
  CHECK(told("url: 'nats://h', subject: s, qos: 1") == "outputs.o.qos: an output of type nats has no 'qos'");
}

TEST_CASE("mistakes about a broker are told", "[outputs]") {
  const auto told = [](const std::string& output) {
    const lines all = mistakes_of("{o: {type: " + output + "}}", "[o]");
    REQUIRE(all.size() == 1);
    return all[0].substr(all[0].find("outputs.o"));
  };
  CHECK(told("mqtt, topic: t") == "outputs.o: an output of type mqtt needs a url (add url: mqtts://BROKER)");
  CHECK(told("mqtt, url: 'mqtt://h'") ==
        "outputs.o: an output of type mqtt needs a topic (add topic: feeds/${session}/${reply})");
  CHECK(told("mqtt, topic: t, url: 'http://h'") ==
        "outputs.o.url: a URL must start with mqtts:// or mqtt:// (mqtts://BROKER)");
  CHECK(told("mqtt, topic: t, url: 'mqtt://u:p@h'") ==
        "outputs.o.url: a user name or password in the URL is not supported: use user and password "
        "(mqtts://BROKER)");
  CHECK(told("mqtt, topic: t, url: 'mqtt://h/x'") ==
        "outputs.o.url: the URL of a broker has a host and perhaps a port, and no path (mqtts://BROKER)");
  CHECK(told("mqtt, topic: t, url: 'amqp://h'") ==
        "outputs.o.url: a URL must start with mqtts:// or mqtt:// (mqtts://BROKER)");
  CHECK(told("mqtt, topic: t, url: '${env:HOME}'") ==
        "outputs.o.url: a URL must start with mqtts:// or mqtt:// (after replacing its references)");
  CHECK(told("http, url: 'mqtt://h'") ==
        "outputs.o.url: a URL must start with https:// or http:// (https://HOST/PATH)");
  CHECK(told("mqtt, url: 'mqtt://h', topic: 'a/+'") ==
        "outputs.o.topic: a topic that is written to has no wildcards and no blanks");
  CHECK(told("mqtt, url: 'mqtt://h', topic: $SYS/x") ==
        "outputs.o.topic: a topic that begins with '$' is the broker's own");
  CHECK(told("mqtt, url: 'mqtt://h', topic: '${x}'") ==
        "outputs.o.topic: '${x}' is neither ${session} nor ${reply}");
  CHECK(told("mqtt, url: 'mqtt://h', topic: t, ca_file: /x") ==
        "outputs.o.ca_file: mqtt:// without TLS has no 'ca_file'");
  CHECK(told("mqtt, url: 'mqtt://h', topic: t, qos: 0, durable: true") ==
        "outputs.o.qos: a durable output needs qos: 1, because only that is acknowledged");
  CHECK(told("mqtt, url: 'mqtt://h', topic: t, user: '${var:x}'") ==
        "outputs.o.user: an output belongs to no session: only env, file and credential have values here");
  CHECK(told("file, path: x, topic: t") == "outputs.o.topic: an output of type file has no 'topic'");
}

TEST_CASE("commands of a broker", "[outputs]") {
  const auto made =
      load_good(
          file_with("{p: {type: mqtt, url: 'mqtt://h', topic: t, commands: {topic: 'a/+/#', answers: b}}, "
                    "q: {type: nats, url: 'nats://h', subject: s, commands: {subject: 'a.*.>'}}}",
                    "[p]"),
          "f.yaml")
          .outputs;
  CHECK(made.at(0).commands.from == "a/+/#");
  CHECK(made.at(0).commands.answers == "b");
  CHECK(made.at(1).commands.from == "a.*.>");
  CHECK(made.at(1).commands.answers.empty());
}

TEST_CASE("mistakes about the commands of a broker are told", "[outputs]") {
  const auto told = [](const std::string& output) {
    const lines all = mistakes_of("{o: {type: " + output + "}}", "[o]");
    INFO(output);
    REQUIRE(all.size() == 1);
    return all[0].substr(all[0].find("outputs.o"));
  };
  const auto mqtt = [&](const std::string& commands) {
    return told("mqtt, url: 'mqtt://h', topic: 'e/${session}/%Y', commands: {" + commands + "}");
  };
  const auto nats = [&](const std::string& commands) {
    return told("nats, url: 'nats://h', subject: 'e.${session}', commands: {" + commands + "}");
  };
  CHECK(mqtt("answers: a").starts_with("outputs.o.commands: "));  // no topic
  CHECK(mqtt("subject: s") == "outputs.o.commands.subject: an output of type mqtt has no 'subject'");
  CHECK(nats("topic: s") == "outputs.o.commands.topic: an output of type nats has no 'topic'");
  for (const char* bad : {"a+", "a/#/b", "#a"})
    CHECK(mqtt("topic: '" + std::string(bad) + "'") ==
          "outputs.o.commands.topic: '+' stands for a whole level, '#' for all that are left");
  for (const char* bad : {"a*", "a.>.b"})
    CHECK(nats("subject: '" + std::string(bad) + "'") ==
          "outputs.o.commands.subject: '*' stands for a whole level, '>' for all that are left");
  CHECK(nats("subject: 'a..b'") ==
        "outputs.o.commands.subject: a subject has a name before, between and behind its dots");
  CHECK(nats("subject: 'a b'") == "outputs.o.commands.subject: it holds blanks or U+0000");
  for (const char* loops : {"#", "e/#", "e/+/+"})
    CHECK(mqtt("topic: '" + std::string(loops) + "'") ==
          "outputs.o.commands.topic: the output's own events would come back as commands");
  CHECK(nats("subject: 'e.*'") ==
        "outputs.o.commands.subject: the output's own events would come back as commands");
  CHECK(mqtt("topic: 'c/+', answers: c/ends") ==
        "outputs.o.commands.answers: the answers would come back as commands");
  CHECK(mqtt("topic: c, answers: 'a/+'") ==
        "outputs.o.commands.answers: it is not a topic that can be written to");
  CHECK(nats("subject: c, answers: $JS") ==
        "outputs.o.commands.answers: it is not a subject that can be written to");
  CHECK(told("postgres, url: 'postgres://h/', commands: {topic: t}") ==
        "outputs.o.commands: an output of type postgres has no 'commands'");
  // What is only alike is not the same.
  CHECK(mistakes_of("{o: {type: mqtt, url: 'mqtt://h', topic: 'e/${session}', commands: {topic: 'e/+/c', "
                    "answers: e/c}}}",
                    "[o]")
            .empty());
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
