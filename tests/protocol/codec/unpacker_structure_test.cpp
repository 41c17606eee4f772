#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol::testing;

// A checksum covers the region up to itself, named fields, or the rest.
TEST_CASE("checksums cover what their rule says") {
  check_rows(
      {
          {"[_a:B, b:H, {sum: {crc: sum8}}]", "01020306", R"({"b":770,"sum":6})"},
          {"[_a:B, b:H, {sum: {crc: sum8}}]", "01020307",
           "! sum at byte 3: checksum 0x6 expected over bytes 0 to 3, found 0x7"},
          {"[_a:B, b:H, {_sum: {crc: sum8}}]", "01020306", R"({"b":770})"},
          {"[_a:B, b:H, {_sum: {crc: sum8}}]", "01020305",
           "! _sum at byte 3: checksum 0x6 expected over bytes 0 to 3, found 0x5"},
          {"{a: B, in: {size: ':B', type: [b:B, {_s: {crc: sum8}}]}}", "01020505", R"({"a":1,"in":{"b":5}})"},
          {"['a:B b:B c:B d:B', {_s: {crc: sum8, over: [b, c]}}]", "0102040806",
           R"({"a":1,"b":2,"c":4,"d":8})"},
          {"['a:B b:B c:B d:B', {_s: {crc: sum8, over: [b, b]}}]", "0102040802",
           R"({"a":1,"b":2,"c":4,"d":8})"},
          {"['a:B b:B c:B d:B', {_s: {crc: sum8, over: [c, b]}}]", "0102040800",
           R"({"a":1,"b":2,"c":4,"d":8})"},
          {"['a:B b:B c:B d:B', {_s: {crc: sum8, over: [d, b]}}]", "0102040800",
           "! _s at byte 4: the checksum covers nothing"},
          {"[{_s: {crc: sum8, over: rest}}, 'a:B b:B']", "030102", R"({"a":1,"b":2})"},
          {"[{_s: {crc: sum8, over: rest}}, 'a:B b:B']", "040102",
           "! _s at byte 0: checksum 0x3 expected over bytes 1 to 3, found 0x4"},
          {"[{in: {size: 3, type: [{_s: {crc: sum8, over: rest}}, 'a:B b:B']}}, c:B]", "03010207",
           R"({"in":{"a":1,"b":2},"c":7})"},
          {"['a:B b:B', {_s: {crc: sum8, extra: a * 256 + b}}]", "010205", R"({"a":1,"b":2})"},
          {"['a:B b:B', {_s: {crc: sum8, extra: a / b}}]", "010001",
           "! _s at byte 3: 'a / b' has no value here: it overflows or divides by zero"},
          {"['a:bytes(2)', {_s: {crc: xor8}}]", "010203", R"({"a":"0102"})"},
          {"['a:bytes(2)', {_s: {crc: xmodem, type: '>H'}}]", "01021373", R"({"a":"0102"})"},
          {"['a:bytes(2)', {_s: {crc: xmodem, type: '>I'}}]", "010200001373", R"({"a":"0102"})"},
          {"['a:bytes(2)', {_s: {crc: xmodem, type: '>I'}}]", "010200011373",
           "! _s at byte 2: checksum 0x1373 expected over bytes 0 to 2, found 0x11373"},
          {"['a:bytes(2)', {_s: {crc: crc32}}]", "010256cc42b6",
           "! _s at byte 2: checksum 0xb6cc4292 expected over bytes 0 to 2, found 0xb642cc56"},
      },
      unpacked);
  check_rows(
      {
          {"[b:H, {sum: {crc: sum8}}]", R"({"b":770})", "020305"},
          {"[b:H, {sum: {crc: sum8}}]", R"({"b":770,"sum":5})", "020305"},
          {"{a: B, in: {size: ':B', type: [b:B, {_s: {crc: sum8}}]}}", R"({"a":1,"in":{"b":5}})", "01020505"},
          {"['a:B b:B c:B d:B', {_s: {crc: sum8, over: [b, c]}}]", R"({"a":1,"b":2,"c":4,"d":8})",
           "0102040806"},
          {"['a:B b:B c:B d:B', {_s: {crc: sum8, over: [b, b]}}]", R"({"a":1,"b":2,"c":4,"d":8})",
           "0102040802"},
          {"['a:B b:B c:B d:B', {_s: {crc: sum8, over: [d, b]}}]", R"({"a":1,"b":2,"c":4,"d":8})",
           "_s at byte 4: the checksum covers nothing"},
          {"[{_s: {crc: sum8, over: rest}}, 'a:B b:B']", R"({"a":1,"b":2})", "030102"},
          {"[{_s: {crc: sum8, over: rest}}, {in: {size: ':B', type: 'a:B'}}, b:B]", R"({"in":{"a":1},"b":2})",
           "04010102"},
          {"[{in: {size: 3, type: [{_s: {crc: sum8, over: rest}}, 'a:B b:B']}}, c:B]",
           R"({"in":{"a":1,"b":2},"c":7})", "03010207"},
          {"['a:B b:B', {_s: {crc: sum8, extra: a * 256 + b}}]", R"({"a":1,"b":2})", "010205"},
          {"['a:B b:B', {_s: {crc: sum8, extra: a / b}}]", R"({"a":1,"b":0})",
           "_s at byte 2: 'a / b' has no value: it overflows or divides by zero"},
          {"['a:B b:B', {_s: {crc: sum8, extra: $size}}]", R"({"a":1,"b":2})", "010206"},
          {"['a:bytes(2)', {_s: {crc: xmodem, type: '>I'}}]", R"({"a":"0102"})", "010200001373"},
          {"['_n:varint a:str(_n) b:B', {_s: {crc: sum8, over: [a, a]}}]", R"({"a":"hi","b":2})",
           "02686902d1"},
      },
      packed_from);
}

// Padded texts lose their zeros, Pascal strings end at their length or their room.
TEST_CASE("texts and bytes unpack") {
  check_rows(
      {
          {"a:4s b:B", "6100620007", R"({"a":"a\u0000b","b":7})"},
          {"a:4s b:B", "0000000007", R"({"a":"","b":7})"},
          {"a:4s", "61626364", R"({"a":"abcd"})"},
          {"a:4s", "616263", "! a at byte 0: expected 4 bytes, found 3"},
          {"a:c", "61", R"({"a":"a"})"},
          {"a:c", "00", R"({"a":"\u0000"})"},
          {"a:4p b:B", "026162ff07", R"({"a":"ab","b":7})"},
          {"a:4p b:B", "0561626307", R"({"a":"abc","b":7})"},
          {"a:4p", "0361626f", R"({"a":"abo"})"},
          {"a:4p", "0461626f", R"({"a":"abo"})"},
          {"a:0p b:B", "07", R"({"a":"","b":7})"},
          {"a:1p b:B", "0507", R"({"a":"","b":7})"},
          {"4p", "0961626f", R"(["abo"])"},
          {"2s", "6100", R"(["6100"])"},
          {"c", "61", R"(["61"])"},
          {"a:bytes(2) b:b64(3) c:b64", "0102010203ff", R"({"a":"0102","b":"AQID","c":"/w=="})"},
          {"a:hex(1) b:bytes(0)", "01", R"({"a":"01","b":""})"},
          {"a:hex", "", R"({"a":""})"},
          {"a:str", "", R"({"a":""})"},
          {"_a:str(1) _b:bytes(1) _c:b64(1) d:B", "61626307", R"({"d":7})"},
          {"_a:str(1) b:B", "ff07", "! _a at byte 0: not UTF-8 (a field of type bytes takes anything)"},
          {"a:bytes=0102", "0102", R"({"a":"0102"})"},
          {"a:bytes(3)=0102", "010200", "! a at byte 0: expected bytes 0102, found 010200"},
          {R"(a:str="hi")", "6868", "! a at byte 0: expected bytes 6869, found 6868"},
          {R"(a:str="hi")", "6869", R"({"a":"hi"})"},
          {R"(a:str(4)="hi")", "68690000", R"({"a":"hi"})"},
          {R"(a:str="0123456789012345678901234567890123")",
           "30313233343536373839303132333435363738393031323334353637383930313234",
           "! a at byte 0: expected bytes 3031323334353637383930313233343536373839303132333435363738393031, "
           "found 3031323334353637383930313233343536373839303132333435363738393031"},
          {R"(a:zstr="")", "6100", "! a at byte 0: expected bytes , found 6100"},
          {R"(a:zstr="")", "00", R"({"a":""})"},
          {R"(a:zstr="ab")", "616200", R"({"a":"ab"})"},
          {R"(a:zstr="ab")", "616300", "! a at byte 0: expected bytes 6162, found 616300"},
          {R"(a:zstr(4)="ab")", "61620000", R"({"a":"ab"})"},
          {R"(a:zstr?="b")", "6100", R"({"a":"a"})"},
          {"{a: {type: str(2), one_of: [ab, cd]}}", "6364", R"({"a":"cd"})"},
          {"{a: {type: str(2), one_of: [ab, cd]}}", "6365", "! a at byte 0: a text that is not allowed here"},
          {"{_a: {type: zstr, one_of: [ab]}}", "616300", "! _a at byte 0: a text that is not allowed here"},
      },
      unpacked);
}

// A zero byte ends the text; with a size it stands within it.
TEST_CASE("texts end at their zero byte") {
  check_rows(
      {
          {"a:zstr b:B", "61620007", R"({"a":"ab","b":7})"},
          {"a:zstr b:B", "0007", R"({"a":"","b":7})"},
          {"a:zstr", "6162", "! a at byte 0: the text has no zero byte at its end"},
          {"a:zstr", "", "! a at byte 0: the text has no zero byte at its end"},
          {"a:zstr(4) b:B", "6162000007", R"({"a":"ab","b":7})"},
          {"a:zstr(4) b:B", "6100ff0007", R"({"a":"a","b":7})"},
          {"a:zstr(4) b:B", "6162636400", "! a at byte 0: the text has no zero byte at its end"},
          {"a:zstr(2)", "6100", R"({"a":"a"})"},
          {"a:zstr(2)", "61", "! a at byte 0: expected 2 bytes, found 1"},
          {"a:zstr(:B) b:B", "0361006207", R"({"a":"a","b":7})"},
          {"{a: {size: 2, type: 'x:zstr'}, b: B}", "61620007",
           "! a.x at byte 0: the text has no zero byte at its end"},
          {"a:zstr", "61ff00", "! a at byte 1: not UTF-8 (a field of type bytes takes anything)"},
          {"a:zstr", "ff6100", "! a at byte 0: not UTF-8 (a field of type bytes takes anything)"},
      },
      unpacked);
}

// JSON, CBOR and MessagePack show as they are; a hidden one is only checked.
TEST_CASE("values within bytes") {
  check_rows(
      {
          {"_a:cbor(2) b:B", "810107", R"({"b":7})"},
          {"_a:cbor(2) b:B", "81ff07", "! _a at byte 1: not CBOR: a malformed value"},
          {"_a:msgpack(4) _b:cbor(4) c:B", "81a16101a161610107", R"({"c":7})"},
          {"_a:msgpack(4) c:B", "81a1610107", R"({"c":7})"},
          {"_a:cbor(4) c:B", "a161610107", R"({"c":7})"},
          {"_a:json(2) b:B", "5b5d07", R"({"b":7})"},
          {"_a:json(3) b:B", "4e614e07", R"({"b":7})"},                 // NaN
          {"a:json(5) b:B", "5b4e614e5d07", R"({"a":["nan"],"b":7})"},  // [NaN]
          {"{layout: '_a:json(3)', json: compact}", "4e614e",
           "! _a at byte 0: not JSON: expected a JSON value"},
          {"_a:json(2) b:B", "5b5b07", "! _a at byte 2: not JSON: the JSON text ends too early"},
          {"a:json(2) b:cbor(1) c:msgpack(1) d:B", "5b5df6c307", R"({"a":[],"b":null,"c":true,"d":7})"},
          {"a:cbor", "83017821", "! a at byte 4: not CBOR: the bytes end too early or go on after the value"},
          {"a:cbor", "f5f4", "! a at byte 1: not CBOR: the bytes end too early or go on after the value"},
          {"a:cbor", "a1616182f93c00f97e00", R"({"a":{"a":[1.0,{"$float":"nan"}]}})"},
          {"a:cbor", "4201ff", R"({"a":{"$bytes":"01ff"}})"},
          {"a:cbor", "61ff", "! a at byte 0: not CBOR: a text that is not UTF-8"},
          {"a:msgpack", "a1ff", "! a at byte 0: not MessagePack: a text that is not UTF-8"},
          {"a:cbor", "c001", "! a at byte 0: not CBOR: a malformed value"},
          {"{layout: a:cbor, limits: {json_depth: 2}}", "818101", R"({"a":[[1]]})"},
          {"{layout: a:cbor, limits: {json_depth: 2}}", "81818101",
           "! a at byte 0: not CBOR: nested too deeply"},
          {"{layout: a:cbor, limits: {json_depth: 2}}", "81a1616101", R"({"a":[{"a":1}]})"},
          {"{layout: a:cbor, limits: {json_depth: 1}}", "81a1616101",
           "! a at byte 0: not CBOR: nested too deeply"},
          {"{layout: a:cbor, limits: {json_depth: 2}}", "8281018101", R"({"a":[[1],[1]]})"},
          {"{layout: a:json, limits: {json_depth: 2}}", "5b5b315d5d", R"({"a":[[1]]})"},
          {"{layout: a:json, limits: {json_depth: 2}}", "5b5b5b315d5d5d",
           "! a at byte 2: not JSON: nested too deeply"},
          {"{layout: 'a:B b:json', limits: {json_depth: 2}}", "07205b312c5d",
           "! b at byte 5: not JSON: expected a JSON value"},
      },
      unpacked);
}

// A size or count must not be negative, must have a value and must fit.
TEST_CASE("sizes and counts are measured") {
  check_rows(
      {
          {"n:b a:bytes(n - 2) b:B", "030107", R"({"n":3,"a":"01","b":7})"},
          {"n:b a:bytes(n - 2) b:B", "0207", R"({"n":2,"a":"","b":7})"},
          {"n:b a:bytes(n - 2) b:B", "0107", "! a at byte 1: its size or count would be -1"},
          {"n:b a:bytes(2 + n) b:B", "01010203ff", R"({"n":1,"a":"010203","b":255})"},
          {"n:b a:bytes(n * 2 + 1)", "01010203", R"({"n":1,"a":"010203"})"},
          {"n:b a:bytes(n * 2 - 1)", "0101", R"({"n":1,"a":"01"})"},
          {"n:B m:B a:bytes(n * m)", "0203010203040506", R"({"n":2,"m":3,"a":"010203040506"})"},
          {"n:B m:B a:bytes(n * m)", "0203010203040506", R"({"n":2,"m":3,"a":"010203040506"})"},
          {"n:B m:B a:bytes(n / m)", "0200",
           "! a at byte 2: 'n / m' has no value here: it overflows or divides by zero"},
          {"n:Q a:bytes(n * 2)", "ffffffffffffffff",
           "! a at byte 8: 'n * 2' has no value here: it overflows or divides by zero"},
          {"n:Q a:bytes(n)", "ffffffffffffffff",
           "! a at byte 8: expected 9223372036854775807 bytes, found 0"},
          {"n:Q a:B[n]", "ffffffffffffffff",
           "! a at byte 8: 9223372036854775807 elements exceed the limit of 100000 in a packet"},
          {"n:b a:B[n]", "ff", "! a at byte 1: its size or count would be -1"},
          {"n:b a:B[n - 1] b:B", "030102ff", R"({"n":3,"a":[1,2],"b":255})"},
          {"a:bytes(3)", "010203", R"({"a":"010203"})"},
          {"a:bytes(3)", "0102", "! a at byte 0: expected 3 bytes, found 2"},
          {"{in: {size: 2, type: 'a:bytes(3)'}, b: B}", "010203",
           "! in.a at byte 0: expected 3 bytes, found 2"},
          {"a:str($rest - 1) b:B", "616207", R"({"a":"ab","b":7})"},
          {"{in: {size: ':B', type: 'a:str($size - 1) b:B'}, c: B}", "0361620709",
           R"({"in":{"a":"ab","b":7},"c":9})"},
          {"a:str(:>H) b:B", "00016107", R"({"a":"a","b":7})"},
          {"a:B[3]", "010203", R"({"a":[1,2,3]})"},
          {"a:B[0] b:B", "07", R"({"a":[],"b":7})"},
          {"a:B[:B]", "020102", R"({"a":[1,2]})"},
          {"a:B[*]", "0102", R"({"a":[1,2]})"},
          {"a:H[*]", "010203", "! a[1] at byte 2: expected 2 bytes, found 1"},
          {"a:str(:B)[2]", "01610162", R"({"a":["a","b"]})"},
          {"a:zstr[*]", "61006200", R"({"a":["a","b"]})"},
      },
      unpacked);
}

// A list that goes on to the end needs elements that take bytes.
TEST_CASE("an element takes bytes") {
  check_rows(
      {
          {"{a: {array: [{let: {b: '1'}}]}}", "01",
           "! a at byte 0: an element takes no bytes, so the list has no end"},
          {"{a: {array: [{let: {b: '1'}}]}}", "", R"({"a":[]})"},
          {"{a: {array: 'x:bytes(0)'}}", "01",
           "! a at byte 0: an element takes no bytes, so the list has no end"},
      },
      unpacked);
}

// A region ends where its size says; what it leaves over is an error unless it says otherwise.
TEST_CASE("regions keep to their bytes") {
  check_rows(
      {
          {"{in: {size: 2, type: 'a:B'}, b: B}", "010207", "! byte 1: expected the end, found 1 more byte"},
          {"{in: {size: 3, type: 'a:B'}, b: B}", "01020307",
           "! byte 1: expected the end, found 2 more bytes"},
          {"{in: {size: 3, type: 'a:B', trailing: drop}, b: B}", "01020307", R"({"in":{"a":1},"b":7})"},
          {"{in: {size: 3, type: 'a:B', trailing: error}, b: B}", "01020307",
           "! byte 1: expected the end, found 2 more bytes"},
          {"{in: {size: 1, type: 'a:H', trailing: drop}, b: B}", "01020307",
           "! in.a at byte 0: expected 2 bytes, found 1"},
          {"[{size: 2, type: 'a:B b:B=$size'}, 'c:B=$size d:B=$rest']", "01020400",
           R"({"a":1,"b":2,"c":4,"d":0})"},
          {"[{size: 2, type: 'a:B b:B=$rest'}, 'c:B=$packet']", "010004",
           "! c at byte 2: expected 3 ($packet), found 4"},
          {"[{size: 2, type: 'a:B b:B=$rest'}, 'c:B=$packet']", "010003", R"({"a":1,"b":0,"c":3})"},
          {"{layout: 'a:B', trailing: keep}", "0102", R"({"a":1,"trailing":"02"})"},
          {"{layout: 'a:B', trailing: keep}", "01", R"({"a":1})"},
          {"{layout: 'a:B', trailing: drop}", "0102", R"({"a":1})"},
          {"{layout: 'a:B', trailing: error}", "0102", "! byte 1: expected the end, found 1 more byte"},
          {"{layout: 'a:B'}", "010203", "! byte 1: expected the end, found 2 more bytes"},
          {"{a: {array: 'x:B', count: ':B', each: B}, b: B}", "020101030203ff07",
           R"({"a":[{"x":1},{"x":2}],"b":7})"},
          {"{a: {array: 'x:B', count: ':B', each: B, trailing: error}, b: B}", "020101030203ff07",
           "! a[1] at byte 5: expected the end, found 2 more bytes"},
          {"{a: {array: {size: ':B', type: 'x:B'}}}", "01010102", R"({"a":[{"x":1},{"x":2}]})"},
      },
      unpacked);
}

// The case of the label is taken, or else; anything but 0 is true.
TEST_CASE("choices follow their expression") {
  check_rows(
      {
          {"['a:B', {if: a, then: 'b:B', else: 'c:B'}]", "0207", R"({"a":2,"b":7})"},
          {"['a:B', {if: a, then: 'b:B', else: 'c:B'}]", "0007", R"({"a":0,"c":7})"},
          {"['a:b', {if: a, then: 'b:B', else: 'c:B'}]", "ff07", R"({"a":-1,"b":7})"},
          {"['a:B', {if: a > 1, then: 'b:B'}]", "0207", R"({"a":2,"b":7})"},
          {"['a:B', {if: a > 1, then: 'b:B'}]", "01", R"({"a":1})"},
          {"['a:B', {if: a / 0, then: 'b:B'}]", "01",
           "! byte 1: 'a / 0' has no value here: it overflows or divides by zero"},
          {"['a:B', {switch: a + 1, cases: {2: 'b:B', else: 'c:B'}}]", "0107", R"({"a":1,"b":7})"},
          {"['a:B', {switch: a + 1, cases: {2: 'b:B', else: 'c:B'}}]", "0207", R"({"a":2,"c":7})"},
          {"['a:B', {switch: a, cases: {2: 'b:B', else: 'c:B'}}]", "0207", R"({"a":2,"b":7})"},
          {"['a:B', {switch: a, cases: {2: 'b:B', 1: 'c:B'}}]", "0107", R"({"a":1,"c":7})"},
          {"['a:B', {switch: a, cases: {2: 'b:B'}}]", "0107",
           "! byte 1: a is 1, and there is no such case; known: 2"},
          {"['a:B', {switch: a * 2, cases: {3: 'b:B', '4, 5': 'c:B'}}]", "0107",
           "! byte 1: a * 2 is 2, and there is no such case; known: 3, 4, 5"},
          {"['a:B', {switch: a / 0, cases: {3: 'b:B'}}]", "0107",
           "! byte 1: 'a / 0' has no value here: it overflows or divides by zero"},
          {"['a:B', {require: a == 1}, b:B]", "0107", R"({"a":1,"b":7})"},
          {"['a:B', {require: a == 1}, b:B]", "0207", "! byte 1: 'a == 1' does not hold"},
          {"['a:B', {require: 5 / a}]", "00",
           "! byte 1: '5 / a' has no value here: it overflows or divides by zero"},
          {"['a:B', {let: {b: {of: a, map: {1: one, 2: 22}, else: many}}}]", "01", R"({"a":1,"b":"one"})"},
          {"['a:B', {let: {b: {of: a, map: {1: one, 2: 22}, else: many}}}]", "02", R"({"a":2,"b":22})"},
          {"['a:B', {let: {b: {of: a, map: {1: one, 2: 22}, else: many}}}]", "03", R"({"a":3,"b":"many"})"},
          {"['a:B', {let: {b: {of: a, map: {1: one, 2: 22}}}}]", "03",
           "! b at byte 1: a is 3, which its map does not have"},
          {"['a:B', {let: {_b: {of: a, map: {1: 10}, else: 20}, c: _b + 1}}]", "01", R"({"a":1,"c":11})"},
          {"['a:B', {let: {_b: {of: a, map: {1: 10}, else: 20}, c: _b + 1}}]", "02", R"({"a":2,"c":21})"},
          {"['a:B', {let: {b: 1 / a}}]", "00",
           "! b at byte 1: '1 / a' has no value here: it overflows or divides by zero"},
          {"['a:B', {let: {b: a, c: b * 2}}]", "05", R"({"a":5,"b":5,"c":10})"},
      },
      unpacked);
}
