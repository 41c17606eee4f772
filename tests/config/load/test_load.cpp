#include "config/load/load.hpp"
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using namespace testing;
using lines = std::vector<std::string>;

namespace {

constexpr const char* everything = R"(version: 1
log: {format: json, level: debug}
shutdown: {limit: 3s}
connect: {at_once: 7}
health: {listen: "[::1]:9100", hosts: [A.test.com]}
sessions:
  one:
    url: wss://ws.test.com:2443/x
    headers: {X-One: "1", X-Two: "a ${env:DUPLEXD_T}"}
    subprotocols: [a, b]
    tls: {ca_file: ca.pem, verify: true, server_name: other}
    timeouts: {resolve: 1s, connect: 2s, tls: 3s, handshake: 4s, login: 5s, close: 6s}
    reconnect: {initial: 10ms, maximum: 1s, factor: 1.5, stable_after: 1m, fatal: [tls, script]}
    liveness: {ping_interval: 1s, idle_timeout: 3s}
    limits: {message: 1KiB}
    protocol:
      byte_order: native
      commands: {log_on: 'opcode:i=9 user:json', to_free: 'opcode:i=0 state:b=0'}
      replies: [{as: reply, layout: 'code:i rest:bytes'}]
    login: {send: log_on, with: {user: "${env:DUPLEXD_T}"}, expect: reply, where: {code: 9}}
    script:
      - sleep: 500ms
      - send: to_free
      - expect: reply
        where: {code: 2}
        timeout: 1m30s
    linger: 2s
    close: {code: 3001, reason: bye}
    outputs: [stdout]
    simulate:
      answer_by_default: false
      login: [{send: reply, with: {code: 9}}]
      answers: [{to: to_free, send: reply, with: {code: 0}}, {to: log_on}, {to: to_free, send: reply}]
      pushes: [{send: reply, with: {code: 7}, after: 1s, every: 2s}]
)";

}  // namespace

// `log.sessions` names sessions of any file and in any place of it.
TEST_CASE("sessions have log levels of their own", "[load]") {
  const auto with = [](const std::string& levels) {
    return load_document("version: 1\nlog: {level: warning, sessions: " + levels +
                         "}\nsessions:\n  feed: {url: 'wss://h/'}\n  orders: {url: 'wss://h/'}\n");
  };
  const outcome good = with("{feed: debug, orders: error}");
  CHECK(good.mistakes.empty());
  REQUIRE(good.value);
  CHECK(good.value->log.level == log_level::warning);
  CHECK(good.value->log.sessions == session_levels{{"feed", log_level::debug}, {"orders", log_level::error}});
  const std::pair<const char*, const char*> wrong[] = {
      {"{fed: debug}", "f:2:34: log.sessions.fed: there is no session 'fed' (did you mean 'feed'?)"},
      {"{x: debug}", "f:2:34: log.sessions.x: there is no session 'x' (known: feed, orders)"},
      {"{feed: loud}",
       "f:2:40: log.sessions.feed: 'loud' is not a known value (known: debug, info, warning, error)"},
      {"[feed]", "f:2:33: log.sessions: expected a map, found a list"},
      {"{feed: debug, feed: info}", "f:2:47: log.sessions.feed: 'feed' is given twice (first at 2:34)"}};
  for (const auto& [levels, mistake] : wrong) {
    INFO(levels);
    CHECK(with(levels).mistakes == std::vector<std::string>{mistake});
  }
}

// Each field arrives where it belongs.
TEST_CASE("a whole session is read", "[load]") {
  const environment_variable value("DUPLEXD_T", "v");
  const settings all = load_good(everything, "/etc/duplexd/f.yaml");
  CHECK(all.file == "/etc/duplexd/f.yaml");
  CHECK(all.log.format == log_format::json);
  CHECK(all.log.level == log_level::debug);
  CHECK(all.shutdown_limit.count() == 3'000);
  CHECK(all.connect_at_once == 7);
  REQUIRE(all.health);
  CHECK(text_of(all.health->listen.value()) == "[::1]:9100");
  CHECK(all.health->hosts == lines{"a.test.com"});
  REQUIRE(all.sessions.size() == 1);
  const session_settings& one = all.sessions[0];
  CHECK(one.name == "one");
  CHECK(one.where == protocol::position{7, 3});
  CHECK(one.urls[0].display() == "wss://ws.test.com:2443/x");
  REQUIRE(one.headers.size() == 2);
  CHECK(one.headers[1].first == "X-Two");
  CHECK(one.headers[1].second.resolve().value == "a v");
  CHECK(one.subprotocols.names == lines{"a", "b"});
  CHECK(one.tls.ca_file->resolve().value == "/etc/duplexd/ca.pem");
  CHECK(one.tls.server_name == "other");
  CHECK(one.timeouts.resolve.count() == 1'000);
  CHECK(one.timeouts.close.count() == 6'000);
  CHECK(one.reconnect.initial.count() == 10);
  CHECK(one.reconnect.factor == 1.5);
  CHECK(one.reconnect.fatal == std::set{fault_class::tls, fault_class::script});
  CHECK(one.liveness.idle_timeout.count() == 3'000);
  CHECK(one.limits.message == 1024);
  REQUIRE(one.protocol != nullptr);
  CHECK(one.linger.count() == 2'000);
  CHECK(one.close.code == 3001);
  CHECK(one.close.reason == "bye");
  REQUIRE(one.outputs.size() == 1);
  CHECK(one.outputs[0].to == "stdout");
}

// Login, script and simulation, with the names that the protocol knows.
TEST_CASE("login, script and simulation are read", "[load]") {
  const environment_variable value("DUPLEXD_T", "v");
  const settings all = load_good(everything);
  const session_settings& one = all.sessions[0];
  REQUIRE(one.login != nullptr);
  CHECK_FALSE(one.login->json.has_value());
  CHECK(one.login->send->command == "log_on");
  CHECK(one.login->send->with.resolve().value["user"] == "v");
  CHECK(one.login->expect->replies == std::vector<std::string>{"reply"});
  CHECK(one.login->expect->check.unresolved()["code"] == 9);
  CHECK(one.login->expect->timeout == one.timeouts.login);

  REQUIRE(one.script.size() == 3);
  CHECK(std::get<sleep_step>(one.script[0].action).time.fixed.count() == 500);
  CHECK(one.script[1].where == protocol::position{23, 9});
  CHECK(std::get<send_step>(one.script[1].action).command == "to_free");
  const expectation& wanted = std::get<expect_step>(one.script[2].action).what;
  CHECK(wanted.timeout.count() == 90'000);
  CHECK(wanted.where.unresolved()["code"] == 2);

  const simulate_settings& simulate = one.simulate;
  CHECK_FALSE(simulate.answer_by_default);
  REQUIRE(simulate.login.size() == 1);
  REQUIRE(simulate.answers.size() == 2);
  CHECK(simulate.answers[0].command == "to_free");
  CHECK(simulate.answers[0].replies.size() == 2);
  CHECK(simulate.answers[1].replies.empty());
  REQUIRE(simulate.pushes.size() == 1);
  CHECK(simulate.pushes[0].every.count() == 2'000);
}

// What is not said has its default, and the expected reply of a step too.
TEST_CASE("the least that a file can say", "[load]") {
  const settings all = load_good("sessions: {s: {url: 'ws://h/'}}");
  const session_settings& s = all.sessions[0];
  const session_settings built_in;
  CHECK(all.log.format == log_format::automatic);
  CHECK(all.shutdown_limit.count() == 10'000);
  CHECK(all.connect_at_once == 100);
  CHECK(s.timeouts.connect == built_in.timeouts.connect);
  CHECK(s.reconnect.fatal.empty());
  REQUIRE(s.outputs.size() == 1);
  CHECK(s.outputs[0].to == "stdout");
  CHECK(s.login == nullptr);
  CHECK(s.protocol != nullptr);
  CHECK(s.close.code == 1000);
  const settings step =
      load_good(session_of("    protocol: {replies: [{as: r, layout: 'a:i'}]}\n    script: [{expect: r}]\n"));
  CHECK(std::get<expect_step>(step.sessions[0].script[0].action).what.timeout.count() == 30'000);
}

// JSON is the same configuration in other brackets.
TEST_CASE("JSON and YAML give equal settings", "[load]") {
  const environment_variable value("DUPLEXD_T", "v");
  const char* json = R"({"sessions": {"s": {
    "url": "wss://h/${env:DUPLEXD_T}", "limits": {"message": 2048}, "timeouts": {"tls": "1s"}, "tls": {"verify": false},
    "protocol": {"commands": {"go": "a:i=1 b:json"}}, "reconnect": {"factor": 3, "fatal": ["http"]},
    "script": [{"send": "go", "with": {"b": [1, 2.5, null, "x"]}}, {"sleep": 0}]}}})";
  for (const char* file : {"f.json", "f.yaml"}) {
    const session_settings s = load_good(json, file).sessions[0];
    CHECK(s.urls[0].resolve().value == "wss://h/v");
    CHECK(s.limits.message == 2048);
    CHECK(s.timeouts.tls.count() == 1'000);
    CHECK_FALSE(s.tls.verify);
    CHECK(s.reconnect.factor == 3.0);
    CHECK(s.reconnect.fatal == std::set{fault_class::http});
    CHECK(std::get<send_step>(s.script[0].action).with.unresolved().dump() == R"({"b":[1,2.5,null,"x"]})");
    CHECK(std::get<sleep_step>(s.script[1].action).time.fixed.count() == 0);
  }
  CHECK(load_document("{\"sessions\": {\"s\": {\"url\": \"wss://h\",\n \"tsl\": {}}}}", "f.json").mistakes ==
        lines{"f:2:3: sessions.s.tsl: unknown field 'tsl' (did you mean 'tls'?)"});
}

TEST_CASE("what begins with x- at the top level is not read, and may be referred to", "[load]") {
  const settings all =
      load_good("x-tls: &tls {verify: false}\nx-: [1]\nsessions: {s: {url: 'wss://h', tls: *tls}}\n");
  CHECK_FALSE(all.sessions[0].tls.verify);
  CHECK(load_document("x: 1\nsessions: {s: {url: 'wss://h', x-a: 1}}\n").mistakes.size() == 2);
}

// `~` asks for what is built in, also against defaults; an empty value is a slip.
TEST_CASE("null resets, nothing is a mistake", "[load]") {
  const settings all = load_good(
      "defaults: {linger: 5s, close: {reason: x}}\nsessions: {s: {url: 'wss://h', linger: ~, close: ~}}");
  CHECK(all.sessions[0].linger.count() == 0);
  CHECK(all.sessions[0].close.reason.empty());
  CHECK(load_document(session_of("    linger:\n")).mistakes ==
        lines{"f:4:5: sessions.s.linger: the value is missing (use ~ for the built-in default)"});
  CHECK(load_document("sessions: {s: {url: ~}}").mistakes ==
        lines{"f:1:12: sessions.s: the field 'url' is missing"});
}

// A reference stays one; it is looked up once to see that it can be.
TEST_CASE("references are checked unless secrets are absent", "[load]") {
  const char* text = R"(sessions:
  s:
    url: "wss://${env:DUPLEXD_NONE}:${env:DUPLEXD_NONE}/"
    login: {json: [{a: "${credential:DUPLEXD_NONE}"}]}
    headers: {A: "${file:/nonexistent/x}"}
)";
  CHECK(load_document(text).mistakes ==
        lines{"f:3:11: sessions.s.url: ${env:DUPLEXD_NONE}: the environment variable is not set (to check "
              "without secrets, use --secrets-absent)",
              "f:4:25: sessions.s.login.json[0].a: ${credential:DUPLEXD_NONE}: CREDENTIALS_DIRECTORY is not "
              "set, so there are no credentials (to check without secrets, use --secrets-absent)",
              "f:5:19: sessions.s.headers.A: ${file:/nonexistent/x}: there is no such file (to check without "
              "secrets, use --secrets-absent)"});
  CHECK(load_document(text, "f", true).value.has_value());
  CHECK(load_document("sessions: {s: {url: '${env:DUPLEXD_NONE}'}}", "f", true).value.has_value());
  CHECK(load_document("sessions: {s: {url: 'http://${env:DUPLEXD_NONE}'}}", "f", true).mistakes.size() == 1);
}

// A URL is looked at with its references replaced, and a mistake in it does not show them.
TEST_CASE("a secret never stands in a message", "[load]") {
  const environment_variable value("DUPLEXD_T", "sekret sekret");
  const auto result =
      load_document("sessions: {s: {url: 'wss://h/${env:DUPLEXD_T}', headers: {A: '${env:DUPLEXD_T}'}}}");
  REQUIRE(result.mistakes.size() == 1);
  CHECK(result.mistakes[0].find("sekret") == std::string::npos);
  const environment_variable broken("DUPLEXD_T", "a\r\nb: sekret");
  const auto injected = load_document("sessions: {s: {url: 'wss://h/', headers: {A: '${env:DUPLEXD_T}'}}}");
  CHECK(injected.mistakes == lines{"f:1:47: sessions.s.headers.A: a header's value must be a single line"});
}

// Legal, but worth a word.
TEST_CASE("what is insecure or hardly meant is a warning", "[load]") {
  const environment_variable value("DUPLEXD_T", "v");
  const auto warnings = [](const std::string& session) {
    return load_document("sessions: {s: {" + session + "}}").warnings;
  };
  CHECK(warnings("url: 'wss://h', tls: {verify: false}") ==
        lines{"f:1:46: sessions.s.tls.verify: the server's certificate is not verified (an attacker on the "
              "network can read and change messages; use tls.ca_file)"});
  CHECK(warnings("url: 'ws://h', headers: {A: '${env:DUPLEXD_T}'}").size() == 1);
  CHECK(warnings("url: 'ws://localhost', headers: {A: '${env:DUPLEXD_T}'}").empty());
  CHECK(warnings("url: 'ws://h', tls: {}").size() == 1);
  CHECK(warnings("url: 'wss://h', liveness: {idle_timeout: 0}").size() == 1);
  CHECK(warnings("url: 'wss://h', liveness: {idle_timeout: 5s, ping_interval: 5s}").size() == 1);
  CHECK(warnings("url: 'wss://h'").empty());
}

// A file that is not there, or is not a file.
TEST_CASE("a file that cannot be read is a mistake", "[load]") {
  const auto [file, why] = GENERATE(table<std::string, std::string>({
      {"/nonexistent/duplexd.yaml", "there is no such file"},
      {"/dev/null/x", "Not a directory"},
      {"/dev/zero", "the file is larger than 16 MiB"},
  }));
  protocol::diagnostics mistakes;
  CHECK_FALSE(load(file, {}, mistakes).has_value());
  REQUIRE(mistakes.size() == 1);
  CHECK(format(file, mistakes[0]) == file + ": the file cannot be read: " + why);
}

}  // namespace duplexd::config
