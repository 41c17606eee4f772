#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol::testing;

// Native alignment counts from the begin of the region, in both directions; padding is zeros when packing and
// anything when unpacking.
TEST_CASE("alignment counts from the region's begin") {
  check_rows(
      {
          {"@ b:b c:i", "01ffffff02000000", R"({"b":1,"c":2})"},
          {"@ b:b c:h", "01ff0200", R"({"b":1,"c":2})"},
          {"@ c:i b:b", "0200000001", R"({"c":2,"b":1})"},
          {"@ b:b c:i", "01ffff", "! byte 1: expected 3 bytes, found 2"},
          {"@bi", "01ffffff02000000", "[1,2]"},
          {"@bxh", "01ff0200", "[1,2]"},
          {"@ n:n N:N P:P", "010000000000000002000000000000000300000000000000", R"({"n":1,"N":2,"P":3})"},
          {"{a: B, in: {size: ':B', type: '@ b:b c:h'}}", "050401ff0200", R"({"a":5,"in":{"b":1,"c":2}})"},
          {"{a: B, in: {size: 5, type: '@ b:b c:h d:b'}}", "0501ff020007",
           R"({"a":5,"in":{"b":1,"c":2,"d":7}})"},
          {"@ a:b b:2H[2]", "01ff0200030004000500", R"({"a":1,"b":[[2,3],[4,5]]})"},
      },
      unpacked);
  check_rows(
      {
          {"@ b:b c:i", R"({"b":1,"c":2})", "0100000002000000"},
          {"@ b:b c:h", R"({"b":1,"c":2})", "01000200"},
          {"@ c:i b:b", R"({"b":1,"c":2})", "0200000001"},
          {"@bq", "null", "0 at byte 0: a value is missing"},
          {"@ a:b b:q", R"({"a":1,"b":2})", "01000000000000000200000000000000"},
          {"{a: B, in: {size: ':B', type: '@ b:b c:h'}}", R"({"a":5,"in":{"b":1,"c":2}})", "050401000200"},
      },
      packed_from);
}

// Pad bytes mean nothing and must be there.
TEST_CASE("padding takes its bytes") {
  check_rows(
      {
          {"a:B 3x b:B", "01ffffff02", R"({"a":1,"b":2})"},
          {"a:B 3x", "01ffff", "! byte 1: expected 3 bytes, found 2"},
          {"a:B 3x", "01ffffff", R"({"a":1})"},
          {"<x", "00", "{}"},
          {"0x", "", "{}"},
      },
      unpacked);
  check_rows(
      {
          {"a:B 3x b:B", R"({"a":1,"b":2})", "0100000002"},
      },
      packed_from);
}

// A varint has at most as many bytes as its type says, and 64 bits.
TEST_CASE("varints end at their limit") {
  check_rows(
      {
          {"a:varint", "ffffffffffffffffff01", R"({"a":18446744073709551615})"},
          {"a:varint", "ffffffffffffffffff02", "! a at byte 0: a varint of more than 64 bits"},
          {"a:varint", "ffffffffffffffffff81", "! a at byte 0: a varint of more than 64 bits"},
          {"a:varint", "8080", "! a at byte 2: expected 1 byte, found 0"},
          {"a:varint", "", "! a at byte 0: expected 1 byte, found 0"},
          {"a:varint(9)", "ffffffffffffffff7f", R"({"a":9223372036854775807})"},
          {"a:varint(9)", "ffffffffffffffffff01", "! a at byte 0: a varint of more than 9 bytes"},
          {"a:varint(1)", "7f", R"({"a":127})"},
          {"a:varint(1)", "8001", "! a at byte 0: a varint of more than 1 bytes"},
          {"a:zigzag", "ffffffffffffffffff01", R"({"a":-9223372036854775808})"},
          {"a:zigzag", "feffffffffffffffff01", R"({"a":9223372036854775807})"},
          {"a:zigzag(2)", "ff7f", R"({"a":-8192})"},
          {"a:zigzag(2)", "ffff01", "! a at byte 0: a varint of more than 2 bytes"},
      },
      unpacked);
}

// Each width with and without its sign, at the limits.
TEST_CASE("numbers show as what they are") {
  check_rows(
      {
          {"a:b b:B c:i24 d:u24", "80ffffff80ffff80", R"({"a":-128,"b":255,"c":-8323073,"d":8454143})"},
          {"> a:i24 b:u24", "800000800000", R"({"a":-8388608,"b":8388608})"},
          {"> a:i b:I c:q d:Q", "80000000ffffffff8000000000000000ffffffffffffffff",
           R"({"a":-2147483648,"b":4294967295,"c":-9223372036854775808,"d":18446744073709551615})"},
          {"> e:e f:f d:d", "3c01c0490fdb3ff0000000000000",
           R"({"e":1.0009765625,"f":-3.1415927410125732,"d":1.0})"},
          {"e:e f:e g:e", "007c00fc017c", R"({"e":"inf","f":"-inf","g":"nan"})"},
          {"?", "02", "[true]"},
          {"a:? b:B", "0201", R"({"a":true,"b":1})"},
          {"a:?=1", "02", R"({"a":true})"},
          {"a:B b:H", "0102", "! b at byte 1: expected 2 bytes, found 1"},
          {"a:B b:B", "0102", R"({"a":1,"b":2})"},
          {"_a:B _b:d c:B", "01000000000000000003", R"({"c":3})"},
      },
      unpacked);
}

// A field above 2^63 counts as the largest integer in expressions.
TEST_CASE("expressions see numbers") {
  check_rows(
      {
          {"[a:Q, {let: {b: a}}]", "0000000000000080",
           R"({"a":9223372036854775808,"b":9223372036854775807})"},
          {"[a:Q, {let: {b: a}}]", "ffffffffffffff7f",
           R"({"a":9223372036854775807,"b":9223372036854775807})"},
          {"[a:Q, {let: {b: a}}]", "feffffffffffff7f",
           R"({"a":9223372036854775806,"b":9223372036854775806})"},
          {"[a:varint, {let: {b: a}}]", "80808080808080808001",
           R"({"a":9223372036854775808,"b":9223372036854775807})"},
          {"[a:zigzag, {let: {b: a + 1}}]", "03", R"({"a":-2,"b":-1})"},
          {"[a:zigzag, {let: {b: a}}]", "04", R"({"a":2,"b":2})"},
          {"[a:b, {let: {b: a}}]", "ff", R"({"a":-1,"b":-1})"},
          {"['a:?', {let: {b: a + 1}}]", "05", R"({"a":true,"b":2})"},
          {"[a:u24, {let: {b: a}}]", "ffffff", R"({"a":16777215,"b":16777215})"},
      },
      unpacked);
}

// What is fixed or computed is checked when unpacking; a standard value is not.
TEST_CASE("constants are checked") {
  check_rows(
      {
          {"> a:h=-2", "fffe", R"({"a":-2})"},
          {"> a:h=-2", "ffff", "! a at byte 0: expected -2, found -1"},
          {"> a:H=($size - 1) b:B", "000201", R"({"a":2,"b":1})"},
          {"> a:H=($packet - 1) b:B", "000201", R"({"a":2,"b":1})"},
          {"> a:H=$rest b:B", "000101", R"({"a":1,"b":1})"},
          {"> a:H=$rest b:B", "000201", "! a at byte 0: expected 1 ($rest), found 2"},
          {"{a: B, in: {size: ':B', type: 'b:B=$size c:B=$packet'}}", "00020204",
           R"({"a":0,"in":{"b":2,"c":4}})"},
          {"a:B b:B=(a / 0)", "0101",
           "! b at byte 2: 'a / 0' has no value here: it overflows or divides by zero"},
          {"a:B b:B=(a * 2)", "0102", R"({"a":1,"b":2})"},
          {"a:B b:B=(a * 2)", "0103", "! b at byte 1: expected 2 (a * 2), found 3"},
          {"a:B?=5", "06", R"({"a":6})"},
      },
      unpacked);
}

// A scale is exact if finitely many decimals say it, and a double otherwise.
TEST_CASE("scales are exact where decimals are") {
  check_rows(
      {
          {"> a:H/100", "8a33", R"({"a":353.79})"},
          {"> a:h/100", "8a33", R"({"a":-301.57})"},
          {"> a:H*100", "8a33", R"({"a":3537900})"},
          {"> a:Q/10", "ffffffffffffffff", R"({"a":1844674407370955161.5})"},
          {"> a:q/10", "ffffffffffffffff", R"({"a":-0.1})"},
          {"> a:Q*10", "ffffffffffffffff", R"({"a":184467440737095516150})"},
          {"> a:H/4", "0005", R"({"a":1.25})"},
          {"> a:H/3*0.1", "0001", R"({"a":0.03333333333333333})"},
          {"> a:H*0.5", "0005", R"({"a":2.5})"},
          {"> a:H/20", "0005", R"({"a":0.25})"},
          {"> a:H*3/10", "0005", R"({"a":1.5})"},
          {"> a:H*2e3 b:H*2e-3", "00050005", R"({"a":10000,"b":0.01})"},
          {"> a:B-40", "0a", R"({"a":-30})"},
          {"> a:H*0.1-127", "0000", R"({"a":-127})"},
          {"> a:H*0.1-127", "04d2", R"({"a":-3.6})"},
          {"> a:H/100+273.15", "0064", R"({"a":274.15})"},
          {"> a:B*0.5-40.25", "03", R"({"a":-38.75})"},
          {"> a:H*1e-2-1e2", "0001", R"({"a":-99.99})"},
          {"> a:H/3-1", "0001", R"({"a":-0.6666666666666666})"},
          {"> a:Q-1", "0000000000000000", R"({"a":-1})"},
          {"> a:f-1", "41280000", R"({"a":9.5})"},
          {"> a:f/100", "41200000", R"({"a":0.1})"},
          {"> a:f*3/10*0.1", "41200000", R"({"a":0.3})"},
          {"> _d:B a:f/_d", "0441200000", R"({"a":2.5})"},
          {"> _d:B a:f/_d", "0041200000",
           "! a at byte 5: '_d' has no value here: it overflows or divides by zero"},
          {"> _d:B a:H/_d", "0a0019", R"({"a":2.5})"},
          {"> _d:B a:H/_d", "640019", R"({"a":0.25})"},
          {"> _d:B a:H/_d", "030019", R"({"a":8.333333333333334})"},
          {"> _d:B a:H/_d", "000019",
           "! a at byte 3: '_d' has no value here: it overflows or divides by zero"},
          {"> _d:B a:H/_d*0.1", "030019", R"({"a":0.8333333333333334})"},
          {"> _d:q a:H/_d/3", "40000000000000000019",
           "! a at byte 10: '_d' has no value here: it overflows or divides by zero"},
          {"> _d:q a:H/_d/3", "2aaaaaaaaaaaaaaa0019", R"({"a":2.710505431213761e-18})"},
      },
      unpacked);
}

// A time is a text up to the year 9999 and a number beyond it; one text does not run into the next.
TEST_CASE("times show as times") {
  check_rows(
      {
          {"> a:I@s b:I@s", "62ab05a000000000", R"({"a":"2022-06-16T10:27:44Z","b":"1970-01-01T00:00:00Z"})"},
          {"> a:Q@ms b:q@us", "00000181d0d2ea00ffffffffffffffff",
           R"({"a":"2022-07-06T00:04:52.352Z","b":"1969-12-31T23:59:59.999999Z"})"},
          {"> a:q@ns", "0000000000000001", R"({"a":"1970-01-01T00:00:00.000000001Z"})"},
          {"> a:q@s", "0000003afff4417f", R"({"a":"9999-12-31T23:59:59Z"})"},
          {"> a:q@s", "0000003afff44180", R"({"a":253402300800})"},
      },
      unpacked);
}

// A number may mean null, a name or a set of flags.
TEST_CASE("null and names") {
  check_rows(
      {
          {"{a: {type: i, none: -1}, b: {type: B, none: 0}}", "ffffffff01", R"({"a":null,"b":1})"},
          {"{a: {type: i, none: -1}, b: {type: B, none: 0}}", "0100000000", R"({"a":1,"b":null})"},
          {"{a: {type: Q, none: 5}}", "0500000000000000", R"({"a":null})"},
          {"{a: {enum: B, names: {1: one, 2: two}}, b: {enum: b, names: {-1: minus}}}", "02ff",
           R"({"a":"two","b":"minus"})"},
          {"{a: {enum: B, names: {1: one, 2: two}}}", "03", R"({"a":3})"},
          {"{a: {enum: B, names: {1: one, 2: two}, strict: true}}", "02", R"({"a":"two"})"},
          {"{a: {enum: B, names: {1: one, 2: two}, strict: true}}", "03",
           "! a at byte 0: 3 is not one of its names"},
          {"{_a: {enum: B, names: {1: one}, strict: true}}", "03",
           "! _a at byte 0: 3 is not one of its names"},
          {"{a: {enum: B, names: [zero, ~, two]}}", "02", R"({"a":"two"})"},
          {"{a: {enum: B, names: [zero, ~, two]}}", "01", R"({"a":1})"},
          {"{a: {enum: B, names: {1: one}, value: one}}", "01", R"({"a":"one"})"},
          {"{a: {enum: B, names: {1: one}, value: one}}", "02", "! a at byte 0: expected 1, found 2"},
          {"{a: {enum: B, names: {1: one}, value: 2}}", "02", R"({"a":2})"},
          {"{a: {enum: B, names: {1: one}, default: one}}", "02", R"({"a":2})"},
          {"{a: {flags: B, names: {0: x, 7: y}}}", "81", R"({"a":["x","y"]})"},
          {"{a: {flags: B, names: {7: y, 0: x}}}", "81", R"({"a":["y","x"]})"},
          {"{a: {flags: B, names: {0: x, 7: y}}}", "c6", R"({"a":["y",2,4,64]})"},
          {"{a: {flags: B, names: {0: x}}}", "00", R"({"a":[]})"},
          {"{a: {flags: Q, names: {63: top}}}", "0100000000000080", R"({"a":["top",1]})"},
          {"{a: {flags: Q, names: {0: low}}}", "0100000000000080", R"({"a":["low",9223372036854775808]})"},
          {"{a: {flags: varint, names: {63: top}}}", "80808080808080808001", R"({"a":["top"]})"},
      },
      unpacked);
}

// Bit fields are read from the most significant bit down.
TEST_CASE("bit fields at their limits") {
  check_rows(
      {
          {"{h: {bits: Q, fields: {a: 64}}}", "ffffffffffffff7f", R"({"h":{"a":9223372036854775807}})"},
          {"{h: {bits: Q, fields: {a: 63, b: 1}}}", "feffffffffffffff",
           R"({"h":{"a":9223372036854775807,"b":0}})"},
          {"{h: {bits: '>Q', fields: {a: 1, b: 63}}}", "8000000000000001", R"({"h":{"a":1,"b":1}})"},
          {"{h: {bits: B, fields: {a: 4, b: 3, c: '?'}}}", "f5", R"({"h":{"a":15,"b":2,"c":true}})"},
          {"{h: {bits: B, fields: {a: 4, b: 3, c: '?'}}}", "8e", R"({"h":{"a":8,"b":7,"c":false}})"},
          {"{h: {bits: u24, fields: {a: 20, b: 4}}}", "2143f5", R"({"h":{"a":1004594,"b":1}})"},
          {"{h: {bits: B, fields: {a: '4=3', b: 4}}}", "35", R"({"h":{"a":3,"b":5}})"},
          {"{h: {bits: B, fields: {a: '4=3', b: 4}}}", "45", "! h.a at byte 0: expected 3, found 4"},
          {"{h: {bits: B, fields: {a: '4?=3', b: 4}}}", "45", R"({"h":{"a":4,"b":5}})"},
          {"{h: {bits: B, fields: {_a: '4=3', b: 4}}}", "45", "! h._a at byte 0: expected 3, found 4"},
          {"{h: {bits: B, fields: {_a: 4, b: 4}}}", "45", R"({"h":{"b":5}})"},
          {"{_h: {bits: B, fields: {a: 4, b: 4}}, c: B}", "4507", R"({"c":7})"},
          {"{_h: {bits: B, fields: {a: '4=3', b: 4}}, c: B}", "4507",
           "! _h.a at byte 0: expected 3, found 4"},
          {"[{bits: B, fields: {a: 4, _b: 2, c: {bits: 2, names: [zero, one]}}}, c2:B]", "4507",
           R"({"a":4,"c":"one","c2":7})"},
          {"[{bits: B, fields: {a: 4, b: 4}}, {let: {s: a * b}}]", "45", R"({"a":4,"b":5,"s":20})"},
          {"[{h: {bits: B, fields: {a: 4, b: 4}}}, 'x:str(h.a)']", "2f6869",
           R"({"h":{"a":2,"b":15},"x":"hi"})"},
          {"{h: {bits: H, fields: {a: 16}}}", "01", "! h at byte 0: expected 2 bytes, found 1"},
      },
      unpacked);
}
