// Lists that end at a value instead of having a count.
#include "protocol/message/message_type.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

const char* const numbers = "> a:H[until 0] b:B";
const char* const names = R"(labels:str(:B)[until "\0"] type:B)";
const char* const records =
    R"({layout: [{r: {array: part, count: 'until "\xff"'}}, 'n:B'], layouts: {part: 'k:B v:zstr'}})";
const char* const few = "{layout: 'a:B[until 0]', limits: {count: 2}}";

}  // namespace

TEST_CASE("a list ends at a value") {
  check_rows({{numbers, "0001 0100 0000 07", R"({"a":[1,256],"b":7})"},
              {numbers, "0000 07", R"({"a":[],"b":7})"},
              {numbers, "0001 00", R"(! a[1] at byte 2: expected 2 bytes, found 1)"},
              {numbers, "0001", R"(! a at byte 2: no "\x00\x00" ends the list)"},
              {names, "02 6162 01 63 00 05", R"({"labels":["ab","c"],"type":5})"},
              {names, "02 6162", R"(! labels at byte 3: no "\x00" ends the list)"},
              {records, "01 6100 02 00 ff 09", R"({"r":[{"k":1,"v":"a"},{"k":2,"v":""}],"n":9})"},
              {"a:B[until '\\0\\0'] b:B", "00 01 0000 02", R"({"a":[0,1],"b":2})"},
              {few, "010200", R"({"a":[1,2]})"},
              {few, "01020300", "! a at byte 2: more elements than the limit of 2 in a packet"}},
             [](const std::string& layout, std::string hex) {
               std::erase(hex, ' ');
               return unpacked(layout, hex);
             });
}

TEST_CASE("an element that would end its list is refused") {
  check_rows({{numbers, R"({"a":[1,256],"b":7})", "00010100000007"},
              {numbers, R"({"a":[],"b":7})", "000007"},
              {numbers, R"({"a":[1,0,2],"b":7})",
               R"(a[1] at byte 2: it begins with "\x00\x00", which ends the list)"},
              {numbers, R"({"a":7,"b":7})", "a at byte 0: expected a list, found an integer"},
              {names, R"({"labels":["ab","c"],"type":5})", "02616201630005"},
              {names, R"({"labels":["ab",""],"type":5})",
               R"(labels[1] at byte 3: it begins with "\x00", which ends the list)"},
              {records, R"({"r":[{"k":1,"v":"a"},{"k":2,"v":""}],"n":9})", "0161000200ff09"},
              {records, R"({"r":[{"k":255,"v":"a"}],"n":9})",
               R"(r[0] at byte 0: it begins with "\xff", which ends the list)"},
              {"a:B[until '\\0\\0'] b:B", R"({"a":[0,1],"b":2})", "0001000002"},
              {"a:B[until '\\0\\0'] b:B", R"({"a":[1,0],"b":2})",
               R"(a[1] at byte 1: it begins with "\x00\x00", which ends the list)"},
              {R"({layout: [{a: {array: 'n:B=$packet x:B', count: 'until "\0"'}}]})", R"({"a":[{"x":1}]})",
               "a[0] at byte 0: its first bytes are only known later, and might end the list"}},
             packed_from);
}

TEST_CASE("mistakes of what ends a list") {
  check_pairs(
      {{"a:B[until 0]", ""},
       {"a:B[until '1234567890123456']", ""},
       {"a:B[until '12345678901234567']", "1:20 a text ends in 1 to 16 bytes"},
       {"a:B[until 255]", ""},
       {"a:B[until 256]", "1:20 expected an integer from 0 to 255, found 256"},
       {"a:varint[until 0]",
        R"(1:25 a number ends a list of integers of a fixed size (for other elements write the bytes: [until "\0"]))"},
       {"a:zstr[until 0]",
        R"(1:23 a number ends a list of integers of a fixed size (for other elements write the bytes: [until "\0"]))"},
       {"a:B[until 0", R"(1:21 expected ']' ([until "\0"] or [until 0]))"},
       {"a:B[until '\\0', 5]", R"(1:24 expected ']' ([until "\0"] or [until 0]))"},
       {"a:str[until ';'] b:B",
        "1:10 an element takes the rest, so nothing ends the list (give the element a size)"},
       {"@ a:B[until 0]",
        "1:22 with native alignment it is not known where a list ends (give the line the byte order '=')"},
       {"_a:B[until 0]", "1:10 a list cannot be hidden (use bytes to skip, or a name without '_')"},
       {"[{a: {array: bytes, count: 'until \"x\"'}}]",
        "1:14 an element takes the rest, so nothing ends the list (give the element a size, or 'each')"},
       {"[{a: {array: B, count: until x}}]", "1:32 expected a text or a number after 'until'"}},
      mistakes_in);
}

TEST_CASE("a list's end is in the table of bytes") {
  const auto types = compiled(definition(names));
  const message_type& type = *types->find(direction::command, "c");
  CHECK(byte_table(type).find("labels: a list up to \"\\x00\"") != std::string::npos);
  CHECK(packed(*types, "c", example_values(type)) == "0000");
  CHECK(type.layout.min_size == 2);
}
