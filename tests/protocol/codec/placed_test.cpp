// Values that are elsewhere in the packet, at an offset that a field says.
#include "protocol/message/message_type.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

const char* const rows =
    "{byte_order: big, layout: ['_n:B', {rows: {array: row, count: _n}}], "
    "layouts: {row: ['_at:H _size:B', {data: {type: 'str(_size)', at: _at}}]}}";
const char* const absent =
    "{byte_order: big, layout: ['_len:B _at:H', {name: {type: 'str(_len)', at: _at, none: 0}}, 'flags:B']}";
const char* const open = "['at:B', {a: {type: zstr, at: at}}, 'b:B']";
const char* const words = "['_at:B', {a: {type: '>H', at: '_at * 4'}}, 'b:B']";
const char* const behind = "['_at:B', {a: {type: '>H', at: '_at + 4'}}, 'b:B']";
const char* const fixed = "['b:B', {a: {type: '>H', at: 4}}]";
const char* const region =
    "['x:B', {part: {size: ':B', type: ['_at:B', {a: {type: zstr, at: _at}}, 'b:B']}}, 'y:B']";
const char* const two = "['_at:B', {a: {type: B, at: _at}}, {b: {type: B, at: _at}}]";
const char* const inner =
    "{layout: ['_at:B', {table: {type: table, at: _at}}], "
    "layouts: {table: ['_name:B k:B', {name: {type: zstr, at: _name}}]}}";
const char* const listed = "['_at:B _n:B', {ids: {array: B, count: _n, at: _at}}]";
const char* const sized = "['_at:B _n:B', {part: {size: _n, type: 'x:B rest:bytes', at: _at}}]";
const char* const last = "[{a: {type: '>H', at: '$size - 2'}}, 'n:B']";
const char* const counted =
    "['_size:B=$size _at:B', {a: {type: zstr, at: _at}}, {sum: {crc: sum8, over: rest}}]";
const char* const kept = "{layout: ['_at:B', {a: {type: B, at: _at}}], trailing: keep}";

std::string compact(std::string hex) {
  std::erase(hex, ' ');
  return hex;
}

}  // namespace

TEST_CASE("an offset says where a value is") {
  check_rows(
      {{rows, "02 0007 02 0009 01 6869 78", R"({"rows":[{"data":"hi"},{"data":"x"}]})"},
       {rows, "02 0008 02 0007 01 78 6869", R"({"rows":[{"data":"hi"},{"data":"x"}]})"},
       {rows, "02 0007 02 0007 01 6869", R"({"rows":[{"data":"hi"},{"data":"h"}]})"},
       {rows, "01 0004 00", R"({"rows":[{"data":""}]})"},
       {rows, "01 0005 00", "! rows[0].data at byte 4: its offset is 5, behind the 4 bytes there are"},
       {rows, "01 0004 01", "! rows[0].data at byte 4: expected 1 byte, found 0"},
       {rows, "01 0004 01 68 00", "! byte 5: expected the end, found 1 more byte"},
       {absent, "00 0000 07", R"({"name":null,"flags":7})"},
       {absent, "02 0004 07 6869", R"({"name":"hi","flags":7})"},
       {open, "02 07 6100", R"({"at":2,"a":"a","b":7})"},
       {words, "01 07 0000 0102", R"({"a":258,"b":7})"},
       {behind, "00 07 0000 0102", R"({"a":258,"b":7})"},
       {fixed, "07 000000 0102", R"({"b":7,"a":258})"},
       {region, "01 05 02 07 61 62 00 09", R"({"x":1,"part":{"a":"ab","b":7},"y":9})"},
       {inner, "01 02 05 6100", R"({"table":{"k":5,"name":"a"}})"},
       {listed, "02 03 010203", R"({"ids":[1,2,3]})"},
       {sized, "02 03 010203", R"({"part":{"x":1,"rest":"0203"}})"},
       {last, "05 0102", R"({"a":258,"n":5})"},
       {kept, "01 05 0708", R"({"a":5,"trailing":"0708"})"},
       {"['at:b', {a: {type: B, at: at}}]", "ff", "! a at byte 1: its offset would be -1"}},
      [](const std::string& layout, const std::string& hex) { return unpacked(layout, compact(hex)); });
}

TEST_CASE("what is elsewhere is packed behind the rest of its region") {
  const std::vector<row> all{
      {rows, R"({"rows":[{"data":"hi"},{"data":"x"}]})", "02 0007 02 0009 01 6869 78"},
      {rows, R"({"rows":[]})", "00"},
      {rows, R"({"rows":[{"_at":8,"data":"hi"},{"data":"x"}]})", "02 0008 02 000a 01 00 6869 78"},
      {absent, R"({"name":null,"flags":7})", "00 0000 07"},
      {absent, R"({"_len":3,"name":null,"flags":7})", "03 0000 07"},
      {absent, R"({"name":"hi","flags":7})", "02 0004 07 6869"},
      {absent, R"({"_at":9,"_len":0,"name":null,"flags":7})",
       "! name at byte 3: it is null, and its offset is not given as 0"},
      {open, R"({"a":"a","b":7})", "02 07 6100"},
      {open, R"({"at":3,"a":"a","b":7})", "03 07 00 6100"},
      {open, R"({"at":1,"a":"a","b":7})",
       "! a at byte 2: it is to be at byte 1, and 2 bytes are taken already"},
      {open, R"({"b":7})", "! a at byte 1: the field is missing"},
      {words, R"({"a":258,"b":7})", "01 07 0000 0102"},
      {behind, R"({"a":258,"b":7})", "00 07 0000 0102"},
      {fixed, R"({"b":7,"a":258})", "07 000000 0102"},
      {region, R"({"x":1,"part":{"a":"ab","b":7},"y":9})", "01 05 02 07 61 62 00 09"},
      {two, R"({"a":1,"b":2})", "! b at byte 3: another field is at the same offset"},
      {two, R"({"_at":1,"a":1,"b":2})",
       "! b at byte 2: it is to be at byte 1, and 2 bytes are taken already"},
      {inner, R"({"table":{"k":5,"name":"a"}})", "01 02 05 6100"},
      {listed, R"({"ids":[1,2,3]})", "02 03 010203"},
      {sized, R"({"part":{"x":1,"rest":"0203"}})", "02 03 010203"},
      {last, R"({"a":258,"n":5})",
       "! a at byte 0: '$size - 2' is not known yet when packing; give the fields in it"},
      {counted, R"({"a":"a"})", "05 03 61 6100"},
      {kept, R"({"a":5,"trailing":"0708"})", "01 05 0708"},
      {"['_n:varint=$size _at:B', {a: {type: B, at: _at}}]", R"({"a":5})",
       "! _n at byte 2: it may grow when its value is known, and offsets count over it; give it"}};
  for (const row& each : all) {
    INFO(each.layout << " | " << each.in);
    const std::string wanted = each.out;
    CHECK(packed_from(each.layout, each.in) ==
          (wanted.starts_with("! ") ? wanted.substr(2) : compact(wanted)));
  }
}

TEST_CASE("mistakes of offsets") {
  check_pairs(
      {{"['at:H', {a: {type: B, at: at}}]", ""},
       {"['a:B', {b: {at: I, price: H}}]", ""},  // two fields
       {"['n:B', {a: {type: str, at: n}}]",
        "1:21 'a' takes the rest, so its end is not known (what is elsewhere in the packet needs a size, or "
        "an end of its own)"},
       {"['n:varint', {a: {type: B, at: n}}]",
        "1:40 an offset needs an integer type of a fixed size (its own bytes would move what it leads to)"},
       {"[{a: {type: B, at: n}}]", "1:28 no field 'n' comes before this"},
       {"['n:B', {a: {type: B, at: [n]}}]",
        "1:35 expected an offset (a field that comes before, such as 'at: offset')"},
       {"['n:B', {size: 2, type: 'x:B', at: n}]",
        "1:44 what is elsewhere in the packet needs a name ([data: {type: …, at: offset}])"},
       {"['n:B', {a: {type: B, at: n, none: x}}]",
        "1:44 expected an integer (beside 'at', 'none' is the offset that means null)"},
       {"['n:B', {a: {type: B, at: n, none: 256}}]",
        "1:44 expected an integer from 0 to 255, found 256 ('none' is the offset on the wire that means "
        "null)"},
       {"['n:B', {a: {type: B, at: 4, none: 0}}]",
        "1:44 'none' needs an offset that is a field, or a field and a constant"},
       {"['n:B', {a: {type: B, at: n}}, {sum: {crc: sum8, over: [n, a]}}]",
        "1:68 'a' is elsewhere in the packet, where no checksum can follow it"}},
      mistakes_in);
}

TEST_CASE("what offsets lead to again and again is bounded") {
  const std::string many =
      "{limits: {inflate: 64}, layout: ['_n:B', {a: {array: row, count: _n}}], "
      "layouts: {row: ['_at:B', {b: {type: 'bytes(16)', at: _at}}]}}";
  const std::string sixteen = "000102030405060708090a0b0c0d0e0f";
  CHECK(unpacked(many, "0405050505" + sixteen).starts_with("{"));
  CHECK(unpacked(many, "050606060606" + sixteen) ==
        "! a[4].b at byte 6: what offsets lead to exceeds the limit of decompressed bytes");
  CHECK(packed_from("{limits: {packet: 64}, layout: [" + std::string(open).substr(1) + "}",
                    R"({"at":65,"a":"","b":1})") ==
        "a at byte 2: it is to be at byte 65, beyond the limit of 64 for a packet");
}

TEST_CASE("what is elsewhere is in the table of bytes") {
  const auto types = compiled(definition(absent));
  const message_type& type = *types->find(direction::command, "c");
  CHECK(byte_table(type) ==
        "command c (binary)\n"
        "offset   bytes  field\n"
        "     0       1  _len: u8, derived when packing\n"
        "     1       2  _at: u16, big-endian, derived when packing\n"
        "     …          name: at byte _at, null if that is 0\n"
        "     …    _len    name: text\n"
        "     3       1  flags: u8\n"
        "packs what it unpacks\n");
  CHECK(packed(*types, "c", example_values(type)) == "00000400");
  CHECK(type.layout.min_size == 4);
}

TEST_CASE("a stream is not cut by a layout whose end is elsewhere") {
  diagnostics out;
  CHECK_FALSE(protocol::compile(yaml("{framing: layouts, replies: [{as: r, layout: ['n:B', {a: {type: B, at: "
                                     "n}}]}]}"),
                                "protocol", out));
  REQUIRE(out.size() == 1);
  CHECK(out[0].message == "framing: layouts cannot tell where 'r' ends: 'a' is elsewhere in the packet");
  // Within a size it is.
  const auto types =
      compiled(yaml("{framing: layouts, replies: [{as: r, layout: [{p: {size: ':B', type: ['n:B', "
                    "{a: {type: B, at: n}}]}}]}]}"));
  CHECK(read(types, "0201070201") == strings{"r {\"p\":{\"n\":1,\"a\":7}}"});
}
