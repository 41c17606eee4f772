#include "protocol/codec/unpacker.hpp"
#include "protocol/codec/value_visitor.hpp"
#include "protocol/message/message_type.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

std::string explained(const std::string& layout, const std::string& hex) {
  packet_reader reader(compiled(definition(layout)), direction::reply);
  const auto bytes = *parse_hex(hex);
  reader.begin({frame_kind::binary, bytes});
  packet found;
  REQUIRE(reader.next(found));
  if (found.type == nullptr) return "! " + found.error.text();
  std::string out;
  if (const auto error = explain(found, out)) out += "! " + error->text();
  return out;
}

// What is made up for a layout; it can be packed.
std::string made_up(const std::string& layout) {
  const auto types = compiled(definition(layout));
  const message_type& type = *types->find(direction::command, "c");
  const ordered_json values = example_values(type);
  std::vector<std::uint8_t> bytes;
  const auto error = pack(type, values, bytes);
  return values.dump() + (error ? " ! " + error->text() : "");
}

// The first packet of a message, whose bytes must outlive it.
packet first(const std::shared_ptr<const protocol>& types, packet_reader& reader,
             const std::vector<std::uint8_t>& bytes) {
  REQUIRE(types);
  reader.begin({frame_kind::binary, bytes});
  packet out;
  REQUIRE(reader.next(out));
  return out;
}

}  // namespace

// A line for each place: offset, bytes, what it is, and its value by its path.
TEST_CASE("explain shows each place") {
  check_rows(
      {
          {"> a:H _b:B 2x c:str(:B)", "0001020000026869", R"(     0  0001                       a = 1
     2  02                         (hidden)
     3  0000                       (padding)
     5  02                         (length or count)
     6  6869                       c = "hi"
)"},
          {"a:bytes", "000102030405060708090a0b",
           R"(     0  000102030405060708090a0b   a = "000102030405060708090a0b"
)"},
          {"a:bytes", "000102030405060708090a0b0c",
           R"(     0  000102030405060708090a0b… (13 bytes) a = "000102030405060708090a0b0c"
)"},
          {"@ a:b b:h", "01000200",
           "     0  01                         a = 1\n"
           "     1  00                         (padding)\n"
           "     2  0200                       b = 2\n"},
          {"{a: {array: 'x:B', count: 2}, b: 'B[2]'}", "01020304",
           "     0  01                         a[0].x = 1\n"
           "     1  02                         a[1].x = 2\n"
           "     2  03                         b[0] = 3\n"
           "     3  04                         b[1] = 4\n"},
          {"BB", "0102",
           "     0  01                         [0] = 1\n"
           "     1  02                         [1] = 2\n"},
          {"a:2B b:d c:? d:H/100 e:I@s", "0102000000000000f83f00640000000000",
           R"(     0  01                         a[0] = 1
     1  02                         a[1] = 2
     2  000000000000f83f           b = 1.5
    10  00                         c = false
    11  6400                       d = 1
    13  00000000                   e = "1970-01-01T00:00:00Z"
)"},
          {"{a: {flags: B, names: [x, y]}, b: {bits: B, fields: {c: 4, d: 4}}, e: {type: B, none: 0}, f: "
           "b64(1), g: json(2)}",
           "031200005b5d", R"(     0  03                         a[0] = "x" a[1] = "y"
     1  12                         b.c = 1 b.d = 2
     2  00                         e = null
     3  00                         f = "AA=="
     4  5b5d                       g = []
)"},
          {"a:Q b:q c:zstr", "ffffffffffffffffffffffffffffffff6100",
           R"(     0  ffffffffffffffff           a = 18446744073709551615
     8  ffffffffffffffff           b = -1
    16  6100                       c = "a"
)"},
          {"a:B b:H", "0102",
           "     0  01                         a = 1\n"
           "! b at byte 1: expected 2 bytes, found 1"},
          {"{layout: 'a:rec b:B', layouts: {rec: 'x:B y:B'}}", "010203",
           "     0  01                         a.x = 1\n"
           "     1  02                         a.y = 2\n"
           "     2  03                         b = 3\n"},
          {"{a: {fill: 4, type: 'x:H y:H'}}", "0100",
           "     0  0100                      \n"
           "     0  0100                       a.x = 1\n"
           "     2  0000                       a.y = 0\n"},
          {"{layout: 'a:B', trailing: keep}", "0102",
           R"(     0  01                         a = 1 trailing = "02"
)"},
          {"{a: cbor}", "a16161820102", "     0  a16161820102               a.a[0] = 1 a.a[1] = 2\n"},
          {"['a:B', {let: {b: a + 1}}]", "01", "     0  01                         a = 1 b = 2\n"},
      },
      explained);
}

// Zeros, empty texts, and what a switch has a case for.
TEST_CASE("values are made up that pack") {
  check_pairs(
      {
          {"a:B b:str(:B) c:bytes(:B) d:4s e:bytes(2) f:json(:B) g:? h:d",
           R"({"a":0,"b":"","c":"","d":"","e":"0000","f":{},"g":false,"h":0})"},
          {"a:B=1 b:B?=2 _n:B c:str(_n) _h:B", R"({"c":"","_h":0})"},
          {"{layout: BBx2s}", R"([0,0,"0000"])"},
          {"a:2B b:B[2] c:B[:B]", R"({"a":[0,0],"b":[0,0],"c":[]})"},
          {"{a: {array: 'x:B', count: 2}, b: {array: B, count: ':B'}}", R"({"a":[{"x":0},{"x":0}],"b":[]})"},
          {"a:B@s b:B/100 c:4p d:zstr", R"({"a":0,"b":0,"c":"","d":""})"},
          {"{a: {enum: B, names: {1: one}}, b: {enum: B, names: {0: zero}}, c: {flags: B, names: [x]}, d: "
           "{type: B, none: 0}}",
           R"({"a":0,"b":"zero","c":[],"d":0})"},
          {"{h: {bits: B, fields: {a: 4, b: '2=1', c: '2?=1'}}}", R"({"h":{"a":0}})"},
          {"{h: {bits: B, fields: {a: '4=2', b: '4?=1'}}}", "{}"},
          {"[{bits: B, fields: {a: 4, b: 4}}]", R"({"a":0,"b":0})"},
          {"a:b64=0a0b b:bytes=\"x\"", "{}"},
          {"['a:B', {switch: a, cases: {3: 'b:B', 4: 'c:B'}}]", R"({"a":3,"b":0})"},
          {"['a:B', {switch: a, cases: {3: 'b:B', else: 'c:B'}}]", R"({"a":0,"c":0})"},
          {"['a:B', {switch: a, cases: {0: 'b:B', else: 'c:B'}}]", R"({"a":0,"b":0})"},
          {"['a:B', {switch: a + 1, cases: {1: 'b:B', 2: 'c:B'}}]", R"({"a":0,"b":0})"},
          {"['a:B', {if: a, then: 'b:B', else: 'c:B'}]", R"({"a":0,"c":0})"},
          {"['a:B', {if: a == 0, then: 'b:B', else: 'c:B'}]", R"({"a":0,"b":0})"},
          {"['a:B=4', {switch: a, cases: {3: 'b:B', 4: 'c:B'}}]", R"({"c":0})"},
          {"['a:B', {switch: $size, cases: {3: 'b:H', 2: 'c:B'}}]", R"({"a":0,"b":0})"},
          {"['a:B', {let: {b: {of: a, map: {5: x, 6: y}}}}]", R"({"a":5})"},
          {"['a:B', {let: {b: {of: a, map: {5: x, 6: y}, else: z}}}]", R"({"a":0})"},
          {"[{h: {bits: B, fields: {a: 4, b: 4}}}, {switch: h.a, cases: {3: 'b:B'}}]",
           R"({"h":{"a":3,"b":0},"b":0})"},
          {"[a:B, {in: {size: ':B', type: 'b:B'}}, {p: {fill: 4, type: 'c:I'}}]",
           R"({"a":0,"in":{"b":0},"p":{"c":0}})"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}}", R"({"a":0,"p":[]})"},
          {"{layout: 'a:rec b:rec[1]', layouts: {rec: 'x:B'}}", R"({"a":{"x":0},"b":[{"x":0}]})"},
          {"[b:B, {s: {crc: sum8}}]", R"({"b":0})"},
          {"{a: {type: zstr(4)}, b: b64(2), c: c, d: {type: str(2), one_of: [ab, cd]}, e: {enum: B, names: "
           "{3: three}, strict: true}}",
           R"({"a":"","b":"AAA=","c":" ","d":"ab","e":"three"})"},
      },
      made_up);
}

// Packing appends, and leaves what is there alone when it fails.
TEST_CASE("packing appends or changes nothing") {
  const auto types =
      compiled(yaml("{framing: {length: B, counts: after, strip: true}, commands: {a: 'x:B y:str', j: {json: "
                    "{k: ~}}, t: {frame: text}}}"));
  std::vector<std::uint8_t> out{1, 2};
  CHECK_FALSE(pack(*types->find(direction::command, "a"), {{"x", 5}, {"y", "z"}}, out));
  CHECK(out == std::vector<std::uint8_t>{1, 2, 2, 5, 'z'});
  const auto before = out;
  const auto missing = pack(*types->find(direction::command, "a"), {{"x", 5}}, out);
  REQUIRE(missing);
  CHECK(missing->text() == "y at byte 1: the field is missing");
  CHECK(out == before);
  const auto large =
      pack(*types->find(direction::command, "a"), {{"x", 5}, {"y", std::string(255, 'y')}}, out);
  REQUIRE(large);
  CHECK(large->text() == "byte 0: the packet is too long for its length field");
  CHECK(out == before);
  CHECK_FALSE(pack(*types->find(direction::command, "a"), {{"x", 5}, {"y", std::string(254, 'y')}}, out));
  CHECK(out.size() == before.size() + 256);
  CHECK(pack(*types->find(direction::command, "j"), nullptr, out));
  CHECK_FALSE(pack(*types->find(direction::command, "j"), {{"k", 1}}, out));
  CHECK(out.size() == before.size() + 256 + 8);
}

// Offsets count from the message's begin, and an error leaves what was written before alone.
TEST_CASE("errors of a later packet have their place in the message") {
  const auto types = compiled(yaml(
      "{framing: {length: B, counts: after, strip: true}, replies: [{as: r, layout: 'x:B y:B=1 z:str'}]}"));
  const std::vector<std::uint8_t> bytes{2, 5, 1, 3, 6, 2, 7};
  packet_reader reader(types, direction::reply);
  packet found = first(types, reader, bytes);
  CHECK(found.offset == 1);
  CHECK(found.frame.bytes.size() == 2);
  codec_error error;
  CHECK(check(found, error));
  REQUIRE(reader.next(found));
  CHECK(found.offset == 4);
  CHECK(found.frame.bytes.size() == 3);
  REQUIRE(found.type != nullptr);
  CHECK_FALSE(check(found, error));
  CHECK(error.text() == "y at byte 5: expected 1, found 2");
  std::string text = "before";
  error = {};
  CHECK_FALSE(write_json(found, text, error));
  CHECK(error.text() == "y at byte 5: expected 1, found 2");
  CHECK(text == "before");
  ordered_json value = 7;
  const auto failed = read_json(found, value);
  REQUIRE(failed);
  CHECK(failed->text() == "y at byte 5: expected 1, found 2");
  CHECK(value == 7);
  CHECK_FALSE(reader.next(found));
}

// A message without layout is read by the same functions.
TEST_CASE("text messages without layout") {
  const auto types = compiled(yaml("{replies: [{as: r, frame: text, json: [{type: 3}, id]}]}"));
  const std::string good = R"([3, "x"])";
  const std::string bad = R"([4, "x"])";
  const message_type& type = *types->find(direction::reply, "r");
  const auto as_packet = [&](const std::string& text) {
    packet out;
    out.type = &type;
    out.frame = {frame_kind::text, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}};
    out.offset = 10;
    return out;
  };
  codec_error error;
  CHECK(check(as_packet(good), error));
  CHECK_FALSE(check(as_packet(bad), error));
  CHECK(error.text() == "type at byte 10: expected 3, found 4");
  std::string text = "before ";
  CHECK_FALSE(write_json(as_packet(good), text));
  CHECK(text == R"(before {"type":3,"id":"x"})");
  const auto failed = write_json(as_packet(bad), text);
  REQUIRE(failed);
  CHECK(failed->text() == "type at byte 10: expected 3, found 4");
  CHECK(text == R"(before {"type":3,"id":"x"})");
  ordered_json value;
  CHECK_FALSE(read_json(as_packet(good), value));
  CHECK(value == ordered_json{{"type", 3}, {"id", "x"}});
  const auto unread = read_json(as_packet(bad), value);
  REQUIRE(unread);
  CHECK(unread->text() == "type at byte 10: expected 3, found 4");
  const std::vector<std::string> names{"id"};
  pick_visitor pick(names);
  const auto unseen = visit(as_packet(bad), pick);
  REQUIRE(unseen);
  CHECK(unseen->text() == "type at byte 10: expected 3, found 4");
}

// Of a packet only the wanted fields are kept, each as JSON.
TEST_CASE("fields are picked") {
  const auto types =
      compiled(definition("{layout: ['a:B b:q c:rec', {d: {array: 'x:B y:2B', count: 2}}, {e: {type: B, "
                          "none: 0}}, 'f:? g:d h:b64(1) "
                          "i:bytes(1) j:H/10 k:json(:B) x:B l:str'], layouts: {rec: 'a:B l:H[2]'}}"));
  const std::vector<std::uint8_t> bytes = *parse_hex(
      "01ffffffffffffffff"
      "0203000400"
      "010203040506"
      "0001000000000000f83fff0a0f00"
      "035b315d"
      "0968");
  const std::vector<std::string> names{"c", "d", "l", "missing", "b", "a", "e", "f", "g", "h", "i", "j", "k"};
  pick_visitor pick(names);
  packet_reader reader(types, direction::reply);
  const packet found = first(types, reader, bytes);
  CHECK_FALSE(visit(found, pick));
  CHECK(pick.values() == strings{R"({"a":2,"l":[3,4]})", R"([{"x":1,"y":[2,3]},{"x":4,"y":[5,6]}])", R"("h")",
                                 "", "-1", "1", "null", "true", "1.5", R"("/w==")", R"("0a")", "1.5", "[1]"});
}

// An error's path is put together from the inside.
TEST_CASE("paths of errors") {
  codec_error error;
  prefix_path(error, "c");
  CHECK(error.field == "c");
  prefix_path(error, "");
  CHECK(error.field == "c");
  prefix_path(error, "b");
  CHECK(error.field == "b.c");
  prefix_path(error, "[1]");
  CHECK(error.field == "[1].b.c");
  prefix_path(error, "a");
  CHECK(error.field == "a[1].b.c");
}

// The size below which a packet cannot be of a type.
TEST_CASE("the shortest packet of a layout") {
  const auto shortest = [](const std::string& layout) {
    return std::to_string(compiled(definition(layout))->find(direction::reply, "r")->layout.min_size);
  };
  check_pairs(
      {
          {"a:B b:H c:i24 d:d", "14"},
          {"a:varint b:zigzag", "2"},
          {"a:str(3) b:str(:H) c:bytes", "5"},
          {"a:zstr b:zstr(4)", "5"},
          {"a:zstr(0)", "1"},
          {"a:B 3x", "4"},
          {"a:H[3] b:str(:B)[2] c:B[*]", "8"},
          {"a:H[:B] b:B[0]", "1"},
          {"{a: {size: 4, type: 'x:B'}}", "4"},
          {"{a: {size: ':B', type: 'x:B'}}", "1"},
          {"{layout: 'a:rec b:B', layouts: {rec: 'x:H y:I'}}", "7"},
          {"['a:B', {switch: a, cases: {1: 'b:I', 2: 'c:H'}}]", "3"},
          {"['a:B', {switch: a, cases: {1: 'b:I', else: 'c:H'}}]", "3"},
          {"['a:B', {switch: a, cases: {1: 'b:H', else: 'c:I'}}]", "3"},
          {"['a:B', {if: a, then: 'b:H'}]", "1"},
          {"[a:B, {let: {b: a}}, {require: a}, {p: {fill: 4, type: 'x:I'}}]", "1"},
          {"{layout: 'a:B[100] b:B[100]', limits: {packet: 150}}", "150"},
          {"{layout: 'a:H[100]', limits: {packet: 150}}", "150"},
          {"{layout: 'a:B[149] b:B', limits: {packet: 150}}", "150"},
          {"{layout: 'a:H[75]', limits: {packet: 151}}", "150"},
      },
      shortest);
}

// Examples that do not hold say why.
TEST_CASE("what is wrong with an example") {
  const auto messages = [](const std::string& text) {
    std::string out;
    for (const example_result& each : run_examples(compiled(yaml(text))))
      out += each.type + " " + each.path + " " + each.message + "\n";
    return out;
  };
  CHECK(
      messages("{commands: {c: {layout: 'a:H', examples: [{hex: '01 00', values: {a: 1}}, {hex: '0200', "
               "values: {a: 1}},"
               " {hex: '010000', values: {a: 1}}]}}}") ==
      "c protocol.commands.c.examples[0] \n"
      "c protocol.commands.c.examples[1] it unpacks to {\"a\":2}\n"
      "c protocol.commands.c.examples[2] no rule matches it: byte 2: expected the end, found 1 more byte\n");
  CHECK(messages("{replies: [{as: a, when: {size: 1}, layout: 'x:B'}, {as: b, layout: 'y:B z:bytes', "
                 "examples: [{hex: "
                 "'01', values: {y: 1}}, {hex: '0102', values: {y: 1, z: '02'}}]}]}") ==
        "b protocol.replies[1].examples[0] it is recognised as 'a'\n"
        "b protocol.replies[1].examples[1] \n");
  CHECK(messages("{replies: [{as: a, layout: 'x:B y:B?=1 _z:B', examples: [{hex: '010203', values: {x: 1, y: "
                 "2}}, {hex: "
                 "'010203', values: {x: 1, y: 2}, decode_only: true}]}]}") ==
        "a protocol.replies[0].examples[0] packing: _z at byte 2: the field is missing\n"
        "a protocol.replies[0].examples[1] \n");
  CHECK(messages("{replies: [{as: a, layout: 'x:B y:varint', examples: [{hex: '018100', values: {x: 1, y: "
                 "1}}]}]}") ==
        "a protocol.replies[0].examples[0] it packs to 0101 (first difference at byte 1)\n");
  CHECK(messages("{framing: {length: B, mode: stream}, replies: [{as: a, layout: '_n:B x:bytes', examples: "
                 "[{hex: '0201', "
                 "values: {x: '01'}}, {hex: '010102aa', values: {x: '01'}}, {hex: '010102aabb', values: {x: "
                 "'01'}}]}]}") ==
        "a protocol.replies[0].examples[0] the bytes hold no whole packet\n"
        "a protocol.replies[0].examples[1] it packs to 0101 (first difference at byte 2)\n"
        "a protocol.replies[0].examples[2] a second packet starts at byte 2\n");
  CHECK(messages(
            "{replies: [{as: a, frame: text, layout: 'x:str', examples: [{text: hi, values: {x: hi}}]}]}") ==
        "a protocol.replies[0].examples[0] \n");
  CHECK(messages(
            "{replies: [{as: a, layout: 'x:B y:B=1', examples: [{hex: '0102', values: {x: 1, y: 1}}]}]}") ==
        "a protocol.replies[0].examples[0] y at byte 1: expected 1, found 2\n");
}
