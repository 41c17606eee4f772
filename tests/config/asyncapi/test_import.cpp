#include "config/asyncapi/import_asyncapi.hpp"
#include "config/document/document.hpp"
#include "config/document/yaml_text.hpp"
#include "config/load/load.hpp"
#include "protocol/document/node_json.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using nlohmann::ordered_json;

namespace {

struct outcome {
  std::optional<ordered_json> made;
  std::vector<std::string> mistakes;
  std::vector<std::string> notes;
};

outcome import(std::string_view text, const config::asyncapi_options& options = {}) {
  protocol::diagnostics mistakes;
  protocol::diagnostics notes;
  const auto document = config::read_document(text, config::document_format::yaml, mistakes);
  REQUIRE(document);
  outcome out;
  out.made = config::import_asyncapi(*document, options, mistakes, notes);
  for (const auto& each : mistakes) out.mistakes.push_back(config::format("f", each));
  for (const auto& each : notes) out.notes.push_back(config::format("f", each));
  CHECK(out.made.has_value() == out.mistakes.empty());
  return out;
}

// What was made passes as a configuration, and is read back as it was.
ordered_json good(std::string_view text, std::vector<std::string> notes = {}) {
  const outcome found = import(text);
  REQUIRE(found.made);
  CHECK(found.notes == notes);
  const std::string yaml = config::yaml_text(*found.made);
  INFO(yaml);
  protocol::diagnostics mistakes;
  const auto document = config::read_document(yaml, config::document_format::yaml, mistakes);
  REQUIRE(document);
  CHECK(protocol::to_json(*document) == *found.made);
  const config::load_options how{.secrets_absent = true, .warnings = nullptr};
  const auto loaded = config::load_text(yaml, config::document_format::yaml, "f", how, mistakes);
  for (const auto& each : mistakes) UNSCOPED_INFO(config::format("made", each));
  CHECK(loaded);
  return *found.made;
}

// The rest of a document with one channel `feed`, whose server does what the operations say.
std::string document_of(const std::string& messages, const std::string& operations) {
  return "asyncapi: 3.0.0\ninfo: {title: t, version: '1'}\n"
         "servers: {one: {host: ws.test.com, protocol: wss}}\n"
         "channels: {feed: {address: /feed, messages: " +
         messages + "}}\noperations: " + operations + "\n";
}

// A server that answers calls, in the shape in which exchanges describe theirs.
constexpr const char* exchange = R"(
asyncapi: 3.0.0
info: {title: Quotes, version: '1'}
servers:
  main: {host: 'ws.test.com:8443', pathname: /v2, protocol: wss}
  spare: {host: spare.test.com, protocol: ws}
  bus: {host: bus.test.com, protocol: kafka}
channels:
  quotes:
    address: /quotes/{market}
    parameters: {market: {enum: [spot, futures]}}
    bindings:
      ws:
        query: {type: object, properties: {depth: {type: integer, default: 10}, format: {const: 'json v1'}}}
        headers: {type: object, required: [X-Key], properties: {X-Key: {type: string}}}
    messages:
      ping: {$ref: '#/components/messages/ping'}
      pong: {$ref: '#/components/messages/pong'}
      tick: {$ref: '#/components/messages/tick'}
      status: {$ref: '#/components/messages/status'}
      closed: {payload: {type: object, required: [op, status], properties: {op: {const: status}, status: {enum: [closed]}}}}
operations:
  onPing:
    action: receive
    channel: {$ref: '#/channels/quotes'}
    messages: [{$ref: '#/channels/quotes/messages/ping'}]
    reply: {messages: [{$ref: '#/channels/quotes/messages/pong'}]}
    x-duplexd: {idempotent: true}
  sendTicks:
    action: send
    channel: {$ref: '#/channels/quotes'}
    messages:
      - {$ref: '#/channels/quotes/messages/tick'}
      - {$ref: '#/channels/quotes/messages/status'}
      - {$ref: '#/channels/quotes/messages/closed'}
components:
  messages:
    ping:
      payload: {$ref: '#/components/schemas/ping'}
      correlationId: {location: '$message.payload#/id'}
    pong:
      payload: {type: object, required: [op, id], properties: {op: {const: pong}, id: {type: integer}}}
      correlationId: {location: '$message.payload#/id'}
    tick:
      payload:
        oneOf:
          - {allOf: [{$ref: '#/components/schemas/base'}, {properties: {op: {const: trade}, price: {type: number}}, required: [price]}]}
          - {allOf: [{$ref: '#/components/schemas/base'}, {properties: {op: {const: quote}, bid: {type: number}}}]}
    status: {payload: {type: object, properties: {op: {const: status}, status: {type: string}}, required: [op, status]}}
  schemas:
    base: {type: object, required: [op, symbol], properties: {symbol: {type: string}}}
    ping: {type: object, required: [op], properties: {op: {const: ping}, id: {type: integer}}}
)";

}  // namespace

TEST_CASE("an exchange's document becomes a configuration", "[asyncapi]") {
  const ordered_json made = good(
      exchange,
      {"f:6:10: servers.spare: another server is used (--server spare)",
       "f:7:8: servers.bus: another server is used (--server bus)",
       "f:15:72: channels.quotes.bindings.ws.headers.properties.X-Key: 'X-Key' is required, and its value "
       "is not known (set the environment variable X_KEY)"});
  CHECK(made == ordered_json::parse(R"({"version": 1, "sessions": {"quotes": {
    "url": "wss://ws.test.com:8443/v2/quotes/${env:MARKET:-spot}?depth=10&format=json%20v1",
    "headers": {"X-Key": "${env:X_KEY}"},
    "commands": {"ping": {"confirm": "pong", "correlate": {"id": "id"}, "idempotent": true}},
    "protocol": {"json": "compact",
      "commands": {"ping": {"json": {"op": "ping", "id?": null}}},
      "replies": [
        {"as": "pong", "json": {"op": "pong", "id": null}, "when": {"json": "/op", "is": "pong"}},
        {"as": "tick", "json": {"symbol": null, "op": null, "price?": null, "bid?": null},
         "when": {"json": "/op", "is": ["trade", "quote"]}},
        {"as": "closed", "json": {"op": "status", "status": "closed"},
         "when": {"json": {"/op": "status", "/status": "closed"}}},
        {"as": "status", "json": {"op": "status", "status": null}, "when": {"json": "/op", "is": "status"}}]}}}})"));
}

TEST_CASE("the other servers can be chosen, and an address of one's own", "[asyncapi]") {
  outcome found = import(exchange, {.server = "spare", .url = ""});
  REQUIRE(found.made);
  CHECK((*found.made)["sessions"]["quotes"]["url"] ==
        "ws://spare.test.com/quotes/${env:MARKET:-spot}?depth=10&format=json%20v1");
  found = import(exchange, {.server = "", .url = "ws://localhost:8080/x?a=1"});
  REQUIRE(found.made);
  CHECK((*found.made)["sessions"]["quotes"]["url"] ==
        "ws://localhost:8080/x/quotes/${env:MARKET:-spot}?a=1&depth=10&format=json%20v1");
  CHECK(import(exchange, {.server = "bus", .url = ""}).mistakes ==
        std::vector<std::string>{"f:5:3: servers: no server speaks WebSocket (give its address: --url URL)"});
  CHECK(import(exchange, {.server = "x", .url = ""}).mistakes ==
        std::vector<std::string>{"f:5:3: servers: there is no server 'x'"});
}

TEST_CASE("documents that are not AsyncAPI 3 are refused", "[asyncapi]") {
  using lines = std::vector<std::string>;
  CHECK(import("{openapi: 3.1.0}").mistakes == lines{"f:1:1: this is not an AsyncAPI document"});
  CHECK(import("[]").mistakes == lines{"f:1:1: this is not an AsyncAPI document"});
  CHECK(
      import("{asyncapi: 2.6.0}").mistakes ==
      lines{"f:1:12: asyncapi: only AsyncAPI 3 is read (the AsyncAPI CLI converts documents of version 2)"});
  CHECK(import("{asyncapi: 3.0.0}").mistakes ==
        lines{"f:1:1: no server speaks WebSocket (give its address: --url URL)"});
  CHECK(import("{asyncapi: 3.0.0, servers: {a: {host: h, protocol: ws}}}").mistakes ==
        lines{"f:1:1: no channel is reached through this server"});
}

TEST_CASE("references that lead nowhere are noted where they stand", "[asyncapi]") {
  const ordered_json made = good(
      document_of("{a: {payload: {$ref: '#/b'}}, c: {payload: {$ref: '#/channels/feed/messages/c/payload'}}, "
                  "d: {payload: {$ref: 'other.yaml#/d'}}}",
                  "{x: {action: receive, channel: {$ref: '#/channels/feed'}}}"),
      {"f:4:59: channels.feed.messages.a.payload: '#/b' leads nowhere",
       "f:4:88: channels.feed.messages.c.payload: its references lead in a circle",
       "f:4:148: channels.feed.messages.d.payload: 'other.yaml#/d' is outside of this document (bundle the "
       "documents "
       "into one first)"});
  CHECK(made["sessions"]["feed"]["protocol"]["commands"] ==
        ordered_json::parse(R"({"a": {"frame": "text"}, "c": {"frame": "text"}, "d": {"frame": "text"}})"));
}

// A schema that contains itself, twice at each level, would be endless.
TEST_CASE("schemas that contain themselves end there", "[asyncapi]") {
  const ordered_json made = good(document_of(
      "{tree: {payload: {type: object, properties: {left: {$ref: '#/channels/feed/messages/tree/payload'}, "
      "right: {$ref: '#/channels/feed/messages/tree/payload'}, v: {}}, required: [left, v]}}}",
      "{x: {action: send, channel: {$ref: '#/channels/feed'}}}"));
  CHECK(made["sessions"]["feed"]["protocol"]["replies"][0]["json"] ==
        ordered_json::parse(R"({"left": null, "right?": null, "v": null})"));
}

TEST_CASE("wide schemas are read up to a bound", "[asyncapi]") {
  std::string schemas = "{end: {}";
  for (int depth = 0; depth < 8; ++depth) {
    schemas += ", s" + std::to_string(depth) + ": {type: object, properties: {";
    for (int i = 0; i < 10; ++i)
      schemas += "p" + std::to_string(i) + ": {$ref: '#/x/" +
                 (depth == 0 ? "end" : "s" + std::to_string(depth - 1)) + "'}, ";
    schemas += "}}";
  }
  const outcome found = import(document_of("{a: {payload: {$ref: '#/x/s7'}}}",
                                           "{o: {action: send, channel: {$ref: '#/channels/feed'}}}") +
                               "x: " + schemas + "}\n");
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0].find("more than 10000 schemas") != std::string::npos);
}

TEST_CASE("messages that cannot be told apart are left out", "[asyncapi]") {
  const ordered_json made = good(
      document_of("{a: {payload: {type: string}}, b: {payload: {type: array}}, c: {payload: {properties: {k: "
                  "{const: 1}}}}, d: {payload: {required: [q]}}}",
                  "{x: {action: send, channel: {$ref: '#/channels/feed'}}}"),
      {"f:4:79: channels.feed.messages.b: nothing in it tells it from 'a' (say when it is meant: x-duplexd: "
       "{when: …})"});
  CHECK(made["sessions"]["feed"]["protocol"]["replies"] == ordered_json::parse(R"([
    {"as": "c", "json": {"k": 1}, "when": {"json": "/k", "is": 1}},
    {"as": "d", "json": {"q": null}, "when": {"frame": "text", "fits": true}},
    {"as": "a", "frame": "text"}])"));
}

TEST_CASE("what AsyncAPI cannot say comes from x-duplexd", "[asyncapi]") {
  const ordered_json made =
      good(R"(
asyncapi: 3.0.0
info: {title: t, version: '1'}
x-duplexd: {describes: client, log: {level: debug}}
defaultContentType: application/octet-stream
servers: {one: {host: h.test, protocol: ws, x-duplexd: {subprotocols: [v1]}, security: [{type: http, scheme: bearer}]}}
channels:
  robot-1:
    address: null
    x-duplexd: {protocol: {byte_order: big, json: ~}, outputs: [stdout]}
    messages:
      move: {x-duplexd: {layout: 'op:B=1 x:H'}}
      state: {x-duplexd: {layout: 'op:B=2 y:H', when: {opcode: {at: 0, type: B, is: 2}}}}
      note: {contentType: text/plain}
      list: {contentType: application/json, payload: {type: array, items: [{const: 3}, {title: id}, {}], minItems: 2}}
operations:
  a: {action: send, channel: {$ref: '#/channels/robot-1'}, messages: [{$ref: '#/channels/robot-1/messages/move'}]}
  b:
    action: receive
    channel: {$ref: '#/channels/robot-1'}
    messages: [{$ref: '#/channels/robot-1/messages/list'}, {$ref: '#/channels/robot-1/messages/state'}, {$ref: '#/channels/robot-1/messages/note'}]
)",
           {"f:6:89: servers.one.security[0]: the credentials come from the environment",
            "f:14:13: channels.robot-1.messages.note: what is in a message of the type text/plain is "
            "not known (describe its bytes: x-duplexd: {layout: …})"});
  CHECK(made == ordered_json::parse(R"({"version": 1, "log": {"level": "debug"}, "sessions": {"robot_1": {
    "url": "ws://h.test", "headers": {"Authorization": "Bearer ${env:TOKEN}"}, "subprotocols": ["v1"],
    "outputs": ["stdout"],
    "protocol": {"commands": {"move": {"layout": "op:B=1 x:H"}},
      "replies": [
        {"as": "list", "json": [{"item0": 3}, "id", "item2?"], "when": {"json": "/0", "is": 3}},
        {"as": "state", "layout": "op:B=2 y:H", "when": {"opcode": {"at": 0, "type": "B", "is": 2}}},
        {"as": "note", "frame": "text", "layout": "text:str"}], "byte_order": "big"}}}})"));
}
