// What a good document becomes.
#include "tests/catch.hpp"
#include "tests/config/asyncapi/support.hpp"

using namespace duplexd::config::testing;
using nlohmann::ordered_json;

namespace {

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
  const ordered_json made = good_import(
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
  import_outcome found = import_document(exchange, {.server = "spare", .url = ""});
  REQUIRE(found.made);
  CHECK((*found.made)["sessions"]["quotes"]["url"] ==
        "ws://spare.test.com/quotes/${env:MARKET:-spot}?depth=10&format=json%20v1");
  found = import_document(exchange, {.server = "", .url = "ws://localhost:8080/x?a=1"});
  REQUIRE(found.made);
  CHECK((*found.made)["sessions"]["quotes"]["url"] ==
        "ws://localhost:8080/x/quotes/${env:MARKET:-spot}?a=1&depth=10&format=json%20v1");
  CHECK(import_document(exchange, {.server = "bus", .url = ""}).mistakes ==
        std::vector<std::string>{"f:5:3: servers: no server speaks WebSocket (give its address: --url URL)"});
  CHECK(import_document(exchange, {.server = "x", .url = ""}).mistakes ==
        std::vector<std::string>{"f:5:3: servers: there is no server 'x'"});
}

TEST_CASE("what AsyncAPI cannot say comes from x-duplexd", "[asyncapi]") {
  const ordered_json made =
      good_import(R"(
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
