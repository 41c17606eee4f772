// Templates, defaults and protocols in their corners; what hardly can be meant.
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

using list = std::vector<std::string>;

list mistakes_of(const std::string& document) {
  list all = load_document(document).mistakes;
  for (std::string& each : all) each.erase(0, 2);
  return all;
}

/// Mistakes of a document with this template `t` and a session that does not use it.
list of_template(const std::string& body) {
  return mistakes_of("templates: {t: " + body + "}\nsessions: {s: {url: 'wss://h'}}");
}

}  // namespace

TEST_CASE("names of sections have letters, digits and three signs", "[templates]") {
  const std::string rule = " (use letters, digits, '_', '.' and '-')";
  for (const char* good : {"a", "Z", "0", "a_b.c-d", "az09AZ"})
    CHECK(mistakes_of(std::string("sessions: {") + good + ": {url: 'wss://h'}}").empty());
  for (const char* bad : {"a b", "a/b", "a@b", "a`", "a[", "a{b", "ä", ""}) {
    const std::string name = std::string("'") + bad + "'";
    INFO(name);
    CHECK(mistakes_of("sessions: {" + name + ": {url: 'wss://h'}}") ==
          list{"1:13: sessions: " + name + " is not a valid name for a session" + rule});
    CHECK(mistakes_of("templates: {" + name + ": {session: {}}}\nsessions: {s: {url: 'wss://h'}}") ==
          list{"1:14: templates: " + name + " is not a valid name for a template" + rule});
    CHECK(mistakes_of("protocols: {" + name + ": {}}\nsessions: {s: {url: 'wss://h'}}") ==
          list{"1:14: protocols: " + name + " is not a valid name for a protocol" + rule});
  }
}

TEST_CASE("parameters are names", "[templates]") {
  CHECK(of_template("{parameters: [a, b.c], session: {}}").empty());
  CHECK(of_template("{parameters: {a: , b: 1}, session: {}}").empty());
  CHECK(of_template("{parameters: ['a b'], session: {}}") ==
        list{"1:31: templates.t.parameters: 'a b' is not a valid name for a parameter (use letters, digits, "
             "'_', '.' and '-'; 'session' is reserved)"});
  CHECK(of_template("{parameters: {session: 1}, session: {}}") ==
        list{"1:30: templates.t.parameters: 'session' is not a valid name for a parameter (use letters, "
             "digits, '_', '.' and '-'; 'session' is reserved)"});
  CHECK(of_template("{parameters: [5], session: {}}") ==
        list{"1:30: templates.t.parameters[0]: expected a parameter's name, found an integer"});
  CHECK(
      of_template("{parameters: x, session: {}}") ==
      list{"1:29: templates.t.parameters: expected a list of names, or a map of names with defaults, found a "
           "text"});
  CHECK(mistakes_of("templates: [a]\nsessions: {s: {url: 'wss://h'}}") ==
        list{"1:12: templates: expected a map of templates, found a list"});
  CHECK(of_template("{session: {with: {}}}") ==
        list{"1:27: templates.t.session.with: a template cannot use another template"});
}

// A mistake in a template is told there and does not come back from each session that uses it.
TEST_CASE("a broken template brings no further mistakes", "[templates]") {
  CHECK(mistakes_of("templates: {t: {parameters: ['a b'], session: {url: 'http://x'}}}\n"
                    "sessions: {s: {template: t}}")
            .size() == 1);
  CHECK(mistakes_of("templates: {t: {parameters: [a]}}\nsessions: {s: {template: t, with: {a: 1}}}") ==
        list{"1:13: templates.t: the field 'session' is missing"});
  CHECK(mistakes_of(
            "templates: {t: {session: {url: 'http://x'}}}\nsessions: {s: {template: t}, r: {template: t}}")
            .size() == 1);
  CHECK(mistakes_of("templates: {t: {session: {lingre: 1}}}\nsessions: {s: {template: t, url: 'wss://h'}}")
            .size() == 1);
}

TEST_CASE("parameters inside of texts", "[templates]") {
  const auto seat = [](const std::string& text, const std::string& with = "{a: 7, b: true, c: 1.5, n: }") {
    const settings all = load_good(
        "templates: {t: {parameters: {a: 0, b: 0, c: 0, n: x}, session: {url: 'wss://h', login: {json: '" +
        text + "'}}}}\nsessions: {s: {template: t, with: " + with + "}}");
    return all.sessions.at(0).login->json->unresolved().dump();
  };
  CHECK(seat("${param:a}") == "7");
  CHECK(seat("${param:b}") == "true");
  CHECK(seat("x${param:a}") == R"("x7")");
  CHECK(seat("${param:a}x") == R"("7x")");
  CHECK(seat("${param:a}${param:b}-${param:c}") == R"("7true-1.5")");
  CHECK(seat("${param:session}") == R"("s")");
  CHECK(seat("$${param:a}") == R"("${param:a}")");
  CHECK(seat("$${param:a} ${param:a}") == R"("${param:a} 7")");
  CHECK(seat("${param:a}", "{}") == "0");
  CHECK(mistakes_of("templates: {t: {parameters: [a], session: {url: 'wss://h/${param:a'}}}\n"
                    "sessions: {s: {template: t, with: {a: 1}}}")
            .size() == 1);
  for (const char* value : {"[1]", "{x: 1}", "~"}) {
    INFO(value);
    const list all = mistakes_of(
        "templates: {t: {parameters: [a], session: {url: 'wss://h/${param:a}'}}}\n"
        "sessions: {s: {template: t, with: {a: " +
        std::string(value) + "}}}");
    REQUIRE(all.size() == 1);
    CHECK(all[0].find("and cannot be part of a text (given at 2:39") != std::string::npos);
  }
}

TEST_CASE("a session that fails names what it needs", "[templates]") {
  const std::string head =
      "templates: {t: {parameters: [a], session: {url: 'wss://h/${param:a}'}}}\nsessions: ";
  CHECK(mistakes_of(head + "{s: {template: t}}") ==
        list{"2:12: sessions.s: the parameter 'a' of the template 't' is missing (with: {a: …})"});
  CHECK(mistakes_of(head + "{s: {template: x}}") ==
        list{"2:26: sessions.s.template: there is no template 'x' (did you mean 't'?)"});
  CHECK(mistakes_of(head + "{s: {template: t, with: [1]}}").size() == 1);
  CHECK(mistakes_of(head + "{s: ~}") == list{"2:12: sessions.s: the field 'url' is missing"});
  CHECK(mistakes_of(head + "{s: 5}").at(0).find("2:15: sessions.s: expected a map, found an integer") == 0);
  CHECK(load_good("templates: {t: {session: {url: 'wss://h'}}}\nsessions: {s: {template: t, linger: 1s}, r: "
                  "{template: ~, url: 'wss://i'}}")
            .sessions.size() == 2);
}

// Of a merged section each field is laid over; of others the whole.
TEST_CASE("what is merged and what replaces", "[templates]") {
  const settings all = load_good(
      "defaults: {tls: {verify: false, server_name: a}, headers: {A: '1', B: '2'}, proxy: {url: "
      "'http://p:1'}, "
      "subprotocols: [x, y], liveness: {ping_interval: 1s, heartbeat: {every: 1s, json: 1}}}\n"
      "sessions: {s: {url: 'wss://h', tls: {server_name: b}, headers: {B: '3', C: '4'}, proxy: {from_env: "
      "true}, "
      "subprotocols: [z], liveness: {heartbeat: {every: 2s, json: 2}}}}");
  const session_settings& s = all.sessions.at(0);
  CHECK_FALSE(s.tls.verify);
  CHECK(s.tls.server_name == "b");
  REQUIRE(s.headers.size() == 3);
  CHECK(s.headers[1].second.display() == "3");
  CHECK(s.proxy->from_env);
  CHECK_FALSE(s.proxy->url.has_value());
  CHECK(s.subprotocols.names == list{"z"});
  CHECK(s.liveness.ping_interval.count() == 1'000);
  CHECK(s.liveness.heartbeat->every.fixed.count() == 2'000);
  CHECK(mistakes_of("defaults: [a]\nsessions: {s: {url: 'wss://h'}}")
            .at(0)
            .find("1:11: defaults: expected a map, found a list") == 0);
}

TEST_CASE("protocols by name and in place", "[templates]") {
  const settings all = load_good(
      "protocols: {p: {commands: {go: 'n:b'}}, q: {commands: {go: 'n:b'}}}\n"
      "sessions:\n  a: {url: 'wss://h', protocol: p}\n  b: {url: 'wss://h', protocol: p}\n"
      "  c: {url: 'wss://h', protocol: q}\n  d: {url: 'wss://h', protocol: {commands: {go: 'n:b'}}}\n"
      "  e: {url: 'wss://h'}\n  f: {url: 'wss://h'}\n");
  const auto of = [&](std::size_t i) { return all.sessions.at(i).protocol; };
  CHECK(of(0) == of(1));
  CHECK(of(0) != of(2));
  CHECK(of(3) != of(0));
  CHECK(of(4) == of(5));
  CHECK(mistakes_of("protocols: [a]\nsessions: {s: {url: 'wss://h'}}") ==
        list{"1:12: protocols: expected a map of protocols, found a list"});
  CHECK(mistakes_of("protocols: {p: 5}\nsessions: {s: {url: 'wss://h'}}") ==
        list{"1:16: protocols.p: expected a map with commands and replies, found an integer"});
  CHECK(mistakes_of("sessions: {s: {url: 'wss://h', protocol: [1]}}").size() == 1);
}

// A mistake that a session shares with others says which part of the file it came from.
TEST_CASE("mistakes from elsewhere name the session that met them", "[templates]") {
  const list all =
      mistakes_of("defaults: {linger: 25h}\nsessions: {a: {url: 'wss://h'}, b: {url: 'wss://h'}}");
  REQUIRE(all.size() == 1);
  CHECK(all[0] == "1:20: defaults.linger: 25h is too large (allowed: 0 to 24h)");
  CHECK(
      mistakes_of("templates: {t: {session: {url: 'wss://h', linger: 25h}}}\nsessions: {a: {template: t}}") ==
      list{
          "1:51: sessions.a.linger: 25h is too large (allowed: 0 to 24h; templates.t, used by session 'a' at "
          "2:12)"});
  CHECK(mistakes_of("templates: {t: {session: {url: 'wss://h', outputs: 5}}}\nsessions: {a: {template: t}}")
            .at(0) ==
        "1:52: sessions.a.outputs: expected a list, found an integer (write [a, b], or lines that start with "
        "'- '; "
        "templates.t, used by session 'a' at 2:12)");
}

TEST_CASE("mistakes stand in the order of the file, each once", "[templates]") {
  CHECK(mistakes_of(
            "sessions:\n  a: {url: 'http://a', linger: x}\n  b: {url: 'http://b'}\nlog: {level: x}\n") ==
        list{"2:13: sessions.a.url: a URL must start with wss:// or ws://",
             "2:32: sessions.a.linger: 'x' is not a duration (such as 500ms, 5s, 1m30s or 2h)",
             "3:13: sessions.b.url: a URL must start with wss:// or ws://",
             "4:14: log.level: 'x' is not a known value (known: debug, info, warning, error)"});
}

// A merged section stands where it was written last.
TEST_CASE("a merged section has the place of the session's own", "[templates]") {
  CHECK(mistakes_of("defaults: {renew: {margin: 1s}}\nsessions: {s: {url: 'wss://h', renew: {}}}") ==
        list{"2:39: sessions.s.renew: the time is missing (set renew.after or renew.at, or remove renew)"});
}

// Two texts may be equal: each is compiled where it stands, and its mistakes have its places.
TEST_CASE("equal protocols in two places have mistakes in both", "[templates]") {
  const list all = mistakes_of(
      "sessions:\n  a: {url: 'wss://h', protocol: {commands: {go: 'n:nonsense'}}}\n"
      "  b: {url: 'wss://h', protocol: {commands: {go: 'n:nonsense'}}}\n");
  REQUIRE(all.size() == 2);
  CHECK(all[0].starts_with("2:"));
  CHECK(all[1].starts_with("3:"));
}

TEST_CASE("a parameter without a default must be given", "[templates]") {
  for (const char* parameters : {"[a]", "{a: }", "{a: ~}"}) {
    INFO(parameters);
    CHECK(mistakes_of(std::string("templates: {t: {parameters: ") + parameters +
                      ", session: {url: 'wss://${param:a}'}}}\nsessions: {s: {template: t}}") ==
          list{"2:12: sessions.s: the parameter 'a' of the template 't' is missing (with: {a: …})"});
  }
  CHECK(mistakes_of("templates: {t: {parameters: {a: h}, session: {url: 'wss://${param:a}'}}}\nsessions: {s: "
                    "{template: t}}")
            .empty());
  CHECK(mistakes_of("templates: {t: {parameters: [a, b], session: {url: 'wss://${param:a}'}}}\nsessions: {s: "
                    "{template: t, with: {a: h}}}") ==
        list{"2:35: sessions.s: the parameter 'b' of the template 't' is missing (with: {b: …})"});
}

TEST_CASE("settings that contradict each other", "[templates]") {
  const auto both = [](const std::string& lines) {
    const outcome result = load_document("sessions: {s: {" + lines + "}}", "f", true);
    list all = result.mistakes;
    all.insert(all.end(), result.warnings.begin(), result.warnings.end());
    for (std::string& each : all) each.erase(0, each.find("sessions.s") + 10);
    return all;
  };
  CHECK(both("url: 'wss://h', reconnect: {initial: 5s, maximum: 5s}").empty());
  CHECK(
      both("url: 'wss://h', reconnect: {initial: 5001ms, maximum: 5s}") ==
      list{".reconnect.initial: the first delay is longer than the maximum (raise reconnect.maximum or lower "
           "reconnect.initial)"});
  const std::string renew = ".renew: the time is missing (set renew.after or renew.at, or remove renew)";
  CHECK(both("url: 'wss://h', renew: {margin: 1s}") == list{renew});
  CHECK(both("url: 'wss://h', renew: {after: 1s}").empty());
  CHECK(both("url: 'wss://h', renew: {at: '1'}").empty());
  const std::string early =
      ".liveness.ping_interval: an idle connection is dropped before the first ping (keep "
      "liveness.ping_interval below liveness.idle_timeout)";
  CHECK(both("url: 'wss://h', liveness: {ping_interval: 4999ms, idle_timeout: 5s}").empty());
  CHECK(both("url: 'wss://h', liveness: {ping_interval: 5s, idle_timeout: 5s}") == list{early});
  CHECK(both("url: 'wss://h', liveness: {idle_timeout: 20s}") == list{early});
  CHECK(both("url: 'wss://h', liveness: {idle_timeout: 0}") ==
        list{".liveness.idle_timeout: a server that disappears silently will not be detected (set "
             "liveness.idle_timeout above liveness.ping_interval)"});
  const std::string unchecked =
      ".tls.verify: the server's certificate is not verified (an attacker on the network can read and change "
      "messages; use tls.ca_file)";
  const std::string pin = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  CHECK(both("url: 'wss://h', tls: {verify: false}") == list{unchecked});
  CHECK(both("url: 'wss://h', tls: {verify: true}").empty());
  CHECK(both("url: 'wss://h', tls: {verify: false, pins: ['" + pin + "']}").empty());
  CHECK(both("url: 'ws://h', tls: {verify: false}") ==
        list{".tls: TLS settings have no effect on a ws:// address (use wss://)"});
  for (const char* step :
       {"before: [{http: {url: 'https://h/'}}]", "on: [{reply: r, do: [{http: {url: '${env:A}'}}]}]"})
    CHECK(
        both(std::string("url: 'ws://localhost', tls: {}, protocol: {replies: [{as: r}]}, ") + step).empty());
  CHECK(both("url: '${env:A}', tls: {}").empty());
  const std::string clear = ".url: values of references are sent unencrypted (use wss://)";
  const std::string header = ", headers: {A: '${env:A}'}";
  for (const char* near :
       {"ws://localhost", "ws://127.0.0.1", "ws://127.9.9.9", "ws://[::1]", "ws+unix:/s", "wss://h"})
    CHECK(both(std::string("url: '") + near + "'" + header).empty());
  for (const char* far : {"ws://h", "ws://localhost.example", "ws://128.0.0.1", "ws://[::2]"})
    CHECK(both(std::string("url: '") + far + "'" + header) == list{clear});
  CHECK(both("url: 'ws://h/${env:A}'") == list{clear});
  CHECK(both("url: 'ws://h', login: {json: '${env:A}'}") == list{clear});
  CHECK(
      both("url: 'ws://h', login: {send: go, with: {n: '${env:A}'}}, protocol: {commands: {go: 'n:json'}}") ==
      list{clear});
  CHECK(both("url: 'ws://h', login: {json: 1}, headers: {A: b}").empty());
}

}  // namespace duplexd::config::testing
