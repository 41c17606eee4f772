#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

// The names of other languages' types mean the same as ours.
TEST_CASE("types have the names that people try first") {
  for (const auto& [other, ours] : std::vector<std::pair<std::string, std::string>>{{"u8", "B"},
                                                                                    {"int8", "b"},
                                                                                    {"u16", "H"},
                                                                                    {"uint16", "H"},
                                                                                    {"i16", "h"},
                                                                                    {"u32", "I"},
                                                                                    {"int32", "i"},
                                                                                    {"i32", "i"},
                                                                                    {"uint64", "Q"},
                                                                                    {"i64", "q"},
                                                                                    {"float", "f"},
                                                                                    {"double", "d"},
                                                                                    {"f64", "d"},
                                                                                    {"bool", "?"},
                                                                                    {"string", "str"}}) {
    INFO(other);
    const auto table = [](const std::string& type) {
      return byte_table(*compiled(definition("> a:" + type))->find(direction::command, "c"));
    };
    CHECK(table(other) == table(ours));
  }
  CHECK(unpacked("> n:u16 a:string(:uint8) b:i16[2]", "0001026869ffff0002") ==
        R"({"n":1,"a":"hi","b":[-1,2]})");
  CHECK(unpacked("[{k: {enum: u16, names: {1: on}}}]", "0100") == R"({"k":"on"})");
  CHECK(unpacked("{layout: 'a:string', layouts: {string: 'x:B'}}", "07") == R"({"a":{"x":7}})");
  CHECK(mistakes_in_protocol("{opcode: {at: 0, type: u16}, replies: [{as: a, when: {opcode: 1}}]}") == "");
}

// Mistakes of a line, each with its column and what to do.
TEST_CASE("a line's mistakes stand at their token") {
  check_pairs(
      {
          {"{layout: '55x'  , limits: {packet: 55}}", ""},
          {"{layout: '56x'  , limits: {packet: 55}}", "1:11 the count exceeds the limit of a packet"},
          {"{layout: 'a:55s', limits: {packet: 55}}", ""},
          {"{layout: 'a:56s', limits: {packet: 55}}", "1:13 the count exceeds the limit of a packet"},
          {"a:99999999999999999999s", "1:12 the count exceeds the limit of a packet"},
          {"99999999999999999999i", "1:10 the count exceeds the limit of a packet"},
          {"a:varint(0)", "1:19 a varint takes 1 to 10 bytes"},
          {"a:varint(11)", "1:19 a varint takes 1 to 10 bytes"},
          {"a:varint(10) b:varint(1)", ""},
          {"a:varint(n)", "1:19 a varint takes 1 to 10 bytes"},
          {"a:B(2)", "1:14 'B' has its own size (for a list write [count])"},
          {"a:str/100", "1:10 'str' cannot have a scale or a unit"},
          {"a:str@s", "1:10 'str' cannot have a scale or a unit"},
          {"a:B@m", "1:14 unknown unit 'm' (the units are @s, @ms, @us and @ns)"},
          {"a:f@s", "1:14 a time is an integer without scale (the units are @s, @ms, @us and @ns)"},
          {"a:B/10@s", "1:17 a time is an integer without scale (the units are @s, @ms, @us and @ns)"},
          {"a:B/10=5", "1:17 a constant cannot have a scale or a unit (give the number as sent on the wire)"},
          {"a:B@s=5", "1:16 a constant cannot have a scale or a unit (give the number as sent on the wire)"},
          {"a:b=127 b:b=-128", ""},
          {"a:b=128", "1:14 128 does not fit 'b'"},
          {"a:b=-129", "1:14 -129 does not fit 'b'"},
          {"a:B=255 b:u24=16777215 c:i24=-8388608", ""},
          {"a:B=256", "1:14 256 does not fit 'B'"},
          {"a:B=-1", "1:14 -1 does not fit 'B'"},
          {"a:u24=16777216", "1:16 16777216 does not fit 'u24'"},
          {"a:i24=8388608", "1:16 8388608 does not fit 'i24'"},
          {"a:Q=9223372036854775807 b:q=-9223372036854775808", ""},
          {"a:f=1", "1:14 a floating-point field cannot be constant (use '?=' for a default value)"},
          {"a:f?=1", ""},
          {"a:f?=1.5", "1:15 '1.5' is not an integer"},
          {R"(a:B="x")", "1:14 'x' is not an integer"},
          {"a:B?=x", "1:15 'x' is not an integer"},
          {"a:B=x", "1:14 no field 'x' comes before this"},
          {"a:B=(1 +)", "1:18 the expression ends too early"},
          {"a:x", "1:12 pad bytes have no value (leave the name out: '3x')"},
          {"a:n", "1:12 'n' exists only in native mode (start the line with '@', or use q or Q)"},
          {"n", "1:10 'n' exists only in native mode (start the line with '@', or use q or Q)"},
          {"a:strr", "1:12 unknown type 'strr' (did you mean 'str'?)"},
          {"a:str=zz b:B", ""},
          {"a:bytes=zz", R"(1:18 expected hex digits (a constant of bytes is =0a0b, or ="text"))"},
          {R"(a:bytes=0a0b b:bytes="zz")", ""},
          {"a:b64=0a0b", ""},
          {R"(a:json="x")", "1:17 'json' cannot be constant"},
          {R"(a:str(2)="abc")", "1:19 the value is longer than 2 bytes"},
          {R"(a:3s="abcd")", "1:15 the value is longer than 3 bytes"},
          {R"(a:3s="abc")", ""},
          {R"(a:zstr(3)="abcd")", "1:20 the value is longer than 3 bytes"},
          {"a:str b:B",
           "1:16 nothing can follow 'a', which takes the rest (give 'a' a size, or move 'b' before it)"},
          {"a:zstr b:B", ""},
          {R"(a:str?="x" b:B)",
           "1:21 nothing can follow 'a', which takes the rest (give 'a' a size, or move 'b' before it)"},
          {"a:bytes=0a b:B", ""},
          {"a:B[*] b:B",
           "1:17 nothing can follow 'a', which takes the rest (give 'a' a size, or move 'b' before it)"},
          {"a:str[*] b:B",
           "1:19 nothing can follow 'a', which takes the rest (give 'a' a size, or move 'b' before it)"},
          {"a:B[:f]", "1:15 'f' is not an integer type (such as B, H, I or varint)"},
          {"a:B[:?]", "1:15 '?' is not an integer type (such as B, H, I or varint)"},
          {"a:B[:x y]", "1:15 expected an integer type after ':' (such as (:H) or (:varint))"},
          {"a:B[:n:B]", "1:15 expected an integer type after ':' (such as (:H) or (:varint))"},
          {"a:B[-1]", "1:14 a size or count cannot be negative"},
          {"a:B[2 - 3]", "1:14 a size or count cannot be negative"},
          {"a:B[2 - 2]", ""},
          {"a:str(1 / 0)", ""},
          {"a:hex", ""},
          {"a:hex(2) b:B", ""},
          {"a:B[0]", ""},
          {"_a:B[2]", "1:10 a list cannot be hidden (use bytes to skip, or a name without '_')"},
          {"_a:2B", "1:13 a list cannot be hidden (use bytes to skip, or a name without '_')"},
          {"a:str(-1)", "1:16 a size or count cannot be negative"},
          {"a:str(b) b:B", "1:16 no field 'b' comes before this"},
          {"a:f b:str(a)", "1:20 'a' is not an integer"},
          {"a:B a:B", "1:14 'a' is already defined (names in a map must be unique)"},
          {"a:B 3x 2H", "1:17 '2H' has no name beside named fields (write name:H)"},
          {"2H a:B", "1:13 a named field beside values by position (name all of them: 'code:i state:b')"},
          {"BB 3x B", ""},
          {"a:B B", "1:14 'B' has no name beside named fields (write name:B)"},
          {"B[2]",
           "1:10 'B' has no name, so it cannot have a size, count, value or scale (write name:B…, or "
           "_name:B… to "
           "leave it out of the JSON)"},
          {"B=1",
           "1:10 'B' has no name, so it cannot have a size, count, value or scale (write name:B…, or "
           "_name:B… to "
           "leave it out of the JSON)"},
          {"rec", "1:10 'rec' is neither a layout nor a struct group"},
          {"...B", "1:10 'B' is neither a layout nor a struct group"},
          {"...rec", "1:10 'rec' is neither a layout nor a struct group"},
          {"a:B-40 b:H*0.1-127 c:f+1e3", ""},
          {"a:B-40*2", "1:16 an offset comes after the scale (such as *0.1-127)"},
          {"a:B-40-2",
           "1:16 unexpected '-' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; "
           "tokens are separated by spaces)"},
          {"a:B-x", "1:13 '-x' is not an offset (a number, after the scale: *0.1-127)"},
          {"a:B-0", "1:13 '-0' is not an offset (a number, after the scale: *0.1-127)"},
          {"_d:B a:B/_d-1", "1:21 an offset needs a scale that is known (divide by a number)"},
          {"a:B/1000000*1e-9-1e18", "1:26 the offset is too large"},
          {"a:B-40=5", "1:17 a constant cannot have a scale or a unit (give the number as sent on the wire)"},
          {"a:str-1", "1:10 'str' cannot have a scale or a unit"},
          {"a:B/0", "1:14 '0' is not a scale (write /100, *0.01, *1e-7 or /_field)"},
          {"a:B/x", "1:14 no field 'x' comes before this"},
          {"a:B*x", "1:14 'x' is not a scale (write /100, *0.01, *1e-7 or /_field)"},
          {"a:B/100*1e-18", ""},
          {"a:B*1e-18", ""},
          {"a:B*1e-19", "1:14 '1e-19' is not a scale (write /100, *0.01, *1e-7 or /_field)"},
          {"a:B*0.0000000000000000001",
           "1:14 '0.0000000000000000001' is not a scale (write /100, *0.01, *1e-7 or /_field)"},
          {"a:B/1000000000000000000*1e-18",
           "1:14 '1000000000000000000' is not a scale (write /100, *0.01, *1e-7 or /_field)"},
          {"a:q*1e18", "1:13 the scale is too large"},
          {"a:q*1e15*1e15", "1:18 the scale is too large"},
          {"a:q*2147483647000000", ""},
          {"a:q*2147483647000001", "1:13 the scale is too large"},
          {"a:B*1.5.2", "1:14 '1.5.2' is not a scale (write /100, *0.01, *1e-7 or /_field)"},
          {"a:B/1e+2", ""},
          {"a:B/b", "1:14 no field 'b' comes before this"},
          {"c:B a:B/c/c", "1:20 'c' is not a scale (write /100, *0.01, *1e-7 or /_field)"},
          {"a:B*123456789012345678", "1:13 the scale is too large"},
          {"a:B*1234567890123456789",
           "1:14 '1234567890123456789' is not a scale (write /100, *0.01, *1e-7 or /_field)"},
      },
      mistakes_in);
}

// A layout is written out where its name stands, and its mistakes stand where it is written.
TEST_CASE("layouts within layouts are checked") {
  check_pairs(
      {
          {"{layout: a:rec, layouts: {rec: 'x:B'}}", ""},
          {"{layout: a:rec=1, layouts: {rec: 'x:B'}}",
           "1:10 the layout 'rec' cannot have a value, scale or unit"},
          {"{layout: a:rec/2, layouts: {rec: 'x:B'}}",
           "1:10 the layout 'rec' cannot have a value, scale or unit"},
          {"{layout: a:rec@s, layouts: {rec: 'x:B'}}",
           "1:10 the layout 'rec' cannot have a value, scale or unit"},
          {"{layout: _a:rec, layouts: {rec: 'x:B'}}",
           "1:34 a layout cannot be hidden as a whole (hide its fields, or use bytes)"},
          {"{layout: 'a:rec(2) b:B', layouts: {rec: 'x:str'}}", ""},
          {"{layout: 'a:rec b:B', layouts: {rec: 'x:str'}}",
           "1:17 nothing can follow 'x', which takes the rest (give 'x' a size, or move 'b' before it)"},
          {"{layout: 'rec b:B', layouts: {rec: 'x:str'}}",
           "1:15 nothing can follow 'x', which takes the rest (give 'x' a size, or move 'b' before it)"},
          {"{layout: 'rec b:B', layouts: {rec: 'b:B'}}",
           "1:15 'b' is already defined (names in a map must be unique)"},
          {"{layout: 'rec[2]', layouts: {rec: 'x:B'}}",
           "1:11 'rec' has no name, so it cannot have a size, count, value or scale (write name:rec…, or "
           "_name:rec… to leave it out of the JSON)"},
          {"{layout: 'a:bid b:id[2]', layouts: {bid: 'x:B', id: 'y:H'}}", ""},  // and no struct codes
          {"{layout: 'id', layouts: {id: 'y:H'}}", ""},
          {"a:uint16_le", "1:12 unknown type 'uint16_le' (write <H: the byte order stands in front)"},
          {"a:u32be", "1:12 unknown type 'u32be' (write >I: the byte order stands in front)"},
          {"a: B", "1:12 expected a type, found ' ' (no space behind ':': write a:type)"},
          {"a:\u2018B\u2019",
           "1:12 expected a type, found '\u2018' (a typographic quote: YAML knows only ' and \")"},
          {"{layout: 'kind', layouts: {kind: {enum: B, names: [x]}}}",
           "1:11 'kind' is one value, so it needs a name (write name:kind)"},
          {"{layout: 'kind', layouts: {kind: {bits: B, fields: {x: 8}}}}", ""},
          {"{layout: 'a:rec b:str(a.x)', layouts: {rec: 'x:B'}}", ""},
          {"{layout: 'a:rec b:str(x)', layouts: {rec: 'x:B'}}", "1:23 no field 'x' comes before this"},
          {"{layout: 'a:rec[2] b:str(a.x)', layouts: {rec: 'x:B'}}", "1:26 no field 'a.x' comes before this"},
          {"{layout: 'rec', layouts: {rec: 'rec'}}",
           "1:33 the layout 'rec' contains itself (only 'frames:' may lead back to a layout, because its "
           "bytes are a packet of their own)"},
          {"{layout: 'a:rec', layouts: {rec: {inflate: zlib, type: 'b:rec'}}}",
           "1:59 the layout 'rec' contains itself (only 'frames:' may lead back to a layout, because its "
           "bytes are a packet of their own)"},
          {"{layout: 5, layouts: {rec: 'x:B'}}",
           "1:10 expected a layout, found an integer (a layout is a line such as '= code:i rest:bytes', or a "
           "list of lines and items)"},
          {"{layout: [5]}",
           "1:11 expected a layout, found an integer (a layout is a line such as '= code:i rest:bytes', or a "
           "list of lines and items)"},
          {"{layout: true}",
           "1:10 expected a layout, found a boolean (a layout is a line such as '= code:i rest:bytes', or a "
           "list of lines and items)"},
          {"a:B,",
           "1:13 unexpected ',' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens "
           "are "
           "separated by spaces)"},
          {"[a:B, 'b:']", "1:18 expected a type"},
      },
      mistakes_in);
}
