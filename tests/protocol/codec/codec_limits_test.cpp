#include "protocol/codec/compression.hpp"
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string out;
  append_hex(out, bytes);
  return out;
}

// `size` bytes of zeros, compressed, behind their length in one byte.
std::string deflated(std::size_t size) {
  std::vector<std::uint8_t> out{0};
  REQUIRE(compress(transform_kind::zlib, std::vector<std::uint8_t>(size), out));
  out[0] = static_cast<std::uint8_t>(out.size() - 1);
  return hex(out);
}

std::string repeated(std::string_view what, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += what;
  return out;
}

}  // namespace

// Checksums may cover 16 times the packet's bytes and 64 KiB. Each of 384 checksums over the rest, which are
// 73,536 bytes together, is that exactly if the packet has 500 bytes.
TEST_CASE("the checksums of a packet have a budget") {
  const auto found = [](std::size_t before, std::size_t checksums) {
    const std::string layout =
        "[skip:bytes(" + std::to_string(before) + "), {a: {array: [{_s: {crc: sum8, over: rest}}]}}]";
    return unpacked(layout, repeated("00", before + checksums));
  };
  CHECK(found(116, 384).starts_with("{"));
  CHECK(found(115, 384) == "! a[377]._s at byte 492: the packet's checksums cover its bytes too often");
}

// All decompressed bytes of a packet share one ceiling.
TEST_CASE("decompressed bytes have a ceiling for the packet as a whole") {
  const std::string layout =
      "{layout: [{p: {inflate: zlib, type: bytes, size: ':B'}}, {q: {inflate: zlib, type: bytes, size: "
      "':B'}}], "
      "limits: {inflate: 10}}";
  CHECK(unpacked(layout, deflated(5) + deflated(5)) == R"({"p":"0000000000","q":"0000000000"})");
  CHECK(unpacked(layout, deflated(10) + deflated(0)) == R"({"p":"00000000000000000000","q":""})");
  CHECK(unpacked(layout, deflated(11) + deflated(0))
            .starts_with("! p at byte 1: the decompressed bytes exceed"));
  CHECK(unpacked(layout, deflated(5) + deflated(6)).find("q at byte ") == 2);
}

// Bytes within bytes may be nested as deep as the limit says; what stands side by side is not deeper.
TEST_CASE("nesting ends at its limit") {
  const auto layout = [](int nesting) {
    return "{layout: [{p: {fill: 3, size: 1, type: {q: {fill: 2, type: 'x:B'}}}}, {r: {fill: 2, size: 1, "
           "type: 'y:B'}}],"
           " limits: {nesting: " +
           std::to_string(nesting) + "}}";
  };
  CHECK(unpacked(layout(2), "0102") == R"({"p":{"q":{"x":1}},"r":{"y":2}})");
  CHECK(unpacked(layout(1), "0102") == "! p.q at byte 0: nested more than 1 deep");
  CHECK(unpacked(layout(0), "0102") == "! p at byte 0: nested more than 0 deep");
  const std::string framed =
      "{layout: ['_n:B', {p: {frames: pk}}], layouts: {pk: '_n:B x:B'}, framing: {length: B, counts: all}, "
      "limits: {nesting: 1}}";
  CHECK(unpacked(framed, "0502010202") == R"({"p":[{"x":1},{"x":2}]})");
  const std::string within =
      "{layout: ['_n:B', {p: {frames: pk}}], layouts: {pk: ['_n:B', {q: {fill: 1, type: 'x:B'}}]}, "
      "framing: {length: B, counts: all}, limits: {nesting: ";
  CHECK(unpacked(within + "2}}", "030201") == R"({"p":[{"q":{"x":1}}]})");
  CHECK(unpacked(within + "1}}", "030201") == "! p[0].q at byte 2: nested more than 1 deep");
}

// An error within decompressed bytes says where in them, and where they are.
TEST_CASE("errors within decompressed bytes have both places") {
  const std::string layout = "[a:B, {p: {inflate: zlib, size: ':B', type: 'x:B y:B=1'}}, 'b:B=$size']";
  std::vector<std::uint8_t> bytes{7, 0};
  REQUIRE(compress(transform_kind::zlib, std::vector<std::uint8_t>{5, 2}, bytes));
  bytes[1] = static_cast<std::uint8_t>(bytes.size() - 2);
  CHECK(unpacked(layout, hex(bytes)) ==
        "! p.y at byte 2: at byte 1 of the decompressed bytes: expected 1, found 2");
  CHECK(unpacked(layout, packed_from(layout, R"({"a":1,"p":{"x":9}})")) ==
        R"({"a":1,"p":{"x":9,"y":1},"b":13})");
  const std::string loose = "[{p: {inflate: zlib, type: 'x:B', trailing: drop}}]";
  CHECK(unpacked(loose, hex({bytes.begin() + 2, bytes.end()})) == R"({"p":{"x":5}})");
  const std::string exact = "[{p: {inflate: zlib, type: 'x:B'}}]";
  CHECK(unpacked(exact, hex({bytes.begin() + 2, bytes.end()})) ==
        "! byte 0: at byte 1 of the decompressed bytes: expected the end, found 1 more byte");
}

// A packet of a stream, and of a message, may have as many bytes as the limit says.
TEST_CASE("packets have a ceiling") {
  for (const char* mode : {"message", "stream"}) {
    INFO(mode);
    const std::string layout =
        std::string("{layout: '_n:B x:bytes', framing: {length: B, counts: all, mode: ") + mode +
        "}, limits: {packet: 4}}";
    CHECK(unpacked(layout, "04010203") == R"({"x":"010203"})");
    CHECK(unpacked(layout, "0501020304") == "! byte 0: a packet of 5 bytes exceeds the limit of 4");
    CHECK(unpacked(layout, "02010501") ==
          R"({"x":"01"} ! byte 2: a packet of 5 bytes exceeds the limit of 4)");
  }
}

// At most 128 fields can be used in expressions.
TEST_CASE("fields in expressions are limited") {
  const auto fields = [](int count) {
    std::string line;
    for (int i = 0; i < count; ++i)
      line += "n" + std::to_string(i) + ":B t" + std::to_string(i) + ":str(n" + std::to_string(i) + ") ";
    return line;
  };
  CHECK(mistakes_in(fields(128)).empty());
  CHECK(mistakes_in(fields(129)) == "0:0 more than 128 fields are used in expressions");
  CHECK(unpacked(fields(128), repeated("00", 127) + "0161").find(R"("n127":1,"t127":"a"})") !=
        std::string::npos);
}

// A layout has less than 20,000 instructions, two of which are its frame.
TEST_CASE("a layout's size is limited") {
  CHECK(mistakes_in("19997B").empty());
  CHECK(mistakes_in("19998B") == "1:10 the layout is too large: more than 20000 fields once written out");
  const auto uses = [](std::size_t count) {
    return "{layout: '" + repeated("none ", count) + "', layouts: {none: ~}}";
  };
  CHECK(mistakes_in(uses(20'000)).empty());
  CHECK(mistakes_in(uses(20'001)) == "1:100011 the layout is too large: layouts within layouts multiply");
}

// Of many mistakes in one layout the first fifty are told.
TEST_CASE("the mistakes of a layout are limited") {
  const auto count = [](int wrong) {
    std::string line;
    for (int i = 0; i < wrong; ++i) line += "a" + std::to_string(i) + ":zz ";
    const std::string found = mistakes_in(line);
    return std::count(found.begin(), found.end(), '\n') + 1;
  };
  CHECK(count(49) == 49);
  CHECK(count(50) == 50);
  CHECK(count(51) == 50);
}

// A varint in front of bytes within bytes moves them too.
TEST_CASE("a packet within moves with what is before it") {
  CHECK(packed_from("['_n:varint', {p: {fill: 210, type: 's:str(_n) x:B=$packet'}}]",
                    R"({"p":{"s":")" + std::string(200, 's') + R"("}})") ==
        "c801" + repeated("73", 200) + "d2");
}

// The same length field that cuts packets apart takes their length when they are put into one.
TEST_CASE("packets within a packet must fit their length field") {
  const std::string layout =
      "{layout: ['a:B', {p: {frames: pk}}], layouts: {pk: 'x:str'}, framing: {length: B, counts: after, "
      "strip: true}}";
  const auto json = [](std::size_t size) {
    return R"({"a":1,"p":[{"x":""},{"x":")" + std::string(size, 'x') + R"("}]})";
  };
  CHECK(packed_from(layout, json(256)) == "p[1] at byte 258: the packet is too long for its length field");
  CHECK(packed_from(layout, json(252)) == "ff0100fc" + repeated("78", 252));
  CHECK(packed_from(layout, json(253)) == "byte 0: the packet is too long for its length field");
}

// A case that was tried and not taken leaves no trace.
TEST_CASE("trials of cases leave nothing behind") {
  const std::string layout =
      "[_n:varint, 'a:B', {switch: $size, cases: {204: 'b:str(_n)', 205: 'b:str(_n) c:B'}}, {_s: {crc: sum8, "
      "over: [a, "
      "a]}}]";
  const std::string json = R"({"a":5,"b":")" + std::string(200, 'b');
  CHECK(packed_from(layout, json + R"(","c":7})") == "c80105" + repeated("62", 200) + "0705");
}

// The length of a Pascal string is one byte.
TEST_CASE("Pascal strings end at 255 bytes") {
  const auto json = [](std::size_t size) { return R"({"a":")" + std::string(size, 'x') + R"("})"; };
  CHECK(packed_from("a:257p", json(255)) == "ff" + repeated("78", 255) + "00");
  CHECK(packed_from("a:257p", json(256)) ==
        "a at byte 0: 256 bytes do not fit 257, one of which is the length");
  CHECK(unpacked("a:257p", "ff" + repeated("78", 255) + "79") == json(255));
}

// A varint that is filled in later moves everything behind it: other gaps, regions and what checksums cover.
TEST_CASE("varints filled in later move what follows") {
  for (const char* layout :
       {"_a:varint=$size s:str", "s:str(:varint) _a:varint=$rest t:B",
        "_a:varint=$packet _n:varint s:str(_n)", "_a:varint=$rest s:str",
        "[_n:varint, s:str(_n), {_c: {crc: crc32, over: [s, s]}}]",
        "[_n:varint, s:str(_n), {_c: {crc: crc32, over: [_n, s]}}]",
        "[_n:varint, s:str(_n), {_c: {crc: crc32}}]",
        "[_n:varint, '_m:varint', 's:str(_n)', 't2:str(_m)', {_c: {crc: crc32, over: [t2, t2]}}]",
        // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text on two lines
        "[{in: {size: ':varint', type: ['s:str(:varint)', {_c: {crc: crc32}}]}}, {_c: {crc: crc32, over: "
        "[in, in]}}]",
        "[_n:varint, {in: {size: ':varint', type: 's:str(_n) _z:H=$size _y:varint=$size'}}, "
        "'_x:varint=$packet']",
        "[{in: {size: ':varint', type: '@ _b:b=1 _h:i=2 s:str(:varint) _y:varint=$size'}}, '_x:I=$size']",
        "[{e: {array: ['_n:varint', 's:str(_n)'], count: ':varint', each: varint}}, '_x:I=$size']"}) {
    INFO(layout);
    const auto types = compiled(definition(layout));
    for (const std::size_t size : {0, 1, 120, 123, 124, 125, 126, 127, 128, 129, 200, 16'379, 16'380, 16'381,
                                   16'382, 16'383, 16'384}) {
      INFO(size);
      const std::string s(size, 's');
      nlohmann::ordered_json values{{"s", s}};
      const std::string_view text(layout);
      if (text.find("t:B") != std::string_view::npos) values["t"] = 1;
      if (text.find("t2") != std::string_view::npos) values["t2"] = "t" + s;
      if (text.find("in:") != std::string_view::npos) values = {{"in", values}};
      if (text.find("e: {") != std::string_view::npos) values = {{"e", {values, values, {{"s", "x"}}}}};
      CHECK(read(types, packed(*types, "c", values)) == strings{"r " + values.dump()});
    }
  }
}
