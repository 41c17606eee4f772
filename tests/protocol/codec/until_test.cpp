// Text that is cut: fields that go on until a text, and numbers in ASCII digits.
#include "protocol/message/message_type.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::string hex_of(std::string_view text) {
  std::string out;
  append_hex(out, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return out;
}

std::string unpacked_text(const std::string& layout, const std::string& text) {
  return unpacked(layout, hex_of(text));
}

/// Packs, and says the bytes as they are; or the error.
std::string packed_text(const std::string& layout, const std::string& json) {
  const std::string out = packed_from(layout, json);
  const auto bytes = parse_hex(out);
  return bytes ? std::string(bytes->begin(), bytes->end()) : out;
}

const char* const nats = R"(_verb:str(until " ")="MSG" subject:str(until " ") sid:decnum(until " ")
  _size:decnum(until "\r\n") data:str(_size) _end:bytes=0d0a)";
const char* const bulk = R"(_mark:1s="$" text:str(:decnum(until "\r\n")) _end:bytes=0d0a)";

}  // namespace

TEST_CASE("a field goes on until a text") {
  check_rows(
      {{R"(a:str(until "\r\n") b:B)", "hi\r\n1", R"({"a":"hi","b":49})"},
       {R"(a:str(until "\r\n") b:str)", "h\ri\n\r\n\r\n", R"({"a":"h\ri\n","b":"\r\n"})"},
       {R"(a:str(until "\r\n"))", "\r\n", R"({"a":""})"},
       {R"(x:B a:str(until "\r\n"))", "1hi\r", R"(! a at byte 1: no "\x0d\x0a" ends it)"},
       {R"(a:str(until ';', 3) b:str)", "abc;d", R"({"a":"abc","b":"d"})"},
       {R"(a:str(until ';', 3) b:str)", "abcd;", R"(! a at byte 0: no ";" behind at most 3 bytes)"},
       {R"(a:str(until ';', 3))", "abc", R"(! a at byte 0: no ";" ends it)"},
       {R"(a:bytes(until "\x00\xff") b:B)", "ab", R"(! a at byte 0: no "\x00\xff" ends it)"},
       {R"(a:json(until "\n") b:str)", "{\"x\": 1}\nrest", R"({"a":{"x":1},"b":"rest"})"},
       {R"(a:str(until ",")[2] b:str)", "x,,y", R"({"a":["x",""],"b":"y"})"},
       {R"(_a:str(until " ")="MSG" b:str)", "MSG x", R"({"b":"x"})"},
       {R"(_a:str(until " ")="MSG" b:str)", "MSH x", "! _a at byte 0: expected bytes 4d5347, found 4d534820"},
       {R"(a:str(until " "))", "\xff ", "! a at byte 0: not UTF-8 (a field of type bytes takes anything)"},
       {nats, "MSG a.b 7 5\r\nhello\r\n", R"({"subject":"a.b","sid":7,"data":"hello"})"},
       {nats, "MSG a.b 7 6\r\nhello\r\n", "! _end at byte 19: expected 2 bytes, found 1"},
       {bulk, "$5\r\nhello\r\n", R"({"text":"hello"})"},
       {bulk, "$-1\r\n", "! text at byte 5: its size or count would be -1"}},
      unpacked_text);
  CHECK(unpacked(R"(a:bytes(until "\x00\xff") b:B)", "000000ff07") == R"({"a":"0000","b":7})");
}

TEST_CASE("what is packed can be cut again") {
  check_rows(
      {{R"(a:str(until "\r\n") b:B)", R"({"a":"h\ri\n","b":49})", "h\ri\n\r\n1"},
       {R"(a:str(until "\r\n"))", R"({"a":"h\r"})", "h\r\r\n"},
       {R"(a:str(until "\r\n"))", R"({"a":"h\r\ni"})",
        R"(a at byte 0: it holds "\x0d\x0a", where it would end)"},
       {R"(a:str(until "\n\n"))", R"({"a":"h\n"})",
        R"(a at byte 0: it holds "\x0a\x0a", where it would end)"},
       {R"(a:str(until ';', 3))", R"({"a":"abc"})", "abc;"},
       {R"(a:str(until ';', 3))", R"({"a":"abcd"})", "a at byte 0: 4 bytes, more than the 3 before its end"},
       {R"(a:json(until "\n"))", R"({"a":{"x":"\n"}})", "{\"x\": \"\\n\"}\n"},
       {nats, R"({"subject":"a.b","sid":7,"data":"hello"})", "MSG a.b 7 5\r\nhello\r\n"},
       {nats, R"({"subject":"a b","sid":7,"data":""})",
        R"(subject at byte 4: it holds " ", where it would end)"},
       {bulk, R"({"text":""})", "$0\r\n\r\n"},
       {bulk, R"({"text":"123456789012"})", "$12\r\n123456789012\r\n"}},
      packed_text);
}

TEST_CASE("numbers in digits") {
  check_rows(
      {{"a:decnum", "-12", R"({"a":-12})"},
       {"a:decnum(3) b:hexnum(2)", "0070A", R"({"a":7,"b":10})"},
       {"a:decnum(3)", "07", "! a at byte 0: expected 3 bytes, found 2"},
       {"n:decnum(1) a:decnum(n)", "212", R"({"n":2,"a":12})"},
       {R"(a:decnum(until ","))", "1.5,",
        R"(! a at byte 0: expected an integer from -9223372036854775808 to 9223372036854775807 in decimal digits, found "1.5")"},
       {"a:hexnum", "",
        R"(! a at byte 0: expected an integer from 0 to 18446744073709551615 in hexadecimal digits, found "")"},
       {"a:hexnum", "ffffffffffffffff", R"({"a":18446744073709551615})"},
       {R"(a:decnum(until ",")/100 b:decnum(until ",", 2)@s)", "-1234,60,",
        R"({"a":-12.34,"b":"1970-01-01T00:01:00Z"})"},
       {R"([{a: {type: 'decnum(until ",")', none: -1}}])", "-1,", R"({"a":null})"},
       {R"([{a: {enum: 'decnum(until ",")', names: {10: ten}}}, 'b:str'])", "10,x", R"({"a":"ten","b":"x"})"},
       {R"([{a: {flags: 'hexnum(2)', names: {4: on}}}])", "10", R"({"a":["on"]})"},
       {R"(['_a:decnum(until ",")', {let: {b: '_a * 2'}}])", "-3,", R"({"b":-6})"},
       {R"(a:B[:decnum(2)])", "02AB", R"({"a":[65,66]})"},
       {R"(_a:decnum(2)=7 b:str)", "07x", R"({"b":"x"})"},
       {R"(_a:decnum(2)=7)", "08", "! _a at byte 0: expected 7, found 8"}},
      unpacked_text);
  check_rows(
      {{"a:decnum", R"({"a":-12})", "-12"},
       {"a:decnum(3) b:hexnum(2)", R"({"a":7,"b":10})", "0070a"},
       {"a:decnum(3)", R"({"a":-99})", "-99"},
       {"a:decnum(3)", R"({"a":-100})", "a at byte 0: -100 needs more than 3 digits"},
       {R"(a:decnum(until ",", 2))", R"({"a":100})", "a at byte 0: 100 needs more than 2 digits"},
       {"a:hexnum", R"({"a":-1})",
        "a at byte 0: expected an integer from 0 to 18446744073709551615, found -1"},
       {"n:decnum(1) a:decnum(n)", R"({"n":3,"a":12})", "3012"},
       {"_a:decnum(1) b:str(_a)", R"({"b":"1234567890"})", "_a at byte 0: 10 needs more than 1 digits"},
       {"_n:decnum(until ',') _m:decnum(until ',') a:str(_n) b:str(_m)", R"({"a":"12345678901","b":"x"})",
        "11,1,12345678901x"},
       {"_all:decnum(3) _n:decnum(until ',') a:str(_n)", R"({"_all":9,"a":"x"})", "0091,x"},
       {"{layout: [{r: {size: ':decnum(2)', type: 'a:decnum(until \",\") b:str(:decnum(until \" \"))'}}]}",
        R"({"r":{"a":1,"b":"1234567890"}})", "151,10 1234567890"},
       {R"(_a:decnum(2)=7 b:decnum(until ' ')?=-1)", "{}", "07-1 "}},
      packed_text);
  CHECK(packed_text("n:B a:decnum(n)", R"({"n":64,"a":12})") == "@" + std::string(62, '0') + "12");
  CHECK(packed_text("n:B a:decnum(n)", R"({"n":65,"a":12})") ==
        "a at byte 1: " + std::string(63, '0') + "12 needs more than 64 digits");
}

TEST_CASE("mistakes of what goes on until a text") {
  check_pairs(
      {{"a:until(';')",
        R"(1:12 unknown type 'until' (what ends it stands behind the type: str(until "\r\n")))"},
       {"a:B(until ';')", "1:20 'B' has its own size (for a list write [count])"},
       {"a:2H(until ';')", "1:21 '2H' has its own size"},
       {"a:varint(until ';')", "1:25 'varint' has its own size (for a list write [count])"},
       {"a:zstr(until ';')", "1:23 'zstr' has its own end (str, bytes, b64 or json)"},
       {"a:4s(until ';')", "1:21 '4s' has its own end (str, bytes, b64 or json)"},
       {"a:cbor(until ';')", "1:23 'cbor' may hold what ends it (give it a size)"},
       {"a:json(until ';')", R"(1:23 JSON may hold what ends it (a control character, such as \n))"},
       {"a:str(until ';')='x;'", "1:27 the value holds what ends it"},
       {"a:decnum(until '0')", "1:25 digits cannot go on until another digit or a sign"},
       {"a:decnum(until 'a')", ""},
       {"a:hexnum(until 'a')", "1:25 digits cannot go on until another digit or a sign"},
       {"a:decnum(64)", ""},
       {"a:decnum(65)", "1:19 a number has 1 to 64 digits"},
       {"a:decnum(0)", "1:19 a number has 1 to 64 digits"},
       {"a:decnum b:B",
        "1:19 nothing can follow 'a', which takes the rest (give 'a' a size, or move 'b' before it)"},
       {"a:decnum(2)=100", "1:22 100 does not fit 'decnum'"},
       {"a:decnum(3)=-100", "1:22 -100 does not fit 'decnum'"},
       {"a:hexnum(3)=-1", "1:22 -1 does not fit 'hexnum'"},
       {"a:decnum(3)=$size",
        R"(1:22 digits cannot be computed (a size comes by itself: _len:decnum(until "\r\n") data:bytes(_len)))"},
       {"a:str(:decnum)", R"(1:17 'decnum' needs an end (such as (:decnum(until "\r\n")) or (:decnum(4))))"},
       {"a:str(:decnum(:B))",
        R"(1:17 'decnum' needs an end (such as (:decnum(until "\r\n")) or (:decnum(4))))"},
       {"[{a: {enum: decnum, names: [x]}}]",
        R"(1:21 'decnum' needs an end here (such as decnum(until "\r\n") or decnum(4)))"},
       {"{layout: 'a:part(until \";\")', layouts: {part: 'x:str'}}",
        "1:24 the layout 'part' cannot go on until a text (only texts, bytes and numbers in digits can)"}},
      mistakes_in);
  CHECK(mistakes_in_protocol("{layouts: {decnum: 'x:B'}}") ==
        "1:12 p.layouts.decnum: 'decnum' is already the name of a type");
}

// For people, and for whoever makes values up.
TEST_CASE("a table of bytes says what ends a field") {
  const auto types = compiled(definition(R"(a:str(until "\r\n") b:decnum(3) c:hexnum(until " ") d:decnum)"));
  const message_type& type = *types->find(direction::command, "c");
  CHECK(byte_table(type) ==
        "command c (binary)\n"
        "offset   bytes  field\n"
        "     0          a: text, up to \"\\x0d\\x0a\"\n"
        "     …       3  b: digits\n"
        "     …          c: hex digits, up to \" \"\n"
        "     …  the rest  d: digits\n"
        "packs what it unpacks\n");
  CHECK(packed(*types, "c", example_values(type)) == hex_of("\r\n0000 0"));
  CHECK(type.layout.min_size == 8);
}
