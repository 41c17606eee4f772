// Where servers are: hosts, paths, parameters, bindings and security schemes.
#include "tests/catch.hpp"
#include "tests/config/asyncapi/support.hpp"

using namespace duplexd::config::testing;
using nlohmann::ordered_json;

namespace {

/// The session of a document with this server and this channel, which one message goes over.
ordered_json session_of(const std::string& server, const std::string& channel,
                        const std::vector<std::string>& notes = {}) {
  return good_import(
      "asyncapi: 3.0.0\nservers: {s: {protocol: wss, " + server + "}}\nchannels: {c: {" + channel +
          ", messages: {m: {}}}}\noperations: {o: {action: send, channel: {$ref: '#/channels/c'}}}\n",
      notes)["sessions"]["c"];
}

std::string url_of(const std::string& server, const std::string& channel,
                   const std::vector<std::string>& notes = {}) {
  return session_of(server, channel, notes)["url"];
}

}  // namespace

TEST_CASE("a path has one slash between its parts", "[asyncapi]") {
  CHECK(url_of("host: h.test", "address: /a") == "wss://h.test/a");
  CHECK(url_of("host: h.test", "address: a") == "wss://h.test/a");
  CHECK(url_of("host: h.test, pathname: v1", "address: a") == "wss://h.test/v1/a");
  CHECK(url_of("host: h.test, pathname: /v1/", "address: /a") == "wss://h.test/v1/a");
  CHECK(url_of("host: h.test, pathname: {}", "address: /a") == "wss://h.test/a");
  CHECK(url_of("host: h.test, pathname: /v1", "address: null") == "wss://h.test/v1");
  CHECK(url_of("host: h.test, pathname: /v1", "address: {}") == "wss://h.test/v1");
}

TEST_CASE("variables and parameters come from the environment", "[asyncapi]") {
  CHECK(url_of("host: '{zone}.test', variables: {zone: {default: eu}}",
               "address: '/{2d}/x', parameters: {2d: {examples: [b]}}") ==
        "wss://${env:ZONE:-eu}.test/${env:_2D:-b}/x");
  CHECK(url_of("host: h.test", "address: '/{open'") == "wss://h.test/{open");
  CHECK(url_of("host: h.test", "address: '/$/a$${b}', parameters: {b: {enum: [x]}}") ==
        "wss://h.test/$/a$$${env:B:-x}");
  // Nothing is known of it, or what is known does not fit in a reference.
  const auto unknown = [](const std::string& parameters) {
    return url_of("host: h.test", "address: '/{b-c}', parameters: " + parameters,
                  {"f:3:26: channels.c.address: '{b-c}' has no default, no enum and no examples (set the "
                   "environment variable B_C)"});
  };
  for (const char* const each :
       {"{}", "{b-c: {}}", "{b-c: {enum: []}}", "{b-c: {enum: 1}}", "{b-c: {enum: [null]}}",
        "{b-c: {enum: [[x]]}}", "{b-c: {default: 'a b'}}", "{b-c: {default: 'a|b'}}"})
    CHECK(unknown(each) == "wss://h.test/${env:B_C}");
}

TEST_CASE("security schemes become headers and queries", "[asyncapi]") {
  const std::string taken = "f:2:55: servers.s.security[0]: the credentials come from the environment";
  const auto session = [&](const std::string& scheme) {
    return session_of("host: h.test, security: [" + scheme + "]", "address: /a", {taken});
  };
  CHECK(session("{type: http, scheme: Bearer}")["headers"] ==
        ordered_json{{"Authorization", "Bearer ${env:TOKEN}"}});
  for (const char* const basic :
       {"{type: userPassword}", "{type: http, scheme: basic}", "{type: http, scheme: Basic}"})
    CHECK(session(basic)["headers"] ==
          ordered_json{{"Authorization", "Basic ${env:USERNAME + ':' + env:PASSWORD | base64}"}});
  CHECK(session("{type: httpApiKey, name: X-Key, in: header}")["headers"] ==
        ordered_json{{"X-Key", "${env:X_KEY}"}});
  CHECK(session("{type: httpApiKey, name: key, in: query}")["url"] == "wss://h.test/a?key=${env:KEY | url}");
}

TEST_CASE("security schemes that cannot be translated are noted", "[asyncapi]") {
  const auto noted = [](const std::string& scheme, const std::string& type) {
    const ordered_json session = session_of("host: h.test, security: [" + scheme + "]", "address: /a",
                                            {"f:2:55: servers.s.security[0]: security of the type '" + type +
                                             "' is not translated (add headers, http steps or a login)"});
    CHECK(session["url"] == "wss://h.test/a");
    CHECK_FALSE(session.contains("headers"));
  };
  noted("{type: oauth2}", "oauth2");
  noted("{type: http, scheme: digest}", "http");
  noted("{type: httpApiKey, in: header}", "httpApiKey");
  noted("{type: httpApiKey, name: k, in: cookie}", "httpApiKey");
  CHECK(url_of("host: h.test, security: []", "address: /a") == "wss://h.test/a");
  CHECK(url_of("host: h.test, security: none", "address: /a") == "wss://h.test/a");
  CHECK(session_of("host: h.test, security: [{type: userPassword}, {type: oauth2}]", "address: /a",
                   {"f:2:55: servers.s.security[0]: the credentials come from the environment",
                    "f:2:54: servers.s.security: of several ways to log in the first is taken"})["headers"]
            .size() == 1);
}

TEST_CASE("the binding of a channel gives query and headers", "[asyncapi]") {
  const ordered_json session =
      session_of("host: h.test, pathname: '/?a=1'",
                 "address: /a, bindings: {ws: {method: POST, query: {required: [k, l], properties: {k: "
                 "{const: 'x&y'}, n: {const: 5}, l: {}, "
                 "m: {}}}, headers: {properties: {H: {default: 'a${b'}, I: {default: 5}}}}}",
                 {"f:3:53: channels.c.bindings.ws.method: a WebSocket is opened with GET",
                  "f:3:135: channels.c.bindings.ws.query.properties.l: 'l' is required, and its value is not "
                  "known (set the "
                  "environment variable L)",
                  "f:3:142: channels.c.bindings.ws.query.properties.m: 'm' is optional and left out"});
  CHECK(session["url"] == "wss://h.test/a?a=1&k=x%26y&n=5&l=${env:L}");
  CHECK(session["headers"] == ordered_json{{"H", "a$${b"}, {"I", "5"}});
}

TEST_CASE("servers without a host, or of another protocol, are left out", "[asyncapi]") {
  const auto noted = [](const std::string& server) {
    return import_document("asyncapi: 3.0.0\nservers: {a: " + server +
                           ", s: {host: h.test, protocol: ws}}\nchannels: {c: {messages: {m: {}}}}\n"
                           "operations: {o: {action: send, channel: {$ref: '#/channels/c'}}}\n")
        .notes;
  };
  CHECK(noted("{host: h, protocol: kafka}") ==
        std::vector<std::string>{"f:2:14: servers.a: the protocol 'kafka' is not ws or wss"});
  CHECK(noted("{protocol: ws}").size() == 1);
  CHECK(noted("{protocol: ws, host: {}}").size() == 1);
}
