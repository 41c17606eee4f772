#include <chrono>

#include "protocol/codec/compression.hpp"
#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string out;
  append_hex(out, bytes);
  return out;
}

}  // namespace

// Four bytes must not ask for 4 GiB, and a count beyond the ceiling is refused before anything is read.
TEST_CASE("counts and sizes beyond the frame are exact errors") {
  const auto counted = with_layout(text("> _n:I a:H[_n]"));
  CHECK(read(counted, "ffffffff0001") ==
        strings{"! a at byte 4: 4294967295 elements exceed the limit of 100000 in a packet"});
  CHECK(read(counted, "000000030001") == strings{"! a[1] at byte 6: expected 2 bytes, found 0"});
  const auto sized = with_layout(text("> a:str(:I)"));
  CHECK(read(sized, "ffffffff61") == strings{"! a at byte 4: expected 4294967295 bytes, found 1"});
  CHECK(read(with_layout(text("a:str(:varint(1))")), "8001" + std::string(256, '6')) ==
        strings{"! a at byte 0: a varint of more than 1 bytes"});
  CHECK(read(with_layout(text("> a:varint(2)")), "808080") ==
        strings{"! a at byte 0: a varint of more than 2 bytes"});
  CHECK(read(with_layout(text("> n:b a:str(n)")), "ff61") ==
        strings{"! a at byte 1: its size or count would be -1"});
}

// Elements without bytes cost nothing to send: the ceiling holds for the packet as a whole.
TEST_CASE("elements without bytes are counted") {
  const auto types = with_layout(
      list({text("n:H m:H"),
            map({{"a", map({{"array",
                             list({map({{"b", map({{"array", list({map({{"let", map({{"c", text("1")}})}})})},
                                                   {"count", text("m")}})}})})},
                            {"count", text("n")}})}})}),
      {{"byte_order", text("big")}});
  const auto found = read(types, "ffffffff");
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "! a[1].b at byte 4: 65535 elements exceed the limit of 100000 in a packet");
}

// A bomb of compressed data ends at the ceiling, with the place of the compressed bytes.
TEST_CASE("a decompression bomb is refused") {
  for (const auto& [name, kind] : {std::pair{"zlib", transform_kind::zlib},
                                   {"gzip", transform_kind::gzip},
                                   {"brotli", transform_kind::brotli},
                                   {"zstd", transform_kind::zstd}}) {
    std::vector<std::uint8_t> bomb;
    REQUIRE(compress(kind, std::vector<std::uint8_t>(50'000'000), bomb));
    const auto types = with_layout(
        list({text("op:B"), map({{"data", map({{"inflate", text(name)}, {"type", text("bytes")}})}})}),
        {{"limits", map({{"inflate", integer(1'000'000)}})}});
    CHECK(read(types, "01" + hex(bomb)) ==
          strings{"! data at byte 1: the decompressed bytes exceed the limit of 1000000"});
    std::vector<std::uint8_t> cut;
    REQUIRE(compress(kind, std::vector<std::uint8_t>{1, 2, 3}, cut));
    CHECK(read(types, "01" + hex(cut)) == strings{R"(r {"op":1,"data":"010203"})"});
    cut.resize(cut.size() - 2);
    CHECK(read(types, "01" + hex(cut)).front().starts_with("! data at byte 1: "));
    CHECK(read(types, "01" + hex(cut) + "ffffffffffffffffff").front().starts_with("! data at byte 1: "));
  }
}

// Packets within packets end at the nesting ceiling.
TEST_CASE("nesting is limited") {
  const auto types = compiled(
      map({{"limits", map({{"nesting", integer(3)}})},
           {"layouts",
            map({{"packet",
                  list({text("op:B"), map({{"if", text("op == 1")},
                                           {"then", map({{"in", map({{"inflate", text("zlib")},
                                                                     {"frames", text("packet")}})}})}})})}})},
           {"replies", list({map({{"layout", text("packet")}, {"as", text("r")}})})}}));
  std::vector<std::uint8_t> packet{2};
  std::vector<std::string> found;
  for (int depth = 0; depth < 5; ++depth) {
    std::vector<std::uint8_t> outer{1};
    REQUIRE(compress(transform_kind::zlib, packet, outer));
    packet = outer;
    found.push_back(read(types, hex(packet)).front());
  }
  CHECK(found[0] == R"(r {"op":1,"in":[{"op":2}]})");
  CHECK(found[4].find("nested more than 3 deep") != std::string::npos);
}

// Texts must be UTF-8 and JSON must be JSON; the error has the offset of the bad byte.
TEST_CASE("bad text and bad JSON are refused at their byte") {
  CHECK(read(with_layout(text("op:B t:str")), "0161ff62") ==
        strings{"! t at byte 2: not UTF-8 (a field of type bytes takes anything)"});
  CHECK(read(with_layout(text("op:B t:json")), "017b2261223a7d") ==
        strings{"! t at byte 6: not JSON: expected a JSON value"});
  const auto deep = with_layout(text("t:json"));
  CHECK(read(deep, hex(std::vector<std::uint8_t>(100'000, '['))).front() ==
        "! t at byte 64: not JSON: nested too deeply");
  CHECK(read(with_layout(text("t:cbor")), hex(std::vector<std::uint8_t>(100'000, 0x81))).front() ==
        "! t at byte 0: not CBOR: nested too deeply");
  CHECK(read(with_layout(text("t:msgpack")), "82a161").front().starts_with("! t at byte"));
  CHECK(read(with_layout(text("t:msgpack")), "82a16101a162c3") == strings{R"(r {"t":{"a":1,"b":true}})"});
}

// Wrong constants, unknown cases and left-over bytes name what was expected and what was found.
TEST_CASE("wrong constants, unknown cases and left-over bytes") {
  CHECK(read(with_layout(text("> a:H=5")), "0006") == strings{"! a at byte 0: expected 5, found 6"});
  CHECK(read(with_layout(text("> _m:bytes=4d5a a:B")), "4d5b01") ==
        strings{"! _m at byte 0: expected bytes 4d5a, found 4d5b"});
  CHECK(read(with_layout(text("> n:H=$size")), "0003") ==
        strings{"! n at byte 0: expected 2 ($size), found 3"});
  CHECK(read(with_layout(text("a:B")), "0102") == strings{"! byte 1: expected the end, found 1 more byte"});
  const auto cases = with_layout(
      list({text("op:B"),
            map({{"switch", text("op")}, {"cases", map({{"1", text("a:B")}, {"2, 3", text("b:B")}})}})}));
  CHECK(read(cases, "0401") == strings{"! byte 1: op is 4, and there is no such case; known: 1, 2, 3"});
}

// A frame of a megabyte whose every length is a lie is done with at once.
TEST_CASE("hostile frames cost linear time") {
  const auto types = with_layout(list({map({{"a", map({{"array", text("str(:H)")}})}})}));
  std::vector<std::uint8_t> frame(1 << 20, 0);
  const auto start = std::chrono::steady_clock::now();
  const auto found = read(types, hex(frame)).front();
  CHECK(found == "! a at byte 200000: more elements than the limit of 100000 in a packet");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

// Extreme numbers keep all their digits in both directions.
TEST_CASE("numbers keep their digits") {
  const auto types = with_layout(text("> a:Q b:q c:d d:f"));
  const std::string bytes =
      "ffffffffffffffff"
      "8000000000000000"
      "7ff8000000000000"
      "ff800000";
  CHECK(read(types, bytes) ==
        strings{R"(r {"a":18446744073709551615,"b":-9223372036854775808,"c":"nan","d":"-inf"})"});
  CHECK(packed(*types, "c", {{"a", 18446744073709551615u}, {"b", INT64_MIN}, {"c", "nan"}, {"d", "-inf"}}) ==
        bytes);
  CHECK(packed(*types, "c", {{"a", -1}, {"b", 0}, {"c", 0}, {"d", 0}}) ==
        "a at byte 0: expected an integer from 0 to 18446744073709551615, found -1");
  CHECK(packed(*types, "c", {{"a", 0}, {"b", 0}, {"c", 0}, {"d", 1e300}}) ==
        "d at byte 24: 1e+300 is too large for 32-bit floating point");
}
