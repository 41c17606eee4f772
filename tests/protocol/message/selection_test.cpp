#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

// The replies' names, or errors, of a message's packets.
std::string names(const std::string& definition, const std::string& hex, frame_kind kind = frame_kind::binary,
                  direction way = direction::reply) {
  packet_reader reader(compiled(yaml(definition)), way);
  const std::vector<std::uint8_t> bytes = *parse_hex(hex);
  reader.begin({kind, bytes});
  std::string out;
  packet found;
  while (reader.next(found))
    out +=
        (out.empty() ? "" : " ") + (found.type != nullptr ? name_of(*found.type) : "! " + found.error.text());
  return out;
}
std::string text_names(const std::string& definition, const std::string& text) {
  std::string hex;
  append_hex(hex, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return names(definition, hex, frame_kind::text);
}
std::string command_names(const std::string& definition, const std::string& hex) {
  return names(definition, hex, frame_kind::binary, direction::command);
}

// A reply "a" with this condition, and "rest", which takes what is left.
std::string when(const std::string& condition, const std::string& hex) {
  return names(
      "{replies: [{as: a, when: " + condition + ", layout: 'x:bytes'}, {as: rest, layout: 'x:bytes'}]}", hex);
}
std::string when_text(const std::string& condition, const std::string& text) {
  return text_names("{replies: [{as: a, frame: text, when: " + condition + "}, {as: rest, frame: text}]}",
                    text);
}

}  // namespace

// Sizes are compared with both bounds, the bounds included.
TEST_CASE("replies are chosen by size") {
  check_rows(
      {
          {"{size: 2}", "01", "rest"},
          {"{size: 2}", "0102", "a"},
          {"{size: 2}", "010203", "rest"},
          {"{size: 0}", "", "a"},
          {"{size: {min: 2}}", "01", "rest"},
          {"{size: {min: 2}}", "0102", "a"},
          {"{size: {min: 2}}", "010203", "a"},
          {"{size: {max: 2}}", "", "a"},
          {"{size: {max: 2}}", "0102", "a"},
          {"{size: {max: 2}}", "010203", "rest"},
          {"{size: {min: 1, max: 2}}", "", "rest"},
          {"{size: {min: 1, max: 2}}", "01", "a"},
          {"{size: {min: 1, max: 2}}", "0102", "a"},
          {"{size: {min: 1, max: 2}}", "010203", "rest"},
      },
      when);
}

// An opcode stands at its place, in its order, behind its mask; a packet that ends before it has none.
TEST_CASE("replies are chosen by opcode") {
  check_rows(
      {
          {"{opcode: {type: B, is: 5}}", "05", "a"},
          {"{opcode: {type: B, is: 5}}", "06", "rest"},
          {"{opcode: {type: B, is: 5}}", "", "rest"},
          {"{opcode: {type: B, is: 261}}", "05", "rest"},
          {"{opcode: {type: B, is: [5, 6]}}", "06", "a"},
          {"{opcode: {type: B, is: [5, 6]}}", "07", "rest"},
          {"{opcode: {at: 1, type: B, is: 5}}", "0005", "a"},
          {"{opcode: {at: 1, type: B, is: 5}}", "0500", "rest"},
          {"{opcode: {at: 1, type: B, is: 5}}", "05", "rest"},
          {"{opcode: {type: '>H', is: 258}}", "0102", "a"},
          {"{opcode: {type: '<H', is: 258}}", "0201", "a"},
          {"{opcode: {type: '<H', is: 258}}", "02", "rest"},
          {"{opcode: {type: '>u24', is: 65538}}", "010002", "a"},
          {"{opcode: {at: 1, type: '>H', is: 258}}", "000102", "a"},
          {"{opcode: {at: 1, type: '>H', is: 258}}", "0001", "rest"},
          {"{opcode: {type: '>H', mask: 0xff0, is: 0x12}}", "f12f", "a"},
          {"{opcode: {type: '>H', mask: 0xff0, is: 0x12}}", "f13f", "rest"},
          {"{opcode: {type: '>H', mask: 0xff0, is: 0x120}}", "f12f", "rest"},
          {"{opcode: {type: b, is: -1}}", "ff", "a"},
          {"{opcode: {type: b, is: -1}}", "fe", "rest"},
          {"{opcode: {type: i, is: -2}}", "feffffff", "a"},
          {"{opcode: {type: q, is: -1}}", "ffffffffffffffff", "a"},
          {"{opcode: {type: Q, is: 18446744073709551615}}", "ffffffffffffffff", "a"},
          {"{opcode: {type: Q, is: 18446744073709551615}}", "feffffffffffffff", "rest"},
      },
      when);
  const std::string shared =
      "{byte_order: big, opcode: {at: 1, type: H, mask: 0xf000}, replies: [{as: a, when: {opcode: 5}, "
      "layout: "
      "'x:bytes'}, {as: b, when: {opcode: [6, 7]}, layout: 'x:bytes'}, {as: c, when: {opcode: {type: B, is: "
      "1}}, "
      "layout: 'x:bytes'}]}";
  CHECK(names(shared, "005123") == "a");
  CHECK(names(shared, "007123") == "b");
  CHECK(names(shared, "018123") == "c");
  CHECK(names(shared, "028123") == "! byte 0: no reply fits this binary packet of 3 bytes");
}

// A JSON value is compared if it is neither a list nor a map; without `is` it only has to be there.
TEST_CASE("replies are chosen by what JSON says") {
  check_rows(
      {
          {"{json: /t}", R"({"t":null})", "a"},
          {"{json: /t}", R"({"t":{}})", "a"},
          {"{json: /t}", R"({"u":1})", "rest"},
          {"{json: /t, is: x}", R"({"t":"x"})", "a"},
          {"{json: /t, is: x}", R"({"t":"y"})", "rest"},
          {"{json: /t, is: x}", R"({"t":["x"]})", "rest"},
          {"{json: /t, is: x}", R"({"t":{"x":1}})", "rest"},
          {"{json: /t, is: [x, 1, true, ~]}", R"({"t":1})", "a"},
          {"{json: /t, is: [x, 1, true, ~]}", R"({"t":true})", "a"},
          {"{json: /t, is: [x, 1, true, ~]}", R"({"t":null})", "a"},
          {"{json: /t, is: [x, 1, true, ~]}", R"({"t":false})", "rest"},
          {"{json: /t/1, is: 2}", R"({"t":[1,2]})", "a"},
          {"{json: /t/1, is: 2}", R"({"t":[2,1]})", "rest"},
          {"{json: {/t: x, /u: [1, 2]}}", R"({"t":"x","u":2})", "a"},
          {"{json: {/t: x, /u: [1, 2]}}", R"({"t":"x","u":3})", "rest"},
          {"{json: {/t: x, /u: [1, 2]}}", R"({"t":"y","u":2})", "rest"},
          {"{slot: 1, is: 3}", "[1, 3]", "a"},
          {"{slot: 1, is: 3}", "[3, 1]", "rest"},
          {"{slot: 1}", "[3]", "rest"},
          {"{slot: 1}", "[3, []]", "a"},
          {"{starts: '[3'}", "[3]", "a"},
          {"{starts: '[3'}", "[4]", "rest"},
          {"{starts: '[3'}", "[", "rest"},
          {"{starts: '[3', size: 3}", "[3]", "a"},
          {"{starts: '[3', size: 3}", "[33]", "rest"},
          {"{fits: true}", "[3]", "a"},
          {"{fits: true}", "[3", "rest"},
      },
      when_text);
}

// `starts` takes bytes too; `fits` unpacks the packet; `frame` tells text from binary.
TEST_CASE("replies are chosen by bytes, by fit and by frame") {
  CHECK(when("{starts: {hex: '0a0b'}}", "0a0b0c") == "a");
  CHECK(when("{starts: {hex: '0a0b'}}", "0a0c0c") == "rest");
  CHECK(when("{starts: {hex: '0a0b'}, size: {max: 2}}", "0a0b0c") == "rest");
  const std::string fits =
      "{replies: [{as: a, when: {fits: true}, layout: 'x:B y:B=1'}, {as: b, when: {fits: false}, layout: "
      "'x:bytes'}]}";
  CHECK(names(fits, "0001") == "a");
  CHECK(names(fits, "0002") == "b");
  CHECK(names(fits, "00") == "b");
  const std::string frames =
      "{replies: [{as: t, when: {frame: text, starts: h}, layout: 'x:str'}, {as: j, when: {frame: text, "
      "size: 0}}, {as: "
      "b, layout: "
      "'x:str'}]}";
  CHECK(mistakes_in_protocol(frames) == "");
  CHECK(text_names(frames, "hi") == "t");
  CHECK(names(frames, "6869") == "b");
  const std::string told =
      "{replies: [{as: o, when: {starts: x, opcode: {type: B, is: 120}}}, {as: s, when: {starts: y}}, {as: "
      "l, when: "
      "{starts: z}, layout: 'x:str'}, {as: n, frame: binary, when: {starts: w}}, {as: f, when: {frame: "
      "binary, json: /a}}]}";
  CHECK(names(told, "7879") == "o");
  CHECK(text_names(told, "y") == "s");
  CHECK(names(told, "7a") == "l");
  CHECK(names(told, "77") == "n");
  CHECK(names(told, "7b2261223a317d") == "f");
}

// The first reply that matches is taken, and one that is longer than its packet says why it is none.
TEST_CASE("the first that matches is taken") {
  const std::string both =
      "{replies: [{as: a, when: {size: {max: 3}}, layout: 'x:H y:B=1'}, {as: b, layout: 'x:bytes'}]}";
  CHECK(names(both, "000001") == "a");
  CHECK(names(both, "000002") == "a");
  CHECK(names(both, "0000") == "a");  // too short for it
  CHECK(names(both, "00000002") == "b");
  CHECK(names("{replies: [{as: a, when: {size: 1}, layout: 'x:B'}]}", "0000") ==
        "! byte 0: no reply fits this binary packet of 2 bytes");
  CHECK(names("{replies: []}", "00") == "! byte 0: no reply fits this binary packet of 1 bytes");
}

// What an earlier reply takes all of, no later one gets.
TEST_CASE("replies that are never reached are mistakes") {
  const auto told = [](const std::string& first, const std::string& second) {
    return mistakes_in_protocol("{opcode: {at: 0, type: B}, replies: [{as: a, when: " + first +
                                ", layout: 'x:bytes'}, {as: b, when: " + second + ", layout: 'x:bytes'}]}");
  };
  const std::string hint = " (give them different conditions, or put the one with more of them first)";
  const auto [first, second] = GENERATE(Catch::Generators::table<std::string, std::string>({
      {"{opcode: 2}", "{opcode: 2}"},
      {"{opcode: [2, 3]}", "{opcode: 3}"},
      {"{opcode: 2}", "{opcode: 2, size: 4}"},
      {"{size: {min: 4}}", "{size: {min: 5, max: 6}}"},
      {"{starts: {hex: 01}}", "{starts: {hex: 0102}}"},
      {"{opcode: 2}", "{opcode: 2, fits: true}"},
  }));
  INFO(first << " " << second);
  const std::string found = told(first, second);
  INFO(found);
  CHECK(found.find("p.replies[1]: never reached: 'a' before it takes every binary frame of this one" +
                   hint) != std::string::npos);
  for (const auto& [one, other] : {std::pair{"{opcode: 3}", "{opcode: [2, 3]}"},
                                   {"{opcode: 2, size: 4}", "{opcode: 2}"},
                                   {"{opcode: 2}", "{opcode: {at: 1, type: B, is: 2}}"},
                                   {"{opcode: 2, fits: true}", "{opcode: 2}"},
                                   {"{size: {min: 5, max: 6}}", "{size: {min: 4}}"},
                                   {"{starts: {hex: 0102}}", "{starts: {hex: 01}}"}})
    CHECK(told(one, other) == "");
  const auto json = [](const std::string& one, const std::string& other) {
    return mistakes_in_protocol("{replies: [{as: a, when: {json: " + one +
                                "}}, {as: b, when: {json: " + other + "}}]}");
  };
  CHECK_FALSE(json("{/op: 1}", "{/op: 1}").empty());
  CHECK_FALSE(json("/op", "{/op: 1}").empty());
  CHECK(json("{/op: 1}", "{/op: 2}").empty());
  CHECK(json("{/op: 1}", "/op").empty());
  CHECK(json("{/op: 1, /v: 2}", "{/op: 1}").empty());
  const std::string bits = "{opcode: {at: 0, type: B, is: 2, mask: ";
  CHECK(told(bits + "0xf0}}", bits + "0x0f}}").empty());
  CHECK_FALSE(told(bits + "0xf0}}", bits + "0xf0}}").empty());
}

// Commands without conditions are told apart by trying them.
TEST_CASE("commands are tried in the file's order") {
  const std::string commands =
      "{commands: {a: 'x:B=1 y:B', b: 'x:B y:B', c: {when: {size: 3}, layout: 'x:B y:H'}, d: 'x:B y:str', "
      "t: {frame: text}}}";
  CHECK(command_names(commands, "0102") == "a");
  CHECK(command_names(commands, "0202") == "b");
  CHECK(command_names(commands, "010203") == "c");
  CHECK(command_names(commands, "01616263") == "d");
  CHECK(command_names(commands, "01ff6263") == "! byte 0: no command fits this binary packet of 4 bytes");
  CHECK(command_names("{commands: {a: {when: {size: 3}, layout: 'x:B y:str'}}}", "01ff62") == "a");
  CHECK(command_names("{commands: {a: 'x:B=1'}}", "02") == "! x at byte 0: expected 1, found 2");
  CHECK(command_names("{commands: {a: 'x:B=1', b: 'y:B=3'}}", "02") ==
        "! byte 0: no command fits this binary packet of 1 bytes");
  CHECK(command_names("{commands: {a: {when: {size: {max: 2}}, layout: 'x:H y:B'}, b: 'y:bytes'}}", "02") ==
        "! x at byte 0: expected 2 bytes, found 1");
}

// Text messages are not cut; a message that is too small to be cut may have a rule of its own.
TEST_CASE("framing is for binary messages") {
  const std::string framed =
      "{framing: {length: '>H', counts: all}, replies: [{as: beat, when: {size: 1}, layout: 'x:B'}, {as: "
      "none, when: "
      "{size: 0}, layout: ~}, {as: r, layout: '>_n:H x:bytes'}, {as: t, frame: text}]}";
  CHECK(names(framed, "07") == "beat");
  CHECK(names(framed, "") == "none");
  CHECK(names(framed, "00020003aa") == "r r");
  CHECK(names(framed, "000207") == "r ! byte 2: expected a packet's length, found 1 bytes");
  CHECK(names(framed, "0005aa") == "! byte 0: the packet's length says 5 bytes, 3 are left");
  CHECK(text_names(framed, "[]") == "t");
  const auto json = compiled(yaml("{framing: {length: B}, commands: {c: {json: [{k: 1}]}}}"));
  CHECK(packed(*json, "c", nlohmann::ordered_json::object()) == "5b315d");
  const std::string stream =
      "{framing: {length: B, counts: all, mode: stream}, replies: [{as: r, layout: '_n:B x:bytes'}]}";
  CHECK(names(stream, "") == "");
  CHECK(names(stream, "0207") == "r");
  CHECK(names(stream, "020703") == "r");
}

// What a reader said of one packet is gone with the next.
TEST_CASE("each packet starts afresh") {
  const auto types = compiled(
      yaml("{framing: {length: B, counts: all}, replies: [{as: r, when: {size: 2}, layout: '_n:B x:B'}]}"));
  packet_reader reader(types, direction::reply);
  const std::vector<std::uint8_t> bytes = *parse_hex("01020902");
  reader.begin({frame_kind::binary, bytes});
  packet found;
  REQUIRE(reader.next(found));
  CHECK(found.type == nullptr);
  CHECK(found.error.text() == "byte 0: no reply fits this binary packet of 1 bytes");
  REQUIRE(reader.next(found));
  REQUIRE(found.type != nullptr);
  CHECK(found.error.message.empty());
  CHECK(found.offset == 1);
  REQUIRE(reader.next(found));
  CHECK(found.type == nullptr);
  CHECK(found.offset == 3);
  CHECK(found.frame.bytes.size() == 1);
  CHECK(found.error.text() == "byte 3: the packet's length says 2 bytes, 1 are left");
  CHECK_FALSE(reader.next(found));
  CHECK_FALSE(reader.next(found));
}

// A stream's packet that began in an earlier message counts as the begin of this one.
TEST_CASE("offsets in a stream") {
  const auto types =
      compiled(yaml("{framing: {length: varint(2), counts: after, strip: true, mode: stream}, replies: [{as: "
                    "r, layout: 'x:B'}]}"));
  packet_reader reader(types, direction::reply);
  std::vector<std::vector<std::uint8_t>> messages;
  for (const char* hex : {"0105", "02", "0506010701", "08", "028080", "01"})
    messages.push_back(*parse_hex(hex));
  strings found;
  for (const auto& bytes : messages) {
    reader.begin({frame_kind::binary, bytes});
    packet each;
    while (reader.next(each)) {
      std::string json;
      codec_error error = each.error;
      const bool ok = each.type != nullptr && write_json(each, json, error);
      found.push_back(std::to_string(each.offset) + " " + std::to_string(each.frame.bytes.size()) + " " +
                      (ok ? json : error.text()));
    }
  }
  CHECK(found == strings{R"(1 1 {"x":5})", "0 2 byte 1: expected the end, found 1 more byte",
                         R"(3 1 {"x":7})", R"(0 1 {"x":8})",
                         "1 2 byte 2: expected the end, found 1 more byte"});
}
