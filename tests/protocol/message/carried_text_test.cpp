// Texts whose last character goes on in the next packet of the same type.
#include "protocol/message/message_type.hpp"
#include "protocol/text/foreign_text.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

const char* const terminal =
    "{replies: [{as: out, when: {starts: {hex: '00'}}, layout: ['_op:B=0', {data: {type: str, invalid: "
    "carry}}]}, "
    "{as: err, when: {starts: {hex: '01'}}, layout: ['_op:B=1 n:H', {data: {type: str, invalid: carry}}]}, "
    "{as: other, layout: 'bytes:bytes'}], byte_order: big}";

/// The packets of messages, one after the other, through one reader.
strings through(const std::shared_ptr<const protocol>& types, const strings& messages) {
  packet_reader reader(types, direction::reply);
  strings found;
  for (const std::string& each : messages)
    for (std::string& packet : read(reader, frame_kind::binary, *parse_hex(each))) found.push_back(packet);
  return found;
}

}  // namespace

TEST_CASE("the beginning of a character at the end of a text") {
  const std::pair<const char*, std::size_t> rows[] = {
      {"", 0},       {"61", 0},       {"c3a4", 0},   {"c3", 1},       {"61c3", 1}, {"e2", 1},
      {"e282", 2},   {"e282ac", 0},   {"f09f98", 3}, {"f09f9880", 0}, {"f09f", 2}, {"80", 0},
      {"8080", 0},   {"c0", 0},       {"c1", 0},     {"f5", 0},       {"ff", 0},   {"e080", 0},
      {"e0a0", 2},   {"ed9f", 2},     {"eda0", 0},   {"f08f", 0},     {"f090", 2}, {"f48f", 2},
      {"f490", 0},   {"c3a4c3", 1},   {"e2e2", 1},   {"e2828282", 0}, {"a4c3", 1}, {"f48fbf", 3},
      {"9f9880", 0}, {"f09f6180", 0}, {"e26180", 0}, {"efbf", 2},
  };
  for (const auto& [hex, size] : rows) {
    INFO(hex);
    const auto bytes = *parse_hex(hex);
    CHECK(cut_character({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) == size);
  }
}

TEST_CASE("a character that is cut goes on in the next packet of its type") {
  const auto types = compiled(yaml(terminal));
  CHECK(through(types, {"0061e282", "00ac62"}) == strings{R"(out {"data":"a"})", R"(out {"data":"€b"})"});
  // What comes in between does not matter, and each type has its own.
  CHECK(through(types, {"00f0", "010007c3", "02", "009f", "010008a4", "0098", "0080"}) ==
        strings{R"(out {"data":""})", R"(err {"n":7,"data":""})", R"(other {"bytes":"02"})",
                R"(out {"data":""})", R"(err {"n":8,"data":"ä"})", R"(out {"data":""})",
                R"(out {"data":"😀"})"});
  // What does not go on is replaced, as all that is no text.
  CHECK(
      through(types, {"00e282", "0061", "00ff80", "0062"}) ==
      strings{R"(out {"data":""})", R"(out {"data":"??a"})", R"(out {"data":"??"})", R"(out {"data":"b"})"});
  // One that has no text at all is an error, and keeps what is there.
  CHECK(through(types, {"010007c3", "0100", "010008a4"}) ==
        strings{R"(err {"n":7,"data":""})", "! n at byte 1: expected 2 bytes, found 1",
                R"(err {"n":8,"data":"ä"})"});
}

TEST_CASE("wherever a text is cut, nothing is lost") {
  const auto types = compiled(yaml(terminal));
  const std::string text = "aä€😀\xff z";
  const std::string wanted = "aä€😀? z";
  for (std::size_t first = 0; first <= text.size(); ++first)
    for (std::size_t second = first; second <= text.size(); ++second) {
      strings messages;
      for (const std::string& part :
           {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
        std::string hex = "00";
        append_hex(hex, std::vector<std::uint8_t>(part.begin(), part.end()));
        messages.push_back(hex);
      }
      std::string joined;
      for (const std::string& each : through(types, messages))
        joined += nlohmann::json::parse(each.substr(4))["data"].get<std::string>();
      INFO(first << " " << second);
      CHECK(joined == wanted);
    }
}

TEST_CASE("packets of one message carry texts, too, and live until the next message") {
  const auto types = compiled(yaml(
      "{framing: {length: B, strip: true}, replies: [{as: t, layout: [{a: {type: str, invalid: carry}}]}]}"));
  packet_reader reader(types, direction::reply);
  const auto bytes = *parse_hex(
      "01c3"
      "02a4e2"
      "0282ac");
  reader.begin({frame_kind::binary, bytes});
  std::vector<packet> all;
  for (packet each; reader.next(each);) all.push_back(each);
  std::string text;
  for (const packet& each : all) REQUIRE_FALSE(write_json(each, text));
  CHECK(text == R"({"a":""}{"a":"ä"}{"a":"€"})");
}

TEST_CASE("where a text can be carried") {
  check_pairs(
      {{"[{a: {type: str, invalid: carry}}]", ""},
       {"['op:B _k:bytes(2)=0102', {a: {type: str, invalid: carry}}]", ""},
       {"[{head: {bits: B, fields: {a: 4, b: 4}}}, 3x, {a: {type: str, invalid: carry}}]", ""},
       {"[{a: {type: str, invalid: carry}}, 'b:B']",
        "1:45 nothing can follow 'a', which takes the rest (give 'a' a size, or move 'b' before it)"},
       {"[{a: {type: 'str(4)', invalid: carry}}]",
        "1:40 'invalid' is 'replace', for a text type, or 'carry', for a str that takes the rest (what is "
        "not UTF-8 becomes '?', half of a pair of UTF-16 U+FFFD)"},
       {"[{a: {type: 'str(:B)', invalid: carry}}]",
        "1:9 'invalid: carry' cannot be here: the text is not the last field, or has a size (it is for a str "
        "that takes the rest of a binary packet, behind fields of a fixed size)"},
       {"[{a: {type: zstr, invalid: carry}}]",
        "1:36 'invalid' is 'replace', for a text type, or 'carry', for a str that takes the rest (what is "
        "not UTF-8 becomes '?', half of a pair of UTF-16 U+FFFD)"},
       {"['n:varint', {a: {type: str, invalid: carry}}]",
        "1:9 'invalid: carry' cannot be here: 'n' in front of it has no fixed size, or counts its bytes (it "
        "is for a str that takes the rest of a binary packet, behind fields of a fixed size)"},
       {"['n:str(:B)', {a: {type: str, invalid: carry}}]",
        "1:9 'invalid: carry' cannot be here: 'n' in front of it has no fixed size, or counts its bytes (it "
        "is for a str that takes the rest of a binary packet, behind fields of a fixed size)"},
       {"['_n:H=$size', {a: {type: str, invalid: carry}}]",
        "1:9 'invalid: carry' cannot be here: '_n' in front of it has no fixed size, or counts its bytes (it "
        "is for a str that takes the rest of a binary packet, behind fields of a fixed size)"},
       {"[{sum: {crc: sum8, over: rest}}, {a: {type: str, invalid: carry}}]",
        "1:9 'invalid: carry' cannot be here: 'sum' in front of it has no fixed size, or counts its bytes "
        "(it is for a str that takes the rest of a binary packet, behind fields of a fixed size)"},
       {"[{part: {size: ':B', type: [{a: {type: str, invalid: carry}}]}}]",
        "1:9 'invalid: carry' cannot be here: the text is a part of another field (it is for a str that "
        "takes the rest of a binary packet, behind fields of a fixed size)"}},
      mistakes_in);
  CHECK(
      mistakes_in_protocol("{replies: [{as: r, frame: text, layout: [{a: {type: str, invalid: carry}}]}]}") ==
      "1:41 p.replies[0]: 'invalid: carry' cannot be here: a text frame is whole UTF-8 (it is for a str that "
      "takes the rest of a binary packet, behind fields of a fixed size)");
  CHECK(
      mistakes_in_protocol("{framing: {length: H, counts: all}, replies: [{as: r, layout: ['n:H', {a: {type: "
                           "str, invalid: carry}}]}]}") ==
      "1:63 p.replies[0]: 'invalid: carry' cannot be here: 'n' in front of it has no fixed size, or counts "
      "its bytes (it is for a str that takes the rest of a binary packet, behind fields of a fixed size)");
  CHECK(mistakes_in_protocol(
            "{json: compact, replies: [{as: r, json: {a: ~}, contents: {a: {type: str, invalid: "
            "carry}}}]}") ==
        "1:63 p.replies[0].contents.a: 'invalid: carry' cannot be in the text of a message, which is whole");
}
