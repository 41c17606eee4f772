// Streams whose packets have no length: each ends where its layout does, and its first bytes choose the
// layout.
#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::shared_ptr<const protocol> stream_of(const std::string& layout, const std::string& more = "") {
  return compiled(
      yaml("{framing: layouts, " + more + "byte_order: big, replies: [{as: r, layout: " + layout + "}]}"));
}

/// What comes out of bytes that arrive in messages of this size.
strings in_pieces(const std::shared_ptr<const protocol>& types, const std::vector<std::uint8_t>& all,
                  std::size_t step, direction way = direction::reply) {
  packet_reader reader(types, way);
  strings found;
  for (std::size_t at = 0; at < all.size(); at += step) {
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(at);
    const std::vector<std::uint8_t> piece(
        from, from + static_cast<std::ptrdiff_t>(std::min(step, all.size() - at)));
    for (std::string& each : read(reader, frame_kind::binary, piece)) found.push_back(std::move(each));
  }
  return found;
}

std::vector<std::uint8_t> bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

void check_each_cut(const std::shared_ptr<const protocol>& types, const std::vector<std::uint8_t>& all,
                    const strings& wanted, direction way = direction::reply) {
  for (std::size_t step = 1; step <= all.size(); ++step) {
    INFO(step);
    CHECK(in_pieces(types, all, step, way) == wanted);
  }
}

}  // namespace

// However the bytes are cut into messages, the same packets come out.
TEST_CASE("a packet ends where its layout does") {
  struct stream {
    const char* layout;
    const char* hex;  // packed, twice
    const char* json;
  };
  const stream streams[] = {
      {"'a:B b:H'", "01 0203", R"({"a":1,"b":515})"},
      {"'n:varint t:str(:B)'", "ac02 02 6869", R"({"n":300,"t":"hi"})"},
      {"'_n:B ids:H[_n] t:zstr'", "02 0001 0002 616200", R"({"ids":[1,2],"t":"ab"})"},
      {R"('_mark:1s="*" words:str(until "\r\n")[:decnum(until "\r\n")]')", "2a 32 0d0a 61 0d0a 62 0d0a",
       R"({"words":["a","b"]})"},
      {R"('words:zstr[until "\r\n"] x:B')", "6100 0d00 0d0a 07", R"({"words":["a","\r"],"x":7})"},
      {"['k:B', {if: 'k > 1', then: 'a:str(:B)', else: 'b:H'}]", "02 01 61", R"({"k":2,"a":"a"})"},
      {"['k:B', {switch: k, cases: {0: 'a:B', 1: ['n:B', {if: 'n > 0', then: 'b:B[n]'}]}}]", "01 02 0708",
       R"({"k":1,"n":2,"b":[7,8]})"},
      {"[{list: {array: ['n:B', {words: {array: 'w:str(:B)', count: ':B'}}], count: ':B'}}]",
       "02 05 02 0161 0162 06 00", R"({"list":[{"n":5,"words":[{"w":"a"},{"w":"b"}]},{"n":6,"words":[]}]})"},
      {"[{data: {size: ':H', type: 'a:B rest:bytes'}}, 'z:B']", "0003 01 0203 09",
       R"({"data":{"a":1,"rest":"0203"},"z":9})"},
      {"[{key: {type: 'str(:h)', none: -1}}, 'z:B']", "ffff 09", R"({"key":null,"z":9})"},
      {"['w:H h:H', 'pixels:bytes(w * h * 2)']", "0001 0002 01020304",
       R"({"w":1,"h":2,"pixels":"01020304"})"},
      {"['a:B b:str(:B)', {sum: {crc: sum8, over: [a, b]}}]", "05 01 07 0d",
       R"({"a":5,"b":"\u0007","sum":13})"},
      {"[{head: {bits: B, fields: {kind: 4, size: 4}}}, 't:str(head.size)']", "32 6869",
       R"({"head":{"kind":3,"size":2},"t":"hi"})"},
  };
  for (const stream& each : streams) {
    INFO(each.layout);
    const auto types = stream_of(each.layout);
    std::string digits = each.hex;
    std::erase(digits, ' ');
    const std::string packet = "r " + std::string(each.json);
    check_each_cut(types, *parse_hex(digits + digits), {packet, packet});
    // What is not complete is no packet yet.
    const std::vector<std::uint8_t> whole = *parse_hex(digits);
    for (std::size_t size = 0; size < whole.size(); ++size)
      CHECK(
          in_pieces(types, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}, 100).empty());
  }
}

// Redis: the first byte says what comes, also where the message ends behind it.
TEST_CASE("the first bytes of a packet choose its layout") {
  const auto types = compiled(yaml(R"(
framing: layouts
replies:
  - {as: ok, when: {starts: "+OK"}, layout: '_mark:3s="+OK" _end:bytes=0d0a'}
  - {as: simple, when: {starts: "+"}, layout: '_mark:1s="+" text:str(until "\r\n")'}
  - {as: number, when: {starts: ":"}, layout: '_mark:1s=":" value:decnum(until "\r\n")'}
  - as: bulk
    when: {opcode: {at: 0, type: B, is: 36}}
    layout: ['_mark:1s="$" _n:decnum(until "\r\n")', {text: {type: 'str(_n)', none: -1}}, {if: '_n >= 0', then: '_end:bytes=0d0a'}]
  - {as: late, when: {opcode: {at: 1, type: B, is: 1}}, layout: 'a:B b:B'}
)"));
  const std::string all = "+OK\r\n+OH\r\n:-7\r\n$2\r\nhi\r\n$-1\r\nx\x01+\r\n";
  check_each_cut(types, bytes_of(all),
                 {"ok {}", R"(simple {"text":"OH"})", R"(number {"value":-7})", R"(bulk {"text":"hi"})",
                  R"(bulk {"text":null})", R"(late {"a":120,"b":1})", R"(simple {"text":""})"});
}

// RFB: what a byte means depends on what came before it.
TEST_CASE("the packet in front chooses the layout") {
  const auto types = compiled(yaml(R"(
framing: layouts
byte_order: big
commands:
  version: '_v:4s="RFB "'
  security: {when: {after: version}, layout: 'kind:B'}
  key: '_type:B=4 down:?'
replies:
  - {as: version, when: {starts: "RFB "}, layout: 'v:str(until "\n")'}
  - {as: security, when: {after: version}, layout: 'kinds:B[:B]'}
  - {as: result, when: {after: security}, layout: 'status:I'}
  - {as: bell, when: {starts: {hex: '02'}}, layout: '_type:B=2'}
)"));
  check_each_cut(types, bytes_of(std::string("RFB 3.8\n\x02\x01\x02\0\0\0\0\x02\x02", 17)),
                 {R"(version {"v":"RFB 3.8"})", R"(security {"kinds":[1,2]})", R"(result {"status":0})",
                  "bell {}", "bell {}"});
  check_each_cut(types, bytes_of("RFB \x04\x04\x01"),
                 {"version {}", R"(security {"kind":4})", R"(key {"down":true})"}, direction::command);
}

// Without streams, too: a header that says what the message behind it is.
TEST_CASE("a message is chosen by the one before it") {
  const auto types = compiled(yaml(R"(
replies:
  - {as: header, when: {starts: {hex: '03'}}, layout: '_mark:B=3 kind:B'}
  - {as: file, when: {after: header, frame: binary}, layout: 'data:bytes'}
  - {as: words, when: {after: [header, words], frame: text}, json: {text: ~}}
  - {as: other, when: {frame: text}, json: {text: ~}}
)"));
  packet_reader reader(types, direction::reply);
  const auto binary = [&](const char* hex) { return read(reader, frame_kind::binary, *parse_hex(hex)); };
  const auto message = [&] { return read(reader, frame_kind::text, bytes_of(R"({"text":"x"})")); };
  CHECK(message() == strings{R"(other {"text":"x"})"});
  CHECK(binary("07").front().starts_with("! "));
  CHECK(binary("0301") == strings{R"(header {"kind":1})"});
  CHECK(binary("07") == strings{R"(file {"data":"07"})"});
  CHECK(binary("0302") == strings{R"(header {"kind":2})"});
  CHECK(message() == strings{R"(words {"text":"x"})"});
  CHECK(message() == strings{R"(words {"text":"x"})"});
  CHECK(binary("05").front().starts_with("! "));
  CHECK(message() == strings{R"(other {"text":"x"})"});  // what is raw is in front now
}

// A text that is not UTF-8, JSON that is none: the packet's end is known, and the stream goes on behind it.
TEST_CASE("what a text holds does not break a stream") {
  const auto types = stream_of(R"('_n:B text:str(_n) data:json(:B)')");
  for (const std::size_t step : {1u, 2u, 3u, 5u, 100u}) {
    const strings found = in_pieces(types,
                                    *parse_hex("01ff0131"
                                               "01610278ff"
                                               "01620132"),
                                    step);
    REQUIRE(found.size() == 3);
    CHECK(found[0].ends_with("not UTF-8 (a field of type bytes takes anything)"));
    CHECK(found[1].find("not JSON: not UTF-8") != std::string::npos);
    CHECK(found[2] == R"(r {"text":"b","data":2})");
  }
}

TEST_CASE("bytes that no layout fits break a stream") {
  const auto types = compiled(yaml(R"(
framing: layouts
replies: [{as: a, when: {starts: "a"}, layout: '_a:1s="a" n:decnum(until ";")'}, {as: b, when: {starts: "bc"}, layout: '_b:2s="bc"'}]
)"));
  CHECK(in_pieces(types, bytes_of("a1;xa2;"), 100) ==
        strings{R"(a {"n":1})", "! byte 3: no reply begins like this"});
  CHECK(in_pieces(types, bytes_of("a1;bxa2;"), 100) ==
        strings{R"(a {"n":1})", "! byte 3: no reply begins like this"});
  const strings found = in_pieces(types, bytes_of("a1;ax;a2;"), 3);
  REQUIRE(found.size() == 3);
  CHECK(
      found[1] ==
      R"(! n at byte 1: expected an integer from -9223372036854775808 to 9223372036854775807 in decimal digits, found "x")");
  CHECK(found[2] == "! byte 0: an earlier packet broke the framing of the stream");
}

TEST_CASE("a packet that its layout cuts has a largest size") {
  const std::string limits = "limits: {packet: 8, count: 3}, ";
  for (const std::size_t step : {1u, 3u, 100u}) {
    const auto text = stream_of("'t:zstr'", limits);
    CHECK(in_pieces(text, bytes_of(std::string("1234567\0", 8)), step) == strings{R"(r {"t":"1234567"})"});
    CHECK(in_pieces(text, bytes_of(std::string("12345678\0", 9)), step)
              .front()
              .ends_with("a packet of more than 8 bytes exceeds the limit"));
    const auto sized = stream_of("'t:str(:I)'", limits);
    CHECK(in_pieces(sized, *parse_hex("0000000461626364"), step) == strings{R"(r {"t":"abcd"})"});
    CHECK(in_pieces(sized, *parse_hex("00000005"), step)
              .front()
              .ends_with("a packet of more than 8 bytes exceeds the limit"));
    CHECK(in_pieces(sized, *parse_hex("ffffffff"), step)
              .front()
              .ends_with("a packet of more than 8 bytes exceeds the limit"));
    const auto counted = stream_of("'t:B[:B]'", limits);
    CHECK(in_pieces(counted, *parse_hex("03010203"), step) == strings{R"(r {"t":[1,2,3]})"});
    CHECK(in_pieces(counted, *parse_hex("0401020304"), step).front() ==
          "! t at byte 1: 4 elements exceed the limit of 3 in a packet");
  }
}

// A million bytes in messages of one byte: no byte is walked over twice.
TEST_CASE("the time to cut a stream is linear however it arrives", "[volume]") {
  const std::size_t size = 1'000'000;
  std::string items;
  for (std::size_t i = 0; i < 99'999; ++i) items += "1234567;";
  const std::pair<const char*, std::string> streams[] = {
      {"'t:zstr'", std::string(size, 'x') + '\0'},
      {R"('t:str(until "--")')",
       std::string(size, '-').replace(1, size - 2, std::string(size - 2, 'x')) + "-"},
      {R"('t:str(until ";")[until "."]')", items + "."},
      {R"('t:decnum(until ";")[:I]')", std::string("\0\1\x86\x9f", 4) + items}};
  for (const auto& [layout, bytes] : streams) {
    INFO(layout);
    const strings found = in_pieces(stream_of(layout), bytes_of(bytes), 1);
    REQUIRE(found.size() == 1);
    CHECK(found[0].size() > size / 2);
    CHECK(found[0].starts_with("r {"));
  }
}

TEST_CASE("mistakes of framing by layouts") {
  const auto mistake = [](const std::string& reply) {
    return mistakes_in_protocol("{framing: layouts, byte_order: big, replies: [" + reply + "]}");
  };
  const std::string how = " (give it a size or a count, or let it end at a text: str(until \"\\n\"))";
  const auto endless = [&](const std::string& why) {
    return "1:47 p.replies[0]: framing: layouts cannot tell where 'r' ends: " + why + how;
  };
  const std::pair<const char*, const char*> layouts[] = {
      {"'x:bytes'", "'x' takes the rest"},
      {"'x:B y:str'", "'y' takes the rest"},
      {"'x:B y:B[*]'", "'y' takes the rest"},
      {"[{x: {inflate: zlib, type: json}}]", "a part without a name takes the rest"},
      {"'x:B n:H=$rest y:str(:B)'", "'n' needs '$rest'"},
      {"'x:B y:str($size - 4) z:B'", "'y' needs '$size - 4'"},
      {"['x:B', {if: '$packet > 3', then: 'y:B'}]", "a part without a name needs '$packet > 3'"},
      {"['x:B', {y: {size: ':B', type: 'z:B=$packet'}}]", "'z' needs '$packet'"},
      {"['x:B', {sum: {crc: sum8, over: rest}}, 'y:B']", "'sum' covers the rest"},
      {"[{x: {size: 0, type: 'y:bytes'}}]", "it may take no bytes at all"},
  };
  for (const auto& [layout, why] : layouts) {
    INFO(layout);
    CHECK(mistake("{as: r, layout: " + std::string(layout) + "}") == endless(why));
  }
  CHECK(mistake("{as: r, layout: [{x: {size: ':B', type: 'n:B=$rest y:bytes'}}]}").empty());
  CHECK(mistake("{as: r, when: {size: 3}, layout: 'x:B'}") ==
        "1:47 p.replies[0]: with framing: layouts a packet is chosen by its first bytes, before its end is "
        "known (write 'starts', "
        "'opcode' or 'after' in its 'when')");
  CHECK(mistake("{as: a, when: {after: b}, layout: 'x:B'}") ==
        "1:69 p.replies[0].when.after: there is no reply 'b' (did you mean 'a'?)");
  CHECK(mistake("{as: a, when: {after: {}}, layout: 'x:B'}")
            .find("expected the name of what comes in front, or a list") != std::string::npos);
  CHECK(mistake("{as: a, when: {after: a}, layout: 'x:B'}, {as: b, when: {after: [a, b]}, layout: 'x:B'}")
            .empty());
  CHECK(mistake("{as: a, when: {after: [a, b]}, layout: 'x:B'}, {as: b, when: {after: b}, layout: 'x:B'}")
            .find("never reached: 'a' before it takes every binary frame of this one") != std::string::npos);
}
