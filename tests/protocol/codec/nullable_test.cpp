// Texts, bytes and lists that are null where their size says so.
#include "protocol/message/message_type.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

const char* const text_of = "[{a: {type: '> str(:h)', none: -1}}, 'b:B']";
const char* const compact = "['_n:varint', {a: {type: 'str(_n - 1)', none: 0}}]";
const char* const listed = "[{a: {type: 'B[:b]', none: -1}}]";
const char* const each = "[{a: {array: {type: 'str(:b)', none: -1}, count: ':B'}}]";
const char* const part =
    "{layout: [{a: {type: 'part(:b)', none: -1}}, {c: {type: {size: ':b', type: 'x:B'}, none: -1}}], "
    "layouts: {part: 'x:B'}}";
const char* const full = "[{a: {type: 'bytes(:B)', none: 2}}]";

}  // namespace

TEST_CASE("a size may say null") {
  check_rows({{text_of, "ffff07", R"({"a":null,"b":7})"},
              {text_of, "000007", R"({"a":"","b":7})"},
              {text_of, "0002616207", R"({"a":"ab","b":7})"},
              {text_of, "fffe07", "! a at byte 2: its size or count would be -2"},
              {compact, "00", R"({"a":null})"},
              {compact, "01", R"({"a":""})"},
              {compact, "0361 62", R"({"a":"ab"})"},
              {listed, "ff", R"({"a":null})"},
              {listed, "020102", R"({"a":[1,2]})"},
              {each, "03ff016100", R"({"a":[null,"a",""]})"},
              {part, "ffff", R"({"a":null,"c":null})"},
              {part, "01050106", R"({"a":{"x":5},"c":{"x":6}})"},
              {full, "02", R"({"a":null})"},
              {full, "0105", R"({"a":"05"})"}},
             [](const std::string& layout, std::string hex) {
               std::erase(hex, ' ');
               return unpacked(layout, hex);
             });
}

TEST_CASE("null packs as the size that means it") {
  check_rows(
      {{text_of, R"({"a":null,"b":7})", "ffff07"},
       {text_of, R"({"a":"ab","b":7})", "0002616207"},
       {text_of, R"({"b":7})", "a at byte 2: the field is missing"},
       {compact, R"({"a":null})", "00"},
       {compact, R"({"a":"ab"})", "036162"},
       {compact, R"({"_n":0,"a":"ab"})", "a at byte 3: its size or count would be 0, which means null"},
       {compact, R"({"_n":3,"a":null})", "a at byte 1: it is null, and its size or count is not given as 0"},
       {listed, R"({"a":null})", "ff"},
       {listed, R"({"a":[1,2]})", "020102"},
       {each, R"({"a":[null,"a",""]})", "03ff016100"},
       {part, R"({"a":null,"c":null})", "ffff"},
       {part, R"({"a":{"x":5},"c":{"x":6}})", "01050106"},
       {full, R"({"a":null})", "02"},
       {full, R"({"a":"0506"})", "a at byte 3: its size or count would be 2, which means null"}},
      packed_from);
}

TEST_CASE("mistakes of what may be null") {
  check_pairs(
      {{"[{a: {type: 'str(:B)', none: 255}}]", ""},
       {"[{a: {type: 'str(:B)', none: -1}}]",
        "1:38 expected an integer from 0 to 255, found -1 ('none' is the size or count on the wire that "
        "means null)"},
       {"[{a: {type: 'str(4)', none: -1}}]",
        "1:37 'none' requires an integer type, or a size or count that is a field"},
       {"[{a: {type: 'str(until \";\")', none: -1}}]",
        "1:45 'none' requires an integer type, or a size or count that is a field"},
       {"[{a: {type: 'str(:h)', none: x}}]",
        "1:38 expected an integer ('none' is the number on the wire that means null)"},
       {"[{a: {size: ':h', type: str, none: -1}}]", "1:38 unknown key 'none'"}},
      mistakes_in);
}

TEST_CASE("what may be null is in the table of bytes") {
  const auto types = compiled(definition(text_of));
  const message_type& type = *types->find(direction::command, "c");
  CHECK(byte_table(type).find("a: null if the size or count before it is -1") != std::string::npos);
  CHECK(packed(*types, "c", example_values(type)) == "000000");
  CHECK(type.layout.min_size == 3);
}
