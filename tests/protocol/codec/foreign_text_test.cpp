// Texts that are UTF-16, or not quite UTF-8.
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

TEST_CASE("UTF-16 in both orders") {
  check_rows({{"a:<utf16", "4100e4003dd800de", R"({"a":"Aä😀"})"},
              {"a:>utf16", "004100e4d83dde00", R"({"a":"Aä😀"})"},
              {"> a:utf16", "20acffff", "{\"a\":\"€\uffff\"}"},
              {"> a:utf16", "d800dc00dbffdfffd83fdffe", "{\"a\":\"\U00010000\U0010ffff\U0001fffe\"}"},
              {"a:<utf16(6) b:B",
               "410000000000"
               "07",
               R"({"a":"A","b":7})"},
              {"a:<utf16", "41000000", R"({"a":"A\u0000"})"},
              {"a:<utf16", "", R"({"a":""})"},
              {"a:<utf16", "410042", "! a at byte 2: UTF-16 has two bytes for each unit, one is left"},
              {"a:<utf16", "41003dd8", "! a at byte 2: not UTF-16: half of a pair"},
              {"a:<utf16", "3dd84100", "! a at byte 0: not UTF-16: half of a pair"},
              {"a:<utf16", "00de4100", "! a at byte 0: not UTF-16: half of a pair"},
              {"[{a: {type: '<utf16', invalid: replace}}]", "00de3dd84100", "{\"a\":\"\ufffd\ufffdA\"}"}},
             unpacked);
  check_rows(
      {{"a:<utf16", R"({"a":"A\u007f\u0080\u07ff\u0800\uffff😀"})", "41007f008000ff070008ffff3dd800de"},
       {"a:>utf16(6)", R"({"a":"A"})", "004100000000"},
       {"a:>utf16(4)", R"({"a":"ABC"})", "a at byte 0: 6 bytes do not fit 4"},
       {"a:>utf16(:B)", R"({"a":"AB"})", "0400410042"}},
      packed_from);
}

TEST_CASE("what is not UTF-8 can be replaced") {
  check_rows({{"[{a: {type: 'str(5)', invalid: replace}}, 'b:B']", "61ff62e28207", R"({"a":"a?b??","b":7})"},
              {"[{a: {type: zstr, invalid: replace}}]", "ff00", R"({"a":"?"})"},
              {"[{a: {type: 'str(until \",\")', invalid: replace}}]",
               "c3a4c3"
               "2c",
               R"({"a":"ä?"})"},
              {"[{a: {type: 4p, invalid: replace}}]", "02ff4100", R"({"a":"?A"})"},
              {"[{a: {type: 2s, invalid: replace, one_of: ['?']}}]", "ff00", R"({"a":"?"})"}},
             unpacked);
  CHECK(packed_from("[{a: {type: 'str(3)', invalid: replace}}]", R"({"a":"a?b"})") == "613f62");
}

TEST_CASE("mistakes of texts that are not UTF-8") {
  const std::string wrong =
      " 'invalid' is 'replace', for a text type, or 'carry', for a str that takes the rest (what is not "
      "UTF-8 becomes '?', half of a pair of UTF-16 "
      "U+FFFD)";
  CHECK(mistakes_in("[{a: {type: B, invalid: replace}}]") == "1:33" + wrong);
  CHECK(mistakes_in("[{a: {type: bytes, invalid: replace}}]") == "1:37" + wrong);
  CHECK(mistakes_in("[{a: {type: str, invalid: drop}}]") == "1:35" + wrong);
  check_pairs(
      {{"[{a: {type: 'str(until \"?!\")', invalid: replace}}]",
        "1:49 what is not UTF-8 becomes '?', which is in the text that ends it"},
       {"a:utf16le", "1:12 unknown type 'utf16le' (write <utf16: the byte order stands in front)"},
       {"a:utf16=x", "1:18 'utf16' cannot be constant"},
       {"a:utf16(until 'x')", "1:24 UTF-16 may hold what ends it between two characters (give it a size)"}},
      mistakes_in);
}

TEST_CASE("constants have escapes") {
  const char* const line = R"(a:B _end:bytes="\r\n" _z:zstr="\t")";
  CHECK(packed_from(line, R"({"a":7})") == "070d0a0900");
  CHECK(unpacked(line, "070d0a0900") == R"({"a":7})");
  check_pairs({{R"(a:str="\xff")", "1:16 the value is not UTF-8 (a field of type bytes takes anything)"},
               {R"(a:bytes="\xff")", ""},
               {R"(a:zstr="x\0")", "1:17 the value holds what ends it"},
               {R"(a:str="x\0")", ""}},
              mistakes_in);
}
