// Outputs that are servers: peers, databases, brokers.
#include "tests/catch.hpp"
#include "tests/config/load/outputs.hpp"

namespace duplexd::config::testing {

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
                    "q: {type: nats, url: 'nats://h', subject: s, commands: {subject: 'a.*.>'}}, "
                    "r: {type: nats, url: 'nats://h', subject: s, commands: {stream: a-1, consumer: b_2, "
                    "answers: c}}}",
                    "[p]"),
          "f.yaml")
          .outputs;
  CHECK(made.at(0).commands.from == "a/+/#");
  CHECK(made.at(0).commands.answers == "b");
  CHECK(made.at(1).commands.from == "a.*.>");
  CHECK(made.at(1).commands.answers.empty());
  CHECK(made.at(2).commands.from.empty());
  CHECK(made.at(2).commands.stream == "a-1");
  CHECK(made.at(2).commands.consumer == "b_2");
  CHECK(made.at(2).commands.answers == "c");
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
  CHECK(mqtt("stream: s, consumer: c") ==
        "outputs.o.commands.stream: an output of type mqtt has no 'stream'");
  CHECK(nats("stream: s") == "outputs.o.commands.stream: 'stream' is only allowed with 'consumer'");
  for (const char* bad : {"''", "a.b", "'a*'", "'>'", "a/b", "'a b'", "'a\\b'", R"("a\tb")"})
    CHECK(nats("consumer: c, stream: " + std::string(bad)) ==
          "outputs.o.commands.stream: a name has no blanks and none of . * > / \\");
  CHECK(nats("stream: s, consumer: a.b").starts_with("outputs.o.commands.consumer: a name has no blanks"));
  CHECK(nats("stream: s, consumer: " + std::string(256, 'c')) ==
        "outputs.o.commands.consumer: a name has at most 255 bytes");
  CHECK(nats("stream: s, consumer: c, answers: $JS") ==
        "outputs.o.commands.answers: it is not a subject that can be written to");
  CHECK(mistakes_of("{o: {type: nats, url: 'nats://h', subject: s, commands: {stream: s, consumer: " +
                        std::string(255, 'c') + "}}}",
                    "[o]")
            .empty());
  CHECK(told("postgres, url: 'postgres://h/', commands: {topic: t}") ==
        "outputs.o.commands: an output of type postgres has no 'commands'");
  // What is only alike is not the same.
  CHECK(mistakes_of("{o: {type: mqtt, url: 'mqtt://h', topic: 'e/${session}', commands: {topic: 'e/+/c', "
                    "answers: e/c}}}",
                    "[o]")
            .empty());
}

}  // namespace duplexd::config::testing
