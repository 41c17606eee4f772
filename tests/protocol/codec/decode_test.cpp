// Text in hex digits or base64 whose bytes have a layout of their own.
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol::testing;

namespace {

const char* const base64 = "['n:B', {p: {decode: base64, type: '> a:H b:str'}}]";
const char* const hex = "[{p: {decode: hex, size: ':B', type: 'a:B'}}, 'z:B']";
const char* const both = "[{p: {decode: base64, type: {inflate: zlib, type: json}}}]";
const char* const bounded = "{layout: [{p: {decode: hex, type: 'a:bytes'}}], limits: {inflate: 2}}";

}  // namespace

TEST_CASE("text is decoded") {
  check_rows(
      {{base64, "0141414a6f61513d3d", R"({"n":1,"p":{"a":2,"b":"hi"}})"},
       {base64, "01414141", "! p at byte 1: not base64"},
       {base64, "0141413d3d", "! p.a at byte 1: at byte 0 of the decoded bytes: expected 2 bytes, found 1"},
       {hex, "02414607", R"({"p":{"a":175},"z":7})"},
       {hex, "02616607", R"({"p":{"a":175},"z":7})"},
       {hex, "01410000", "! p at byte 1: not hex digits, two for each byte"},
       {hex, "02477a07", "! p at byte 1: not hex digits, two for each byte"},
       {hex, "043031303207", "! byte 1: at byte 1 of the decoded bytes: expected the end, found 1 more byte"},
       {bounded, "30313032", R"({"p":{"a":"0102"}})"},
       {bounded, "303130323033", "! p at byte 0: the decoded bytes exceed the limit of 2"}},
      unpacked);
}

TEST_CASE("text is encoded") {
  check_rows(
      {{base64, R"({"n":1,"p":{"a":2,"b":"hi"}})", "0141414a6f61513d3d"},
       {hex, R"({"p":{"a":175},"z":7})", "02616607"},
       {hex, R"({"p":{"a":256},"z":7})", "p.a at byte 1: expected an integer from 0 to 255, found 256"}},
      packed_from);
  const std::string bytes = packed_from(both, R"({"p":{"x":1}})");
  CHECK(unpacked(both, bytes) == R"({"p":{"x":1}})");
  CHECK(bytes.starts_with("654a"));  // "eJ", zlib in base64
}

TEST_CASE("mistakes of what is decoded") {
  check_pairs(
      {{"[{p: {decode: base32, type: str}}]", "1:23 unknown encoding 'base32' (did you mean 'base64'?)"},
       {"[{p: {decode: zlib, type: str}}]", "1:23 unknown encoding 'zlib' (known: base64, hex)"},
       {"[{p: {decode: hex, inflate: zlib, type: str}}]",
        "1:14 expected 'frames' or 'type' ({inflate: zlib, frames: packet}, or {inflate: gzip, type: json})"},
       {"[{p: {decode: hex}}]",
        "1:14 expected 'frames' or 'type' ({inflate: zlib, frames: packet}, or {inflate: gzip, type: "
        "json})"}},
      mistakes_in);
}
