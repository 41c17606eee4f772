#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol::testing;

// Zeros at the end are cut off, but never the first byte.
TEST_CASE("fill cuts zeros off") {
  check_rows(
      {
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H'}}]}", R"({"a":1,"p":{"x":1,"y":0}})", "0101"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H'}}]}", R"({"a":1,"p":{"x":0,"y":0}})", "0100"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H'}}]}", R"({"a":1,"p":{"x":0,"y":256}})",
           "0100000001"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H'}}]}", R"({"a":0,"p":{"x":0,"y":0}})", "0000"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:str'}}]}", R"({"a":1,"p":{"x":"abcd"}})", "0161626364"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:str'}}]}", R"({"a":1,"p":{"x":"abcde"}})",
           "p at byte 6: 5 bytes, more than the 4 that it is filled up to"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:str'}}]}", R"({"a":1,"p":{"x":""}})", "0100"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:B y:B=$size z:B=$packet w:B=$rest'}}]}",
           R"({"a":1,"p":{"x":5}})", "01050404"},
          {"{layout: [a:B, {p: {fill: 6, type: 'x:B y:B=$size z:B=$packet w:B=$rest', size: ':B'}}, "
           "'b:B=$size c:B=$packet']}",
           R"({"a":1,"p":{"x":5}})", "0104050606020808"},
          {"{layout: [a:B, {p: {fill: 200, type: 'x:varint=$size'}}]}", R"({"a":1})",
           "p at byte 202: a varint in it grows when its size is filled in"},
          {"{layout: [a:B, {p: {fill: 127, type: 'x:varint=$size'}}]}", R"({"a":1})", "017f"},
      },
      packed_from);
  check_rows(
      {
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H'}}]}", "0101", R"({"a":1,"p":{"x":1,"y":0}})"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H'}}]}", "0101000200", R"({"a":1,"p":{"x":1,"y":2}})"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H'}}]}", "0101000200ff",
           R"({"a":1,"p":{"x":1,"y":2}})"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H', trailing: error}}]}", "0101000200ff",
           "! byte 5: expected the end, found 1 more byte"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H'}}]}", "01", R"({"a":1,"p":{"x":0,"y":0}})"},
          {"{layout: [a:B, {p: {fill: 3, type: 'x:H y:H'}}]}", "01",
           "! p.y at byte 1: expected 2 bytes, found 1"},
          {"{layout: [a:B, {p: {fill: 3, type: 'x:H y:H', size: 2}}, b:B]}", "01010007",
           "! p.y at byte 3: expected 2 bytes, found 1"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:H y:H=$size', size: 2}}, 'b:B=$size']}", "01000004",
           "! p.y at byte 3: expected 4 ($size), found 0"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:B=1'}}]}", "0102", "! p.x at byte 1: expected 1, found 2"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:B'}}], limits: {inflate: 4}}", "0102",
           R"({"a":1,"p":{"x":2}})"},
          {"{layout: [a:B, {p: {fill: 4, type: 'x:B'}}], limits: {inflate: 3}}", "0102",
           "! p at byte 1: the decompressed bytes exceed the limit"},
          {"{layout: [{p: {fill: 4, type: 'x:B', size: 1}}, {q: {fill: 4, type: 'x:B', size: 1}}], limits: "
           "{inflate: 8}}",
           "0102", R"({"p":{"x":1},"q":{"x":2}})"},
          {"{layout: [{p: {fill: 4, type: 'x:B', size: 1}}, {q: {fill: 4, type: 'x:B', size: 1}}], limits: "
           "{inflate: 7}}",
           "0102", "! q at byte 1: the decompressed bytes exceed the limit"},
      },
      unpacked);
}

// Packets within a packet are cut by the protocol's framing; an error has its place in the whole.
TEST_CASE("frames hold packets of their own") {
  check_rows(
      {
          {"{layout: [a:B, {p: {frames: pk}}], layouts: {pk: 'n:B=$size x:str'}, framing: {length: B, "
           "counts: all}}",
           R"({"a":1,"p":[{"x":"ab"},{"x":""}]})", "0103616201"},
          {"{layout: ['_n:B a:B', {p: {frames: pk}}], layouts: {pk: '_n:B=$size x:str'}, framing: {length: "
           "B, counts: all}}",
           R"({"a":1,"p":[{"x":"ab"},{"x":""}]})", "060103616201"},
      },
      packed_from);
  check_rows(
      {
          {"{layout: ['_n:B a:B', {p: {frames: pk}}], layouts: {pk: '_n:B=$size x:str'}, framing: {length: "
           "B, counts: all}}",
           "060103616201", R"({"a":1,"p":[{"x":"ab"},{"x":""}]})"},
          {"{layout: ['_n:B a:B', {p: {frames: pk}}], layouts: {pk: '_n:B=$size x:str'}, framing: {length: "
           "B, counts: all}}",
           "060103616201", R"({"a":1,"p":[{"x":"ab"},{"x":""}]})"},
          {"{layout: ['_n:B a:B', {p: {frames: pk}}], layouts: {pk: '_n:B=$size x:str'}, framing: {length: "
           "B, counts: all}}",
           "060103616202", "! p at byte 5: a packet of 2 bytes, 1 are left"},
          {"{layout: ['_n:B a:B', {p: {frames: pk}}], layouts: {pk: '_n:B=$size x:str'}, framing: {length: "
           "B, counts: all}}",
           "060103616200", "! p at byte 5: the packet's length says 0, less than its own header"},
          {"{layout: ['_n:B a:B', {p: {frames: pk}}], layouts: {pk: '_n:B x:B'}, framing: {length: B, "
           "counts: all}}",
           "0701020503010203",
           "! p[1] at byte 6: expected the end, found 1 more byte ! byte 7: the packet's length says 3 "
           "bytes, 1 are left"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:str'}, framing: {length: B, counts: after, "
           "strip: true}}",
           "05010261620163",
           "! p at byte 5: a packet of 2 bytes, 1 are left ! byte 6: the packet's length says 100 bytes, 1 "
           "are left"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:str'}, framing: {length: B, counts: after, "
           "strip: true}}",
           "06010261620163", R"({"a":1,"p":[{"x":"ab"},{"x":"c"}]})"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:str'}, framing: {length: B, counts: after, "
           "strip: true}}",
           "06010261620163", R"({"a":1,"p":[{"x":"ab"},{"x":"c"}]})"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}, framing: {length: B, counts: after, "
           "strip: true}}",
           "0601010102ffff", "! p[1] at byte 6: expected the end, found 1 more byte"},
      },
      unpacked);
  check_rows(
      {
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:str'}, framing: {length: B, counts: after, "
           "strip: true}}",
           R"({"a":1,"p":[{"x":"ab"},{"x":"c"}]})", "06010261620163"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}, framing: {length: B, counts: after, "
           "strip: true}}",
           R"({"a":1,"p":[{"x":1},{"x":256}]})",
           "p[1].x at byte 3: expected an integer from 0 to 255, found 256"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}, framing: {length: B, counts: after, "
           "strip: true}}",
           R"({"a":1,"p":{"x":1}})", "p at byte 1: expected a list, found a map"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}, framing: {length: B, counts: after, "
           "strip: true}}",
           R"({"a":1})", "p at byte 1: the field is missing"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}}", R"({"a":1,"p":[{"x":1}]})", "0101"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}}", R"({"a":1,"p":[{"x":1},{"x":2}]})",
           "010102"},
      },
      packed_from);
  check_rows(
      {
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}}", "0101", R"({"a":1,"p":[{"x":1}]})"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}}", "010102",
           "! p[0] at byte 2: expected the end, found 1 more byte"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}}", "01", R"({"a":1,"p":[]})"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}, limits: {nesting: 1}}", "0101",
           R"({"a":1,"p":[{"x":1}]})"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}, limits: {nesting: 0}}", "0101",
           "! p at byte 1: nested more than 0 deep"},
      },
      unpacked);
  check_rows(
      {
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}, limits: {nesting: 1}}",
           R"({"a":1,"p":[{"x":1}]})", "0101"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:B'}, limits: {nesting: 0}}",
           R"({"a":1,"p":[{"x":1}]})", "p at byte 1: nested more than 0 deep"},
      },
      packed_from);
  check_rows(
      {
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:str'}, framing: {length: B, counts: after, "
           "strip: true}, limits: {count: 2}}",
           "060101610162", "! byte 0: the packet's length says 7 bytes, 6 are left"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:str'}, framing: {length: B, counts: after, "
           "strip: true}, limits: {count: 2}}",
           "050101610162", R"({"a":1,"p":[{"x":"a"},{"x":"b"}]})"},
          {"{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:str'}, framing: {length: B, counts: after, "
           "strip: true}, limits: {count: 1}}",
           "050101610162", "! p at byte 4: too many packets in a packet"},
      },
      unpacked);
}

// All lists of a packet share one ceiling.
TEST_CASE("elements are counted for the packet as a whole") {
  check_rows(
      {
          {"{layout: 'a:B[:B]', limits: {count: 3}}", "03010203", R"({"a":[1,2,3]})"},
          {"{layout: 'a:B[:B]', limits: {count: 3}}", "0401020304",
           "! a at byte 1: 4 elements exceed the limit of 3 in a packet"},
          {"{layout: 'a:B[*]', limits: {count: 3}}", "010203", R"({"a":[1,2,3]})"},
          {"{layout: 'a:B[*]', limits: {count: 3}}", "01020304",
           "! a at byte 3: more elements than the limit of 3 in a packet"},
          {"{layout: 'a:B[2] b:B[*]', limits: {count: 3}}", "010203", R"({"a":[1,2],"b":[3]})"},
          {"{layout: 'a:B[2] b:B[*]', limits: {count: 3}}", "01020304",
           "! b at byte 3: more elements than the limit of 3 in a packet"},
          {"{layout: 'a:B[2] b:B[:B]', limits: {count: 3}}", "01020103", R"({"a":[1,2],"b":[3]})"},
          {"{layout: 'a:B[2] b:B[:B]', limits: {count: 3}}", "0102020304",
           "! b at byte 3: 2 elements exceed the limit of 3 in a packet"},
          {"{layout: 'a:B[0] b:B[:B]', limits: {count: 0}}", "00", R"({"a":[],"b":[]})"},
          {"{layout: 'a:B[:B]', limits: {count: 0}}", "0101",
           "! a at byte 1: 1 elements exceed the limit of 0 in a packet"},
      },
      unpacked);
}
