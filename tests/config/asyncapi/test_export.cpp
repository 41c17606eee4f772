// What sessions become, and that an import makes the same of it again.
#include <filesystem>
#include <fstream>

#include "config/asyncapi/export_asyncapi.hpp"
#include "config/document/document.hpp"
#include "config/document/yaml_text.hpp"
#include "config/load/load.hpp"
#include "config/load/whole_sessions.hpp"
#include "protocol/document/node_json.hpp"
#include "tests/catch.hpp"
#include "tests/config/asyncapi/support.hpp"

using namespace duplexd;
using namespace duplexd::config::testing;
using nlohmann::ordered_json;

namespace {

struct exported {
  ordered_json document;
  std::vector<std::string> notes;
};

protocol::node node_of(const std::string& yaml) {
  protocol::diagnostics mistakes;
  auto document = config::read_document(yaml, config::document_format::yaml, mistakes);
  REQUIRE(document);
  return std::move(*document);
}

exported export_all(const std::string& yaml) {
  protocol::diagnostics notes;
  config::asyncapi_export made(notes);
  for (const auto& each : config::whole_sessions(node_of(yaml))) made.add(each.name, each.value);
  exported out{std::move(made).take(), {}};
  for (const auto& each : notes) out.notes.push_back(config::format("f", each));
  return out;
}

/// A document with one session `s`, and its server.
exported export_session(const std::string& fields) {
  return export_all("sessions:\n  s:\n    " + fields + "\n");
}

/// A protocol without what only a reader sees.
ordered_json without_examples(ordered_json protocol) {
  for (const char* const part : {"commands", "replies"})
    if (protocol.contains(part))
      for (auto& each : protocol[part])
        if (each.is_object()) each.erase("examples");
  return protocol;
}

/// One confirming reply may stand by itself.
ordered_json listed(ordered_json rules) {
  for (auto& each : rules)
    if (each.contains("confirm") && each["confirm"].is_string())
      each["confirm"] = ordered_json::array({each["confirm"]});
  return rules;
}

/// A layout may stand by itself.
ordered_json in_full(ordered_json protocol) {
  if (protocol.contains("commands"))
    for (auto& each : protocol["commands"])
      if (!each.is_object()) each = ordered_json{{"layout", each}};
  return without_examples(std::move(protocol));
}

}  // namespace

TEST_CASE("a session becomes a server, a channel and operations", "[asyncapi]") {
  const exported made =
      export_session(R"(url: "wss://${env:HOST:-ws.test.com}:8443/v2?depth=10&key=${env:KEY}"
    headers: {X-Key: "${credential:key}"}
    subprotocols: [v1]
    commands: {ping: {confirm: pong, correlate: {id: req.id}, idempotent: true}, move: {confirm: [pong, state]}}
    protocol:
      byte_order: big
      commands:
        ping: {json: {op: ping, "id?": ~}, examples: [{text: '{"op": "ping", "id": 1}', values: {op: ping, id: 1}}]}
        move: 'op:B=1 x:H'
        state: {json: [{type: 2}, id, 'payload?']}
      replies:
        - {as: pong, json: {op: pong, req: {id: ~}}, when: {json: /op, is: pong}}
        - {as: state, layout: 'op:B=2 y:H', when: {opcode: {at: 0, type: B, is: 2}}}
        - {as: line, frame: text, layout: 'text:str'})");
  CHECK(made.notes.empty());
  CHECK(made.document == ordered_json::parse(R"({
    "asyncapi": "3.0.0", "info": {"title": "s", "version": "1.0.0"}, "x-duplexd": {"describes": "client"},
    "servers": {"s": {"host": "{HOST}:8443", "protocol": "wss", "pathname": "/v2",
                      "variables": {"HOST": {"default": "ws.test.com"}}}},
    "channels": {"s": {
      "address": null, "servers": [{"$ref": "#/servers/s"}],
      "bindings": {"ws": {
        "query": {"type": "object", "required": ["key"],
                  "properties": {"depth": {"type": "string", "const": "10"}, "key": {"type": "string"}}},
        "headers": {"type": "object", "required": ["X-Key"], "properties": {"X-Key": {"type": "string"}}}}},
      "messages": {
        "pong": {"payload": {"type": "object", "required": ["op", "req"], "properties": {
                   "op": {"const": "pong"},
                   "req": {"type": "object", "required": ["id"], "properties": {"id": {}}}}},
                 "contentType": "application/json", "x-duplexd": {"when": {"json": "/op", "is": "pong"}},
                 "correlationId": {"location": "$message.payload#/req/id"}},
        "state_reply": {"contentType": "application/octet-stream", "x-duplexd": {
          "as": "state", "layout": "op:B=2 y:H", "when": {"opcode": {"at": 0, "type": "B", "is": 2}}}},
        "line": {"contentType": "text/plain", "x-duplexd": {"frame": "text", "layout": "text:str"}},
        "ping": {"payload": {"type": "object", "required": ["op"], "properties": {"op": {"const": "ping"}, "id": {}}},
                 "examples": [{"payload": {"op": "ping", "id": 1}}], "contentType": "application/json",
                 "correlationId": {"location": "$message.payload#/id"}},
        "move": {"contentType": "application/octet-stream", "x-duplexd": {"layout": "op:B=1 x:H"}},
        "state": {"payload": {"type": "array", "items": [{"title": "type", "const": 2}, {"title": "id"}, {"title": "payload"}],
                              "minItems": 2}, "contentType": "application/json"}},
      "x-duplexd": {"protocol": {"json": null, "byte_order": "big"}, "subprotocols": ["v1"]}}},
    "operations": {
      "s_receive": {"action": "receive", "channel": {"$ref": "#/channels/s"}, "messages": [
        {"$ref": "#/channels/s/messages/pong"}, {"$ref": "#/channels/s/messages/state_reply"},
        {"$ref": "#/channels/s/messages/line"}]},
      "s_ping": {"action": "send", "channel": {"$ref": "#/channels/s"},
        "messages": [{"$ref": "#/channels/s/messages/ping"}],
        "reply": {"messages": [{"$ref": "#/channels/s/messages/pong"}]}, "x-duplexd": {"idempotent": true}},
      "s_move": {"action": "send", "channel": {"$ref": "#/channels/s"},
        "messages": [{"$ref": "#/channels/s/messages/move"}],
        "reply": {"messages": [{"$ref": "#/channels/s/messages/pong"}, {"$ref": "#/channels/s/messages/state_reply"}]}},
      "s_state": {"action": "send", "channel": {"$ref": "#/channels/s"},
        "messages": [{"$ref": "#/channels/s/messages/state"}]}}})"));
}

// Of each session of the examples: the protocol, and what confirms a command, are what they were.
TEST_CASE("an import of an export has the same protocol", "[asyncapi]") {
  std::size_t tried = 0;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(DUPLEXD_SOURCE_DIR "/config/examples")) {
    if (file.path().extension() != ".yaml") continue;
    INFO(file.path());
    std::ifstream in(file.path());
    const std::string yaml(std::istreambuf_iterator<char>(in), {});
    for (const auto& each : config::whole_sessions(node_of(yaml))) {
      protocol::diagnostics notes;
      config::asyncapi_export made(notes);
      made.add(each.name, each.value);
      const std::string document = config::yaml_text(std::move(made).take());
      INFO(document);
      const import_outcome back = import_document(document);
      for (const std::string& mistake : back.mistakes) UNSCOPED_INFO(mistake);
      REQUIRE(back.made);
      const ordered_json& session = (*back.made)["sessions"].front();
      const protocol::node* const protocol = each.value.find("protocol");
      if (protocol == nullptr) continue;
      const ordered_json wanted = in_full(protocol::to_json(*protocol));
      ordered_json found = session["protocol"];
      INFO(found.dump() << "\n" << wanted.dump());
      CHECK(protocol::same_json(found, wanted));
      const protocol::node* const rules = each.value.find("commands");
      CHECK(
          protocol::same_json(listed(session.value("commands", ordered_json::object())),
                              listed(rules == nullptr ? ordered_json::object() : protocol::to_json(*rules))));
      ++tried;
    }
  }
  CHECK(tried > 15);
}

TEST_CASE("a template that a schema cannot say stands beside it", "[asyncapi]") {
  const auto message = [](const std::string& form) {
    return export_session("url: ws://h/\n    protocol: {commands: {a: {json: " + form + "}}}")
        .document["channels"]["s"]["messages"]["a"];
  };
  const auto is_whole = [&](const std::string& form) { return !message(form).contains("x-duplexd"); };
  CHECK(is_whole("{a: 1, 'b?': ~, c: {d: ~, e: [1, x]}, f: {}}"));
  CHECK(is_whole("[{type: 2}, id, {v: [1]}, 'payload?']"));
  CHECK_FALSE(is_whole("{a: [~, 3]}"));
  CHECK_FALSE(is_whole("{'a?': {b: ~}}"));
  CHECK_FALSE(is_whole("[{a: ~}]"));
  CHECK_FALSE(is_whole("[{a: 1, b: 2}, [1]]"));
  CHECK(message("{a: [~, {b: 3}]}")["payload"] == ordered_json::parse(R"({"type": "object", "required": ["a"],
    "properties": {"a": {"type": "array", "items": [{}, {"type": "object", "required": ["b"], "properties": {"b": {"const": 3}}}]}}})"));
  CHECK(message("{a: [~, 3]}")["x-duplexd"] == ordered_json::parse(R"({"json": {"a": [null, 3]}})"));
}

TEST_CASE("addresses are described as far as that goes", "[asyncapi]") {
  const auto described = [](const std::string& url, const std::vector<std::string>& notes = {}) {
    const exported made = export_session("url: " + url);
    CHECK(made.notes == notes);
    return made.document["servers"]["s"];
  };
  const auto query = [](const std::string& url) {
    const ordered_json channel = export_session("url: " + url).document["channels"]["s"];
    return channel.contains("bindings") ? channel["bindings"]["ws"]["query"] : ordered_json();
  };
  CHECK(described("ws://h.test") == ordered_json{{"host", "h.test"}, {"protocol", "ws"}});
  CHECK(described("ws://h.test/") == ordered_json{{"host", "h.test"}, {"protocol", "ws"}});
  CHECK(described("'ws://[::1]:80/a$${b'")["pathname"] == "/a${b");
  CHECK(
      described("'ws://h/${var:a | url}/${env:B}'", {"f:3:11: sessions.s.url: a reference that is not to the "
                                                     "environment has become a variable without a value"}) ==
      ordered_json::parse(
          R"({"host": "h", "protocol": "ws", "pathname": "/{value1}/{B}", "variables": {"value1": {}, "B": {}}})"));
  CHECK(described("[ws://a/, ws://b/]", {"f:3:11: sessions.s.url: the other URLs are left out"})["host"] ==
        "a");
  CHECK(
      described("'ws+unix:/run/a:/b'",
                {"f:3:11: sessions.s.url: a server that is not reached by a host is described as localhost"})
          ["host"] == "localhost");
  CHECK(query("'ws://h/?a=b%20c&d&e=${env:E:-x}&f=1${env:F}&&g=$${'") ==
        ordered_json::parse(R"({"type": "object", "required": ["f"],
    "properties": {"a": {"type": "string", "const": "b c"}, "d": {"type": "string", "const": ""},
      "e": {"type": "string", "default": "x"}, "f": {"type": "string"}, "g": {"type": "string", "const": "${"}}})"));
  CHECK(query("\"ws://h/?a=${'&?}' + env:B}\"")["required"] == ordered_json{"a"});
  CHECK(query("ws://h/").is_null());
}

TEST_CASE("what cannot be told apart there is noted", "[asyncapi]") {
  const exported made = export_session(R"(url: ws://h/
    protocol:
      commands: {a.b: {frame: text}}
      replies: [{as: r, when: {starts: a}, layout: 'x:B'}, {as: r, layout: 'y:H'}])");
  CHECK(made.notes == std::vector<std::string>{
                          "f:6:60: sessions.s: a further reply 'r' is left out: a message has one form",
                          "f:5:23: sessions.s: 'a.b' is called a_b there"});
}
