// Documents that are wrong, too large or say more than a configuration can hold: what is noted, and where.
#include "tests/catch.hpp"
#include "tests/config/asyncapi/support.hpp"

using namespace duplexd::config::testing;
using nlohmann::ordered_json;

TEST_CASE("documents that are not AsyncAPI 3 are refused", "[asyncapi]") {
  using lines = std::vector<std::string>;
  CHECK(import_document("{openapi: 3.1.0}").mistakes == lines{"f:1:1: this is not an AsyncAPI document"});
  CHECK(import_document("[]").mistakes == lines{"f:1:1: this is not an AsyncAPI document"});
  CHECK(
      import_document("{asyncapi: 2.6.0}").mistakes ==
      lines{"f:1:12: asyncapi: only AsyncAPI 3 is read (the AsyncAPI CLI converts documents of version 2)"});
  CHECK(import_document("{asyncapi: 3.0.0}").mistakes ==
        lines{"f:1:1: no server speaks WebSocket (give its address: --url URL)"});
  CHECK(import_document("{asyncapi: 3.0.0, servers: {a: {host: h, protocol: ws}}}").mistakes ==
        lines{"f:1:1: no channel is reached through this server"});
}

TEST_CASE("references that lead nowhere are noted where they stand", "[asyncapi]") {
  const ordered_json made = good_import(
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
  const ordered_json made = good_import(document_of(
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
  const import_outcome found =
      import_document(document_of("{a: {payload: {$ref: '#/x/s7'}}}",
                                  "{o: {action: send, channel: {$ref: '#/channels/feed'}}}") +
                      "x: " + schemas + "}\n");
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0].find("more than 10000 schemas") != std::string::npos);
}

TEST_CASE("messages that cannot be told apart are left out", "[asyncapi]") {
  const ordered_json made = good_import(
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

// Percent encoding and `~` (RFC 6901), lists by index, and references on the way.
TEST_CASE("references find keys with special characters", "[asyncapi]") {
  const ordered_json made = good_import(
      document_of("{a: {$ref: '#/x/b~1c~0d%20e'}, b: {$ref: '#/x/list/1'}, c: {$ref: '#/y/sub%2fone/in'}}",
                  "{o: {action: receive, channel: {$ref: '#/channels/feed'}}}") +
      "x: {'b/c~d e': {payload: {properties: {k: {const: 1}}}}, list: [{}, {payload: {properties: {k: "
      "{const: 2}}}}]}\n"
      "y: {'sub/one': {$ref: '#/z'}}\nz: {in: {payload: {properties: {k: {const: 3}}}}}\n");
  CHECK(
      made["sessions"]["feed"]["protocol"]["commands"] ==
      ordered_json::parse(R"({"a": {"json": {"k": 1}}, "b": {"json": {"k": 2}}, "c": {"json": {"k": 3}}})"));
}

TEST_CASE("references that are none of a JSON pointer lead nowhere", "[asyncapi]") {
  const auto noted = [](const std::string& target) {
    const import_outcome found =
        import_document(document_of("{a: {payload: {$ref: '" + target + "'}}}",
                                    "{o: {action: receive, channel: {$ref: '#/channels/feed'}}}") +
                        "x: [{}, {}]\n'100%': {}\n'a~': {}\n");
    REQUIRE(found.made);
    return found.notes.empty() ? "" : found.notes[0].substr(found.notes[0].find("payload") + 9);
  };
  CHECK(noted("#/x/1").empty());
  CHECK(noted("#/100%").empty());
  CHECK(noted("#/100%25").empty());
  CHECK(noted("#/a~").empty());
  CHECK(noted("#/x/2") == "'#/x/2' leads nowhere");
  CHECK(noted("#/x/one") == "'#/x/one' leads nowhere");
  CHECK(noted("#/x/") == "'#/x/' leads nowhere");
  CHECK(noted("#/x/0000001") == "'#/x/0000001' leads nowhere");
  CHECK(noted("#/asyncapi/0") == "'#/asyncapi/0' leads nowhere");
  CHECK(noted("x") == "'x' is outside of this document (bundle the documents into one first)");
  CHECK(noted("#x") == "'#x' is outside of this document (bundle the documents into one first)");
}

// Two references, each within the other's way.
TEST_CASE("a way to a reference that leads in a circle ends", "[asyncapi]") {
  const import_outcome found =
      import_document(document_of("{a: {payload: {$ref: '#/x/p/q'}}}",
                                  "{o: {action: receive, channel: {$ref: '#/channels/feed'}}}") +
                      "x: {p: {$ref: '#/nowhere'}}\n");
  REQUIRE(found.made);
  CHECK(found.notes == std::vector<std::string>{"f:6:8: x.p: '#/nowhere' leads nowhere"});
}

TEST_CASE("traits give what a message does not say, the last one first", "[asyncapi]") {
  const ordered_json made =
      good_import(document_of("{a: {traits: [{payload: {const: 1}, contentType: text/x}, {payload: "
                              "{properties: {k: {const: 2}}}}, {}], "
                              "contentType: application/json}, b: {traits: none}}",
                              "{o: {action: receive, channel: {$ref: '#/channels/feed'}}}"));
  CHECK(made["sessions"]["feed"]["protocol"]["commands"] ==
        ordered_json::parse(R"({"a": {"json": {"k": 2}}, "b": {"frame": "text"}})"));
}

TEST_CASE("operations that cannot be translated are noted", "[asyncapi]") {
  const ordered_json made = good_import(
      R"(
asyncapi: 3.0.0
info: {title: t, version: '1'}
servers: {one: {host: h.test, protocol: ws}, two: {host: i.test, protocol: ws}}
channels:
  feed: {address: /feed, messages: {a: {headers: {}}, b: {correlationId: {location: '$message.header#/id'}}, c: {}}}
  far: {address: /far, servers: [{$ref: '#/servers/two'}], messages: {d: {}}}
  other: {address: /other, messages: {e: {}}}
  lonely: {address: /feed}
operations:
  none: {$ref: '#/nowhere'}
  shout: {action: shout, channel: {$ref: '#/channels/feed'}}
  away: {action: send, channel: {$ref: '#/channels/far'}}
  ask:
    action: receive
    channel: {$ref: '#/channels/feed'}
    messages: [{$ref: '#/channels/feed/messages/b'}]
    reply: {channel: {$ref: '#/channels/other'}}
  call:
    action: receive
    channel: {$ref: '#/channels/feed'}
    messages: [{$ref: '#/channels/feed/messages/b'}, {$ref: '#/nowhere'}]
    reply: {messages: [{$ref: '#/channels/feed/messages/c'}]}
  tell:
    action: send
    channel: {$ref: '#/channels/other'}
    reply: {messages: [{$ref: '#/channels/feed/messages/a'}]}
)",
      {"f:4:51: servers.two: another server is used (--server two)",
       "f:7:8: channels.far: this channel is on other servers only",
       "f:11:9: operations.none: '#/nowhere' leads nowhere",
       "f:12:10: operations.shout: its action is not send or receive",
       "f:13:9: operations.away: its channel is not reached through this server",
       "f:18:12: operations.ask.reply: its answer comes over another connection",
       "f:22:54: operations.call.messages[1]: '#/nowhere' leads nowhere",
       ("f:6:74: channels.feed.messages.b.correlationId: a correlation id that is not in the payload is not "
        "translated"),
       ("f:27:12: operations.tell.reply: what answers the server is a command; nothing sends it yet (add a "
        "handler: on: […])"),
       "f:6:50: channels.feed.messages.a.headers: messages of a WebSocket have no headers",
       "f:9:11: channels.lonely: no operation uses this channel: who sends its messages is not known"});
  CHECK(made["sessions"].size() == 2);
  CHECK(made["sessions"]["feed"]["commands"] == ordered_json::parse(R"({"b": {"confirm": "c"}})"));
  CHECK(made["sessions"]["other"]["protocol"]["replies"][0]["as"] == "e");
}

TEST_CASE("schemas of another format are not read", "[asyncapi]") {
  const ordered_json made = good_import(
      document_of(
          "{a: {payload: {schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema: {const: 1}}}, "
          "b: {payload: {schemaFormat: 'application/schema+json;version=draft-07', schema: {properties: {k: "
          "{const: 1}}}}}, "
          "c: {payload: {schemaFormat: 'application/vnd.aai.asyncapi;version=3.0.0', schema: {properties: "
          "{k: {const: 2}}}}}}",
          "{o: {action: receive, channel: {$ref: '#/channels/feed'}}}"),
      {"f:4:75: channels.feed.messages.a.payload.schemaFormat: schemas of the format "
       "'application/vnd.apache.avro;version=1.9.0' are not read"});
  CHECK(made["sessions"]["feed"]["protocol"]["commands"] ==
        ordered_json::parse(R"({"a": {"frame": "text"}, "b": {"json": {"k": 1}}, "c": {"json": {"k": 2}}})"));
}

TEST_CASE("schemas that say nothing a template can hold", "[asyncapi]") {
  const ordered_json made = good_import(document_of(
      "{a: {payload: {required: [x, [y]], properties: {x: {const: null}, y: {enum: [1, {}]}, z: {enum: "
      "[null]}}}}, "
      "b: {payload: {oneOf: []}}, c: {payload: {anyOf: [{const: 1}, {const: 1}]}}, "
      "d: {payload: {allOf: [{enum: [1, 2]}, {properties: {k: {}}}], required: [k]}}, "
      "e: {payload: {oneOf: [{properties: {k: {enum: [1, 2]}}}, {properties: {k: {const: 3}}}]}}, "
      "f: {payload: {items: [{const: [1]}, {title: item0}], minItems: x}}}",
      "{o: {action: receive, channel: {$ref: '#/channels/feed'}}}"));
  CHECK(made["sessions"]["feed"]["protocol"]["commands"] ==
        ordered_json::parse(R"({"a": {"json": {"x": null, "y?": null, "z?": null}}, "b": {"frame": "text"},
    "c": {"frame": "text"}, "d": {"json": {"k": null}}, "e": {"json": {"k?": null}},
    "f": {"json": [{"item0": [1]}, "item1"]}})"));
}
