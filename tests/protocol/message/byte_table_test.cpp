#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

// The table of a layout, without its two lines of heading.
std::string table_of(const node& layout, std::vector<std::pair<std::string, node>> more = {}) {
  if (std::none_of(more.begin(), more.end(), [](const auto& each) { return each.first == "byte_order"; }))
    more.emplace_back("byte_order", text("big"));
  const auto types = with_layout(layout, std::move(more));
  const std::string out = byte_table(*types->find(direction::reply, "r"));
  const std::string heading = "reply r (binary)\noffset   bytes  field\n";
  CHECK(out.substr(0, heading.size()) == heading);
  return out.substr(heading.size());
}

const std::string whole = "packs what it unpacks\n";

}  // namespace

TEST_CASE("the table of numbers") {
  CHECK(table_of(text("a:b b:B c:h d:<H e:i24 f:u24 g:i h:I i:q j:Q k:e l:f m:d n:? o:varint p:varint(4) "
                      "q:zigzag r:B")) ==
        "     0       1  a: i8\n"
        "     1       1  b: u8\n"
        "     2       2  c: i16, big-endian\n"
        "     4       2  d: u16, little-endian\n"
        "     6       3  e: i24, big-endian\n"
        "     9       3  f: u24, big-endian\n"
        "    12       4  g: i32, big-endian\n"
        "    16       4  h: u32, big-endian\n"
        "    20       8  i: i64, big-endian\n"
        "    28       8  j: u64, big-endian\n"
        "    36       2  k: f16, big-endian\n"
        "    38       4  l: f32, big-endian\n"
        "    42       8  m: f64, big-endian\n"
        "    50       1  n: bool\n"
        "    51    1-10  o: varint\n"
        "     …     1-4  p: varint\n"
        "     …    1-10  q: zigzag\n"
        "     …       1  r: u8\n" +
            whole);
}

TEST_CASE("the table tells where numbers come from") {
  CHECK(table_of(list({text("op:B=5 _size:H=$size mode:B?=7 _n:B name:str(_n) tags:B[:H]"),
                       text("price:i/100 at:I@s"),
                       map({{"state", map({{"enum", text("B")}, {"names", map({{"1", text("on")}})}})}}),
                       map({{"marks", map({{"flags", text("H")}, {"names", list({text("a")})}})}}),
                       map({{"_sum", map({{"crc", text("crc32")}})}})})) ==
        "     0       1  op: u8, always 5\n"
        "     1       2  _size: u16, big-endian, always $size\n"
        "     3       1  mode: u8, 7 if not given\n"
        "     4       1  _n: u8, derived when packing\n"
        "     5      _n  name: text\n"
        "     …       2  u16, big-endian, length or count of what follows\n"
        "     …          tags: a list of as many as said\n"
        "     …       1    u8\n"
        "     …       4  price: i32, big-endian, scaled\n"
        "     …       4  at: u32, big-endian, a time\n"
        "     …       1  state: u8, by name\n"
        "     …       2  marks: u16, big-endian, by name\n"
        "     …       4  _sum: u32, big-endian, a checksum\n" +
            whole);
}

TEST_CASE("the table of texts and bytes") {
  CHECK(
      table_of(text("a:10s b:str(3) c:p d:5p e:bytes(2) f:b64(2) g:zstr(8) h:json(4) i:cbor(4) j:msgpack(4) "
                    "_k:2s=\"hi\" l:zstr m:str(:B) n:bytes")) ==
      "     0      10  a: text, zero-padded\n"
      "    10       3  b: text, zero-padded\n"
      "    13       1  c: text after its length byte\n"
      "    14       5  d: text after its length byte\n"
      "    19       2  e: bytes\n"
      "    21       2  f: bytes, base64 in JSON\n"
      "    23       8  g: text up to a zero byte\n"
      "    31       4  h: JSON\n"
      "    35       4  i: CBOR\n"
      "    39       4  j: MessagePack\n"
      "    43       2  _k: text, zero-padded, constant\n"
      "    45          l: text up to a zero byte\n"
      "     …       1  u8, length or count of what follows\n"
      "     …  as many as said  m: text\n"
      "     …  the rest  n: bytes\n" +
          whole);
}

TEST_CASE("the table names what packing must be told") {
  CHECK(table_of(text("_a:B b:B _c:2s _d:zstr _e:B=1 _f:2s=\"xy\"")) ==
        "     0       1  _a: u8\n"
        "     1       1  b: u8\n"
        "     2       2  _c: text, zero-padded\n"
        "     4          _d: text up to a zero byte\n"
        "     …       1  _e: u8, always 1\n"
        "     …       2  _f: text, zero-padded, constant\n"
        "packing also needs what unpacking leaves out: _a, _c, _d\n");
}

TEST_CASE("the table of bit fields") {
  CHECK(table_of(list(
            {map({{"head",
                   map({{"bits", text("B")},
                        {"fields", map({{"type", text("4=3")}, {"dup", text("?")}, {"_x", text("3")}})}})}}),
             map({{"bits", text("H")}, {"fields", map({{"_", text("12=0")}, {"low", text("4")}})}}),
             text("z:B")})) ==
        "     0       1  head: u8\n"
        "     0            type: bits 7 to 4\n"
        "     0            dup: bits 3 to 3\n"
        "     0            _x: bits 2 to 0\n"
        "     1       2  u16, big-endian\n"
        "     1            _: bits 15 to 4\n"
        "     1            low: bits 3 to 0\n"
        "     3       1  z: u8\n"
        "packing also needs what unpacking leaves out: _x\n");
}

TEST_CASE("the table of structures") {
  CHECK(
      table_of(
          list({text("op:B n:B 3x"), text("@ p:I q:b r:Q"), text("at:point more:point[n] all:point[2]"),
                map({{"require", text("op < 3")}}), map({{"let", map({{"twice", text("op * 2")}})}}),
                map({{"part", map({{"size", text("n")}, {"type", text("point")}})}}), text("rest:point[*]")}),
          {{"layouts", map({{"point", text("x:b y:b")}})}}) ==
      "     0       1  op: u8\n"
      "     1       1  n: u8, derived when packing\n"
      "     2       3  padding\n"
      "     5          padding up to a multiple of 4\n"
      "     8       4  p: u32, little-endian\n"
      "    12       1  q: i8\n"
      "    13          padding up to a multiple of 8\n"
      "    16       8  r: u64, little-endian\n"
      "    24          at: a map\n"
      "    24       1    x: i8\n"
      "    25       1    y: i8\n"
      "    26          more: a list of n\n"
      "    26       1    x: i8\n"
      "    27       1    y: i8\n"
      "     …          all: a list of 2\n"
      "     …       1    x: i8\n"
      "     …       1    y: i8\n"
      "     …          requires op < 3\n"
      "     …          twice: computed from op * 2\n"
      "     …          within n bytes\n"
      "     …          part: a map\n"
      "     …       1    x: i8\n"
      "     …       1    y: i8\n"
      "     …          rest: a list of what the rest holds\n"
      "     …       1    x: i8\n"
      "     …       1    y: i8\n" +
          whole);
}

TEST_CASE("the table of numbers that are aligned already") {
  CHECK(table_of(text("@ a:I b:I c:Q d:b e:h")) ==
        "     0          padding up to a multiple of 4\n"
        "     0       4  a: u32, little-endian\n"
        "     4          padding up to a multiple of 4\n"
        "     4       4  b: u32, little-endian\n"
        "     8          padding up to a multiple of 8\n"
        "     8       8  c: u64, little-endian\n"
        "    16       1  d: i8\n"
        "    17          padding up to a multiple of 2\n"
        "    18       2  e: i16, little-endian\n" +
            whole);
}

TEST_CASE("the table of choices") {
  CHECK(table_of(list({text("op:B"),
                       map({{"switch", text("op")},
                            {"cases", map({{"1", text("a:H")},
                                           {"2, 3", text("b:B c:B")},
                                           {"4", nothing()},
                                           {"else", text("d:I")}})}}),
                       text("e:B")})) ==
        "     0       1  op: u8\n"
        "     1          if op is 1\n"
        "     1       2    a: u16, big-endian\n"
        "     1          if op is 2\n"
        "     1       1    b: u8\n"
        "     2       1    c: u8\n"
        "     1          if op is 3\n"
        "     1            the same\n"
        "     1          if op is 4\n"
        "     1          else\n"
        "     1       4    d: u32, big-endian\n"
        "     …       1  e: u8\n" +
            whole);
  CHECK(table_of(list({text("op:B"), map({{"switch", text("op")}, {"cases", map({{"1, 2", nothing()}})}}),
                       map({{"if", text("op == 1")}, {"then", text("c:H")}})})) ==
        "     0       1  op: u8\n"
        "     1          if op is 1\n"
        "     1          if op is 2\n"
        "     …          if op == 1\n"
        "     …       2    c: u16, big-endian\n" +
            whole);
  CHECK(table_of(list({text("op:B"),
                       map({{"if", text("op > 1")}, {"then", text("a:H")}, {"else", text("b:B _c:B")}})})) ==
        "     0       1  op: u8\n"
        "     1          if op > 1\n"
        "     1       2    a: u16, big-endian\n"
        "     1          else\n"
        "     1       1    b: u8\n"
        "     2       1    _c: u8\n"
        "packing also needs what unpacking leaves out: _c\n");
}

TEST_CASE("the table of bytes within bytes") {
  const std::vector<std::pair<std::string, node>> layouts{{"layouts", map({{"point", text("x:h y:h")}})}};
  CHECK(
      table_of(list({text("op:B"),
                     map({{"data",
                           map({{"size", integer(9)}, {"inflate", text("zlib")}, {"type", text("point")}})}}),
                     text("end:B")}),
               layouts) ==
      "     0       1  op: u8\n"
      "     1          within 9 bytes\n"
      "     1          data: decompressed, decoded or filled up\n"
      "     …            data: a map\n"
      "     …       2      x: i16, big-endian\n"
      "     …       2      y: i16, big-endian\n"
      "     …       1  end: u8\n" +
          whole);
  CHECK(table_of(
            list({text("op:B"), map({{"in", map({{"inflate", text("zlib")}, {"frames", text("point")}})}})}),
            layouts) ==
        "     0       1  op: u8\n"
        "     1          in: decompressed, decoded or filled up\n"
        "     …            in: packets\n" +
            whole);
}

TEST_CASE("the table of messages without layout") {
  const auto types = compiled(map(
      {{"commands",
        map({{"call", map({{"json", list({map({{"type", integer(2)}}), text("id"), text("more?")})}})},
             {"any", map({{"frame", text("text")}})},
             {"pack", text("a:B")}})},
       {"replies", list({map({{"json", map({{"a", text("x")}, {"b", nothing()}})}, {"as", text("r")}})})}}));
  const auto table = [&](direction way, const char* name) { return byte_table(*types->find(way, name)); };
  CHECK(table(direction::command, "call") ==
        "command call (text)\n"
        "        type: always 2\n"
        "        id: JSON\n"
        "        more: JSON, may be left out\n");
  CHECK(table(direction::command, "any") == "command any (text)\n        the whole text is JSON\n");
  CHECK(table(direction::command, "pack") ==
        "command pack (binary)\noffset   bytes  field\n     0       1  a: u8\n" + whole);
  CHECK(table(direction::reply, "r") == "reply r (text)\n        a: always \"x\"\n        b: JSON\n");
}
