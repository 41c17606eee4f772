#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using namespace testing;
using lines = std::vector<std::string>;

namespace {

/// The only mistake of a session with these lines.
std::string mistake(std::string_view session_lines) {
  const outcome result = load_document(session_of(session_lines));
  REQUIRE(result.mistakes.size() == 1);
  return result.mistakes[0];
}

}  // namespace

// Three mistakes in a file give three exact places, in one go and in the order of the file.
TEST_CASE("all mistakes of a file at once", "[mistakes]") {
  const outcome result = load_document(R"(version: 1
sessions:
  callcentre:
    url: wss://ws.test.com:2443/
    tls: {ca_fil: /etc/duplexd/ca.pem}
    protocol:
      byte_order: native
      commands: {to_free: 'opcode:i=0 state:b=0'}
    script:
      - sleep: 500
      - send: tofree
)");
  CHECK_FALSE(result.value.has_value());
  CHECK(result.mistakes ==
        lines{"f:5:11: sessions.callcentre.tls.ca_fil: unknown field 'ca_fil' (did you mean 'ca_file'?)",
              "f:10:16: sessions.callcentre.script[0].sleep: '500' is not a duration (add the unit: ms, s, m "
              "or h)",
              "f:11:15: sessions.callcentre.script[1].send: the session's protocol has no command 'tofree' "
              "(did you mean "
              "'to_free'?)"});
}

// Keys: misspelt, twice, missing, of the wrong type.
TEST_CASE("mistakes in keys", "[mistakes]") {
  CHECK(mistake("    lingre: 5s\n") ==
        "f:4:5: sessions.s.lingre: unknown field 'lingre' (did you mean 'linger'?)");
  CHECK(mistake("    url: wss://i/\n") == "f:4:5: sessions.s.url: 'url' is given twice (first at 3:5)");
  CHECK(mistake("    script: [{send: x, with: {}, retries: 5}]\n    protocol: {commands: {x: 'a:i=1'}}\n") ==
        "f:4:34: sessions.s.script[0].retries: 'retries' is only allowed with 'call'");
  CHECK(mistake("    script: [{}]\n") ==
        "f:4:14: sessions.s.script[0]: a required field is missing (give one of: sleep, send, call, json, "
        "echo, expect, "
        "every, gather, race, "
        "wait, spawn, cancel, set, http, exec, pbkdf2, if, repeat, for_each, emit, stream, fail, reconnect)");
  CHECK(mistake("    simulate: {pushes: [{every: 5s}]}\n")
            .find("f:4:25: sessions.s.simulate.pushes[0]: the field 'send' is missing") == 0);
  CHECK(load_document("version: 1\n").mistakes == lines{"f:1:1: the field 'sessions' is missing"});
  CHECK(load_document("").mistakes.size() == 1);
  CHECK(load_document("sessions: {}").mistakes.size() == 1);
  CHECK(load_document("sessions: [a]").mistakes ==
        lines{"f:1:11: sessions: expected a map of sessions, found a list (sessions: {name: {url: …}})"});
  CHECK(load_document("sessions: {a: wss://h}").mistakes.size() == 1);
  CHECK(load_document("sessions: {a b: {url: 'wss://h'}}").mistakes ==
        lines{"f:1:12: sessions: 'a b' is not a valid name for a session (use letters, digits, '_', '.' and "
              "'-')"});
  CHECK(load_document("version: 2\nsessions: {a: {url: 'wss://h'}}").mistakes ==
        lines{"f:1:10: version: 2 is too large (allowed: 1)"});
}

// What is well-formed and would do nothing, or never what was meant.
TEST_CASE("mistakes in meaning", "[mistakes]") {
  const auto told = [](std::string_view session_lines, std::string_view part) {
    const std::string found = mistake(session_lines);
    INFO(found);
    CHECK(found.find(part) != std::string::npos);
  };
  told("    reconnect: {faults: [{on: []}]}\n",
       "f:4:31: sessions.s.reconnect.faults[0].on: the list is empty");
  told("    reconnect: {faults: [{on: ['http:600']}]}\n", "on[0]: 'http:600' is not a fault");
  told("    reconnect: {faults: [{on: ['closed:999']}]}\n", "on[0]: 'closed:999' is not a fault");
  told("    renew: {at: soon}\n",
       "f:4:17: sessions.s.renew.at: 'soon' is neither a Unix time nor a time such as 2026-11-26T07:10:00Z");
  told("    renew: {at: '2026-11-26'}\n",
       "f:4:18: sessions.s.renew.at: '2026-11-26' is neither a Unix time nor a time such as "
       "2026-11-26T07:10:00Z");
  told("    renew: {}\n", "f:4:12: sessions.s.renew: the time is missing");
  told("    subprotocols: [v1.feed, 'a b']\n",
       "f:4:30: sessions.s.subprotocols[1]: 'a b' is not a valid token");
  told("    script: [{every: 0s, do: [{json: 1}]}]\n", "script[0]: 'every' needs an interval above 0");
  told("    script: [{fail: ~}]\n", "script[0]: a required field is missing");
  told("    before: [{http: {url: 'ftp://x/'}}]\n",
       "before[0].http.url: a URL must start with https:// or http://");
  told("    before: [{http: {url: 'http://x/', method: 'GE T'}}]\n",
       "http.method: 'GE T' is not a valid token");
}

// Values: of another type, out of range, not one of the known.
TEST_CASE("mistakes in values", "[mistakes]") {
  CHECK(mistake("    tls: {verify: yes}\n") ==
        "f:4:19: sessions.s.tls.verify: expected true or false, found a text (write true or false, "
        "without quotes; in YAML 1.2 yes and on are texts)");
  CHECK(mistake("    linger: [5s]\n") ==
        "f:4:13: sessions.s.linger: expected a duration, found a list (such as 500ms, 5s, 1m30s or 2h)");
  CHECK(mistake("    linger: 25h\n") == "f:4:13: sessions.s.linger: 25h is too large (allowed: 0 to 24h)");
  CHECK(mistake("    limits: {message: 2GiB}\n") ==
        "f:4:23: sessions.s.limits.message: 2GiB is too large (allowed: 1 to 1GiB)");
  CHECK(mistake("    limits: {message: many}\n").find("'many' is not a size (such as 65536, 64KB, 16MiB)") !=
        std::string::npos);
  CHECK(mistake("    reconnect: {factor: 0.5}\n") ==
        "f:4:25: sessions.s.reconnect.factor: 0.5 is too small (allowed: 1 to 100)");
  CHECK(mistake("    reconnect: {fatal: [tsl]}\n") ==
        "f:4:25: sessions.s.reconnect.fatal[0]: 'tsl' is not a known value (did you mean 'tls'?)");
  CHECK(mistake("    reconnect: {initial: 2m}\n")
            .find("f:4:26: sessions.s.reconnect.initial: the first delay is longer") == 0);
  CHECK(mistake("    subprotocols: mqtt\n") ==
        "f:4:19: sessions.s.subprotocols: expected a list, found a text (write [a, b], or lines that start "
        "with '- ')");
  CHECK(mistake("    subprotocols: [1]\n") ==
        "f:4:20: sessions.s.subprotocols[0]: expected a text, found an integer (use quotes if this is meant "
        "as a text)");
  CHECK(mistake("    outputs: [stdou]\n") ==
        "f:4:15: sessions.s.outputs[0]: there is no output 'stdou' (did you mean 'stdout'?)");
  CHECK(mistake("    close: {code: 1006}\n") ==
        "f:4:19: sessions.s.close.code: a client cannot close with 1006 (allowed: 1000 and 3000 to 4999)");
  CHECK(mistake("    close: {reason: \"" + std::string(124, 'x') + "\"}\n") ==
        "f:4:22: sessions.s.close.reason: the reason has 124 bytes of UTF-8 (allowed: 123 bytes)");
  CHECK(mistake("    headers: {\"a b\": x}\n").find("f:4:16: ") == 0);
  CHECK(mistake("    headers: {Sec-WebSocket-Protocol: x}\n").find("'subprotocols'") != std::string::npos);
}

// A name with its values inside of it is a near miss, and not also an unknown name.
TEST_CASE("a map where a name belongs", "[mistakes]") {
  CHECK(mistake("    login: {json: {}, expect: {reply: r, where: {a: 1}}}\n") ==
        "f:4:31: sessions.s.login.expect: expected a name, found a map (put values under 'with' or 'where')");
}

// Where references have no meaning they are refused, not taken literally.
TEST_CASE("references where there are none", "[mistakes]") {
  CHECK(mistake("    close: {reason: \"${env:HOME}\"}\n") ==
        "f:4:22: sessions.s.close.reason: references are not allowed in this field (write '$${' for a "
        "literal '${')");
  CHECK(mistake("    login: {json: \"${HOME}\"}\n")
            .find("f:4:20: sessions.s.login.json: '${HOME}' is not a valid reference") == 0);
  CHECK(mistake("    linger: \"${param:x}\"\n")
            .find("f:4:14: sessions.s.linger: '${param:x}' is not a duration") == 0);
  CHECK(load_good(session_of("    close: {reason: \"$${x}\"}\n")).sessions[0].close.reason == "${x}");
}

// What a shell would understand is told as what it is here.
TEST_CASE("variables of a shell", "[mistakes]") {
  CHECK(mistake("    login: {json: '${GW_TOKEN}'}\n")
            .ends_with("'${GW_TOKEN}' is not a valid reference; did you mean ${env:GW_TOKEN}?"));
  const auto warnings = [](const std::string& fields) {
    const outcome found = load_document(session_of(fields));
    CHECK(found.mistakes.empty());
    return found.warnings;
  };
  CHECK(warnings("    headers: {X-Token: $GW_TOKEN}\n") ==
        lines{"f:4:24: sessions.s.headers.X-Token: '$GW_TOKEN' is sent as it stands (for the environment "
              "variable "
              "write ${env:GW_TOKEN})"});
  CHECK(warnings("    headers: {X-Price: '$5', X-Other: '$'}\n    login: {json: {a: '$ref', b: '$a$B'}}\n")
            .empty());
  const environment_variable empty("DUPLEXD_TEST_EMPTY", "");
  CHECK(warnings("    headers: {X-Token: 'Bearer ${env:DUPLEXD_TEST_EMPTY}'}\n") ==
        lines{"f:4:25: sessions.s.headers.X-Token: the value of ${env:DUPLEXD_TEST_EMPTY} is empty"});
}

TEST_CASE("a key with a letter that only looks right", "[mistakes]") {
  CHECK(mistake("    \u0441lose: {code: 1000}\n")
            .ends_with("(did you mean 'close'?; it has a character here that is not ASCII)"));
}

// A margin that leaves no time between two connections.
TEST_CASE("renewal at once", "[mistakes]") {
  CHECK(mistake("    renew: {after: 1m, margin: 60s}\n")
            .starts_with("f:4:32: sessions.s.renew.margin: the margin is as long as the time"));
  CHECK(load_document(session_of("    renew: {after: 1m, margin: 59s}\n")).mistakes.empty());
}

// Names of commands and replies must be in the protocol, and values must fit.
TEST_CASE("mistakes against the protocol", "[mistakes]") {
  const std::string protocol =
      "    protocol: {byte_order: native, commands: {go: 'op:i=1 n:b'}, replies: [{as: done, layout: "
      "'n:b'}]}\n";
  CHECK(mistake(protocol + "    login: {send: og}\n") ==
        "f:5:19: sessions.s.login.send: the session's protocol has no command 'og' (did you mean 'go'?)");
  CHECK(mistake(protocol + "    script: [{expect: don}]\n") ==
        "f:5:23: sessions.s.script[0].expect: the session's protocol has no reply 'don' (did you mean "
        "'done'?)");
  CHECK(mistake(protocol + "    simulate: {answers: [{to: done}]}\n")
            .find("f:5:31: sessions.s.simulate.answers[0].to: ") == 0);
  CHECK(mistake(protocol + "    simulate: {pushes: [{send: go}]}\n")
            .find("f:5:32: sessions.s.simulate.pushes[0].send: ") == 0);
  CHECK(mistake(protocol + "    script: [{send: go, with: {n: 300}}]\n")
            .find("f:5:35: sessions.s.script[0].with: 'go' cannot be packed: ") == 0);
  CHECK(mistake(protocol + "    script: [{send: go}]\n")
            .find("f:5:21: sessions.s.script[0].send: 'go' cannot be packed: ") == 0);
  CHECK(mistake(protocol + "    script: [{send: go, with: {n: 3, m: 4}}]\n")
            .find("sessions.s.script[0].with: 'go' cannot be packed: ") != std::string::npos);
  CHECK(load_document(session_of("    protocol: sombody\n") + "protocols: {somebody: {commands: {}}}\n")
            .mistakes ==
        lines{"f:4:15: sessions.s.protocol: there is no protocol 'sombody' (did you mean 'somebody'?)"});
}

// A mistake in the notation of a layout keeps the path of the field that it stands in.
TEST_CASE("mistakes in a protocol", "[mistakes]") {
  const outcome result = load_document(
      "protocols:\n  p: {commands: {go: 'op:nonsense'}}\nsessions: {s: {url: 'wss://h', protocol: p, script: "
      "[{send: gone}]}}\n");
  REQUIRE(result.mistakes.size() == 1);  // names are not looked up in what could not be compiled
  CHECK(result.mistakes[0].find("f:2:") == 0);
  CHECK(result.mistakes[0].find("protocols.p") != std::string::npos);
}

}  // namespace duplexd::config
