#include "protocol/message/protocol.hpp"

#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

node reference_session() {
  return map({{"byte_order", text("little")},
              {"commands", map({{"to_free", text("opcode:i=0 state:b=0")},
                                {"set_service", text("opcode:i=2 services:json")}})},
              {"replies", list({map({{"layout", text("code:i rest:bytes")}, {"as", text("reply")}})})}});
}

}  // namespace

// The session that the project was made for: its two commands and its reply, byte for byte as Python packs
// them.
TEST_CASE("the reference session packs and unpacks") {
  const auto types = compiled(reference_session());
  CHECK(packed(*types, "to_free", nullptr) == "0000000000");
  CHECK(packed(*types, "set_service", {{"services", {"first", "test"}}}) ==
        "02000000"
        "5b226669727374222c202274657374225d");
  CHECK(packed(*types, "set_service", {{"services", {{"s", "h\u00e9\U0001F600"}}}}) ==
        "02000000"
        "7b2273223a2022685c75303065395c75643833645c7564653030227d");
  CHECK(read(types, "2a000000") == strings{R"(reply {"code":42,"rest":""})"});
  CHECK(read(types, "f9ffffff0102") == strings{R"(reply {"code":-7,"rest":"0102"})"});
  CHECK(read(types, "0000000000", direction::command) == strings{R"(to_free {"opcode":0,"state":0})"});
}

// A reply that is too short keeps its name, and says where it ended.
TEST_CASE("a short reply is named, with the offset") {
  const auto types = compiled(reference_session());
  packet_reader reader(types, direction::reply);
  const std::vector<std::uint8_t> bytes{1, 2, 3};
  reader.begin({frame_kind::binary, bytes});
  packet found;
  REQUIRE(reader.next(found));
  REQUIRE(found.type != nullptr);
  CHECK(name_of(*found.type) == "reply");
  CHECK(read(types, "010203") == strings{"! code at byte 0: expected 4 bytes, found 3"});
  CHECK(read_text(types, "{}") == strings{"! byte 0: no reply fits this text packet of 2 bytes"});
}

// Of a reply that is too short the fields that are there are explained.
TEST_CASE("what is there of a short reply is explained") {
  const auto types =
      compiled(map({{"replies", list({map({{"layout", text("> a:B b:H")}, {"as", text("r")}})})}}));
  packet_reader reader(types, direction::reply);
  const std::vector<std::uint8_t> bytes{1, 2};
  reader.begin({frame_kind::binary, bytes});
  packet found;
  REQUIRE(reader.next(found));
  std::string table;
  const auto error = explain(found, table);
  REQUIRE(error.has_value());
  CHECK(error->text() == "b at byte 1: expected 2 bytes, found 1");
  CHECK(table.find("a = 1") != std::string::npos);
}

// Errors of packing name the field, the value and its range.
TEST_CASE("values that do not fit are refused") {
  const auto types = compiled(map({{"commands", map({{"c", text("< a:B b:h?=5 c:str(:B)")}})}}));
  CHECK(packed(*types, "c", {{"a", 1}, {"c", "xy"}}) ==
        "010500"
        "027879");
  CHECK(packed(*types, "c", {{"a", 256}, {"c", ""}}) ==
        "a at byte 0: expected an integer from 0 to 255, found 256");
  CHECK(packed(*types, "c", {{"a", 1.0}, {"c", ""}}) ==
        "a at byte 0: expected an integer from 0 to 255, found 1.0");
  CHECK(packed(*types, "c", {{"c", ""}}) == "a at byte 0: the field is missing");
  CHECK(packed(*types, "c", {{"a", 1}, {"c", ""}, {"d", 1}}) ==
        "d at byte 4: there is no such field; did you mean 'a'?");
  CHECK(packed(*types, "c", {{"a", 1}, {"c", std::string(256, 'x')}}) ==
        "c at byte 3: expected an integer from 0 to 255, found 256");
}

// Text replies need no layout: a field, a slot or the first characters name them.
TEST_CASE("text replies are named by field, slot and leading characters") {
  const auto types = compiled(
      map({{"replies",
            list({
                map({{"when", map({{"frame", text("text")}, {"json", text("/type")}, {"is", text("order")}})},
                     {"as", text("order")}}),
                map({{"when", map({{"slot", integer(0)}, {"is", integer(3)}})},
                     {"json", list({map({{"type", integer(3)}}), text("id"), text("payload")})},
                     {"as", text("result")}}),
                map({{"when", map({{"starts", text("42")}})},
                     {"frame", text("text")},
                     {"layout", text("_type:2s=\"42\" data:json")},
                     {"as", text("event")}}),
            })}}));
  CHECK(read_text(types, R"({"a": [1], "type": "order"})") == strings{R"(order {"a":[1],"type":"order"})"});
  CHECK(read_text(types, R"([3, "x", {"ok": true}])") ==
        strings{R"(result {"type":3,"id":"x","payload":{"ok":true}})"});
  CHECK(read_text(types, R"(42["ev",{"a":1}])") == strings{R"(event {"data":["ev",{"a":1}]})"});
  CHECK(read_text(types, R"(42["ev",])") == strings{"! data at byte 8: not JSON: expected a JSON value"});
  CHECK(read_text(types, "5") == strings{"! byte 0: no reply fits this text packet of 1 bytes"});
}

// Mistakes in the notation point at the token, and come with advice.
TEST_CASE("mistakes are found when the configuration is loaded") {
  const auto mistake = [](const std::string& line) {
    diagnostics out;
    CHECK(protocol::compile(map({{"commands", map({{"c", text(line)}})}}), "p", out) == nullptr);
    REQUIRE_FALSE(out.empty());
    return std::to_string(out[0].where.column) + " " + out[0].path + ": " + out[0].message +
           (out[0].hint.empty() ? "" : " (" + out[0].hint + ")");
  };
  CHECK(mistake("a:i b:strr") == "16 p.commands.c: unknown type 'strr' (did you mean 'str'?)");
  CHECK(mistake("a:i a:i") == "14 p.commands.c: 'a' is already defined (names in a map must be unique)");
  CHECK(mistake("a:str b:i") ==
        "16 p.commands.c: nothing can follow 'a', which takes the rest (give 'a' a size, or move 'b' before "
        "it)");
  CHECK(mistake("len:B a:str(lem)")
            .starts_with("22 p.commands.c: no field 'lem' comes before this; did you mean 'len'?"));
  CHECK(mistake("a:B=300") == "14 p.commands.c: 300 does not fit 'B'");
  CHECK(mistake("a:i i") == "14 p.commands.c: 'i' has no name beside named fields (write name:i)");
}
