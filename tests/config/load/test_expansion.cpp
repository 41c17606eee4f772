#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config {

using namespace testing;
using lines = std::vector<std::string>;

namespace {

constexpr const char* agents = R"(defaults:
  linger: 1s
  timeouts: {tls: 1s, connect: 1s}
  close: {reason: default}
protocols:
  p: {commands: {go: 'a:i=1 list:json'}}
templates:
  agent:
    parameters: {id: , host: h, list: [1]}
    session:
      url: "wss://${param:host}/${param:id}"
      protocol: p
      timeouts: {connect: 2s, handshake: 2s}
      login: {json: {id: "${param:id}", seat: "${param:session}", literal: "$${param:id}"}}
      script: [{send: go, with: {list: "${param:list}"}}]
sessions:
  a: {template: agent, with: {id: 7}}
  b: {template: agent, with: {id: x, host: i, list: {k: v}}, linger: 2s, timeouts: {handshake: 3s}}
  c: {url: 'wss://c'}
)";

}  // namespace

// A session's own fields win over its template's, and these over the defaults; sections are merged.
// ~ says that what was inherited is not wanted.
TEST_CASE("an inherited header can be removed", "[expansion]") {
  const settings all = load_good(
      "defaults: {headers: {A: '1', B: '2'}}\nsessions:\n  s: {url: 'wss://h/', headers: {A: ~, C: '3'}}\n  "
      "t: {url: "
      "'wss://h/'}\n");
  std::vector<std::string> names;
  for (const auto& [name, value] : all.sessions.at(0).headers) names.push_back(name);
  CHECK(names == std::vector<std::string>{"B", "C"});
  CHECK(all.sessions.at(1).headers.size() == 2);
}

TEST_CASE("defaults, template and session are laid over each other", "[expansion]") {
  const settings all = load_good(agents);
  REQUIRE(all.sessions.size() == 3);
  const session_settings& a = all.sessions[0];
  const session_settings& b = all.sessions[1];
  const session_settings& c = all.sessions[2];
  CHECK(a.linger.count() == 1'000);
  CHECK(b.linger.count() == 2'000);
  CHECK(a.timeouts.tls.count() == 1'000);
  CHECK(a.timeouts.connect.count() == 2'000);
  CHECK(a.timeouts.handshake.count() == 2'000);
  CHECK(b.timeouts.handshake.count() == 3'000);
  CHECK(b.timeouts.connect.count() == 2'000);
  CHECK(c.timeouts.connect.count() == 1'000);
  CHECK(c.close.reason == "default");
  CHECK(c.script.empty());
}

TEST_CASE("the defaults know the session's name", "[expansion]") {
  const settings all = load_good(R"(defaults:
  url: "wss://h/${param:session}"
  close: {reason: "$${param:session} ${param:session}"}
  protocol: {commands: {go: 'a:i=1'}}
templates:
  t: {session: {headers: {A: "${param:session}"}}}
sessions:
  a:
  b: {template: t, url: "wss://i/"}
)");
  CHECK(all.sessions[0].urls[0].display() == "wss://h/a");
  CHECK(all.sessions[0].close.reason == "${param:session} a");
  CHECK(all.sessions[1].urls[0].display() == "wss://i/");
  CHECK(all.sessions[1].close.reason == "${param:session} b");
  CHECK(all.sessions[1].headers[0].second.display() == "b");
  CHECK(all.sessions[0].protocol == all.sessions[1].protocol);
}

// A parameter in a text is text; a parameter that is the whole text is the value itself.
TEST_CASE("parameters are put in", "[expansion]") {
  const settings all = load_good(agents);
  CHECK(all.sessions[0].urls[0].display() == "wss://h/7");
  CHECK(all.sessions[1].urls[0].display() == "wss://i/x");
  CHECK(all.sessions[0].login->json->unresolved().dump() == R"({"id":7,"seat":"a","literal":"${param:id}"})");
  const auto with = [&](std::size_t i) {
    return std::get<send_step>(all.sessions[i].script[0].action).with.unresolved().dump();
  };
  CHECK(with(0) == R"({"list":[1]})");
  CHECK(with(1) == R"({"list":{"k":"v"}})");
}

// One protocol is compiled once, named or written into the defaults.
TEST_CASE("sessions share a compiled protocol", "[expansion]") {
  const settings named = load_good(agents);
  CHECK(named.sessions[0].protocol == named.sessions[1].protocol);
  const settings inherited = load_good(
      "defaults: {protocol: {commands: {go: 'a:i=1'}}}\nsessions: {a: {url: 'ws://h'}, b: {url: 'ws://h'}}");
  CHECK(inherited.sessions[0].protocol == inherited.sessions[1].protocol);
}

// The defaults may name the template, and sessions give only what differs.
TEST_CASE("a template may be the default", "[expansion]") {
  const settings all = load_good(R"(defaults: {template: t, with: {port: "1"}}
templates: {t: {parameters: [host, port], session: {url: "wss://${param:host}:${param:port}"}}}
sessions:
  a: {with: {host: x}}
  b: {with: {host: y, port: "2"}}
)");
  CHECK(all.sessions[0].urls[0].display() == "wss://x:1");
  CHECK(all.sessions[1].urls[0].display() == "wss://y:2");
}

// What stands in a template is wrong there, once, and says which session it came up in.
TEST_CASE("mistakes in templates have the template's places", "[expansion]") {
  const outcome result = load_document(R"(defaults: {lingre: 1s}
templates:
  t:
    parameters: [host]
    session:
      url: "wss://${param:host}"
      linger: 25h
      close: {reason: "${param:hots}"}
sessions:
  a: {template: t, with: {host: x}}
  b: {template: t, with: {host: "b b"}}
)");
  CHECK(result.mistakes == lines{"f:1:12: defaults.lingre: unknown field 'lingre' (did you mean 'linger'?)",
                                 "f:6:13: sessions.b.url: spaces, control characters and non-ASCII "
                                 "characters are not allowed in a URL: percent-encode them "
                                 "(templates.t, used by session 'b' at 11:3)",
                                 "f:7:15: sessions.a.linger: 25h is too large (allowed: 0 to 24h; "
                                 "templates.t, used by session 'a' at 10:3)",
                                 "f:8:24: templates.t.session.close.reason: the template has no parameter "
                                 "'hots' (did you mean 'host'?)"});
}

// Arguments: missing, unknown, of a kind that does not fit into a text; each where it is given.
TEST_CASE("mistakes in arguments have the session's places", "[expansion]") {
  const std::string head =
      "templates:\n  t: {parameters: [host, id], session: {url: 'wss://${param:host}', login: {json: "
      "'${param:id}'}}}\nsessions:\n";
  const auto mistakes = [&](const std::string& session) { return load_document(head + session).mistakes; };
  CHECK(mistakes("  a: {template: t, with: {host: x}}\n") ==
        lines{"f:4:26: sessions.a: the parameter 'id' of the template 't' is missing (with: {id: …})"});
  CHECK(mistakes("  a: {template: t}\n").size() == 2);
  CHECK(mistakes("  a: {template: t, with: {host: x, id: 1, hots: y}}\n") ==
        lines{"f:4:43: sessions.a.with: the template 't' has no parameter 'hots' (did you mean 'host'?)"});
  CHECK(mistakes("  a: {template: t, with: {host: [x], id: 1}, linger: 1d}\n") ==
        lines{"f:2:47: sessions.a.url: the parameter 'host' is a list and cannot be part of a text (given at "
              "4:33; templates.t, "
              "used by session 'a' at 4:3)",
              "f:4:54: sessions.a.linger: '1d' is not a duration (such as 500ms, 5s, 1m30s or 2h)"});
  CHECK(mistakes("  a: {template: tt, with: {host: x, id: 1}, linger: 1d}\n") ==
        lines{"f:4:17: sessions.a.template: there is no template 'tt' (did you mean 't'?)",
              "f:4:53: sessions.a.linger: '1d' is not a duration (such as 500ms, 5s, 1m30s or 2h)"});
  CHECK(mistakes("  a: {with: {host: x}, url: 'wss://h'}\n") ==
        lines{"f:4:7: sessions.a.with: 'with' is only allowed with 'template'"});
}

// A value that came through a parameter is wrong where it was given.
TEST_CASE("a wrong argument is told at its own place", "[expansion]") {
  CHECK(load_document("templates: {t: {parameters: [l], session: {url: 'ws://h', linger: '${param:l}'}}}\n"
                      "sessions: {a: {template: t, with: {l: never}}}")
            .mistakes ==
        lines{"f:2:39: sessions.a.linger: 'never' is not a duration (such as 500ms, 5s, 1m30s or 2h)"});
}

// Templates are not nested, need a session, and have parameters with names.
TEST_CASE("mistakes in definitions of templates", "[expansion]") {
  const auto mistakes = [](const std::string& body) {
    return load_document("templates: {t: " + body + "}\nsessions: {s: {url: 'wss://h'}}").mistakes;
  };
  CHECK(mistakes("{parameters: [a]}") == lines{"f:1:13: templates.t: the field 'session' is missing"});
  CHECK(mistakes("{session: {template: u}}") ==
        lines{"f:1:27: templates.t.session.template: a template cannot use another template"});
  CHECK(mistakes("{session: {lingre: 1s}}") ==
        lines{"f:1:27: templates.t.session.lingre: unknown field 'lingre' (did you mean 'linger'?)"});
  CHECK(mistakes("{parameters: 5, session: {}}").size() == 1);
  CHECK(mistakes("{parameters: [session], session: {}}").size() == 1);
  CHECK(mistakes("{parameters: ['a b'], session: {}}").size() == 1);
  CHECK(mistakes("[]").size() == 1);
}

}  // namespace duplexd::config
