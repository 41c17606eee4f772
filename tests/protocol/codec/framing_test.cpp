#include "protocol/message/message_type.hpp"
#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

node framing(std::vector<std::pair<std::string, node>> entries) {
  return map(std::move(entries));
}

std::vector<std::uint8_t> bytes(const std::string& hex) {
  return *parse_hex(hex);
}

}  // namespace

// Two packets in one message, then a third whose length is wrong: the first two are read all the same.
TEST_CASE("packets are cut out of a message") {
  const auto types = with_layout(text("> n:B op:B rest:bytes"),
                                 {{"framing", framing({{"length", text("B")}, {"counts", text("all")}})}});
  CHECK(read(types,
             "0201"
             "03020a"
             "09ff") == strings{R"(r {"n":2,"op":1,"rest":""})", R"(r {"n":3,"op":2,"rest":"0a"})",
                                "! byte 5: the packet's length says 9 bytes, 2 are left"});
  CHECK(read(types,
             "0201"
             "00ffff") == strings{R"(r {"n":2,"op":1,"rest":""})",
                                  "! byte 2: the packet's length says 0, less than its own header"});
  CHECK(packed(*types, "c", {{"op", 5}, {"rest", "aabb"}}) == "0405aabb");
  CHECK(packed(*types, "c", {{"n", 9}, {"op", 5}, {"rest", ""}}) == "0905");
}

// A packet in pieces comes out once it is whole, however the pieces fall.
TEST_CASE("a stream's packets span messages") {
  const auto types = with_layout(
      text("t:B _n:varint(4) rest:bytes"),
      {{"framing", framing({{"length", text("varint(4)")}, {"at", integer(1)}, {"mode", text("stream")}})}});
  const std::vector<std::uint8_t> all = bytes(
      "01020a0b"
      "0200"
      "03010c");
  for (std::size_t step = 1; step <= all.size(); ++step) {
    packet_reader reader(types, direction::reply);
    strings found;
    for (std::size_t at = 0; at < all.size(); at += step) {
      const std::vector<std::uint8_t> piece(
          all.begin() + static_cast<std::ptrdiff_t>(at),
          all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), at + step)));
      for (std::string& each : read(reader, frame_kind::binary, piece)) found.push_back(std::move(each));
    }
    CHECK(found ==
          strings{R"(r {"t":1,"rest":"0a0b"})", R"(r {"t":2,"rest":""})", R"(r {"t":3,"rest":"0c"})"});
  }
  CHECK(packed(*types, "c", {{"t", 1}, {"rest", std::string(400, '0')}}).substr(0, 6) == "01c801");
}

// After a length that makes no sense a stream has lost its place, and says so at every later message.
TEST_CASE("a stream that lost its place stays lost") {
  const auto types = with_layout(
      text("_n:B rest:bytes"),
      {{"framing", framing({{"length", text("B")}, {"counts", text("all")}, {"mode", text("stream")}})}});
  packet_reader reader(types, direction::reply);
  CHECK(read(reader, frame_kind::binary, bytes("02aa00")) ==
        strings{R"(r {"rest":"aa"})", "! byte 2: the packet's length says 0, less than its own header"});
  CHECK(read(reader, frame_kind::binary, bytes("02aa")) ==
        strings{"! byte 0: an earlier packet broke the framing of the stream"});
}

// With `strip` layouts neither see nor say the length.
TEST_CASE("framing adds and takes off the length") {
  const auto types = with_layout(
      text("op:B name:str"),
      {{"framing", framing({{"length", text(">H")}, {"counts", text("after")}, {"strip", boolean(true)}})}});
  CHECK(packed(*types, "c", {{"op", 1}, {"name", "hi"}}) ==
        "0003"
        "016869");
  CHECK(read(types,
             "0003016869"
             "000102") == strings{R"(r {"op":1,"name":"hi"})", R"(r {"op":2,"name":""})"});
  CHECK(packed(*types, "c", {{"op", 1}, {"name", std::string(65536, 'x')}}) ==
        "byte 0: the packet is too long for its length field");
}

namespace {

/// One word a packet, of text or of binary messages, both ways.
std::shared_ptr<const protocol> words_in(frame_kind kind, const node& rule, const node& limits = map({})) {
  const node frame = text(kind == frame_kind::text ? "text" : "binary");
  const node layout = text("word:str");
  return compiled(map({{"framing", rule},
                       {"limits", limits},
                       {"commands", map({{"c", map({{"frame", frame}, {"layout", layout}})}})},
                       {"replies", list({map({{"as", text("r")}, {"frame", frame}, {"layout", layout}})})}}));
}

std::shared_ptr<const protocol> lines_of(std::vector<std::pair<std::string, node>> rule) {
  return with_layout(text("word:str"), {{"framing", framing(std::move(rule))}});
}

/// What comes out of a text that arrives in pieces of this size.
strings in_pieces(packet_reader& reader, frame_kind kind, const std::string& all, std::size_t step) {
  strings found;
  for (std::size_t at = 0; at < all.size(); at += step) {
    const std::string piece = all.substr(at, step);
    const std::vector<std::uint8_t> message(piece.begin(), piece.end());
    for (std::string& each : read(reader, kind, message)) found.push_back(std::move(each));
  }
  return found;
}

std::string hex_of(const std::string& text) {
  std::string hex;
  append_hex(hex, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return hex;
}

}  // namespace

// The last packet of a message needs no delimiter, and what is empty is no packet.
TEST_CASE("a delimiter cuts a message into packets") {
  const auto types = lines_of({{"delimiter", text("\r\n")}});
  CHECK(read(types, hex_of("ab\r\n\r\nc\r\r\nd")) ==
        strings{R"(r {"word":"ab"})", R"(r {"word":"c\r"})", R"(r {"word":"d"})"});
  CHECK(read(types, hex_of("\r\n")).empty());
  CHECK(read(types, "").empty());
  CHECK(packed(*types, "c", {{"word", "ab"}}) == hex_of("ab\r\n"));
  CHECK(packed(*types, "c", {{"word", "a\nb\r"}}) == hex_of("a\nb\r\r\n"));
  CHECK(packed(*types, "c", {{"word", "a\r\nb"}}) == "byte 0: the packet holds the framing's delimiter");
}

TEST_CASE("lines end in a line feed, with or without a carriage return") {
  for (const bool is_short : {false, true}) {
    const auto types = is_short ? with_layout(text("word:str"), {{"framing", text("lines")}})
                                : lines_of({{"delimiter", text("\n")}});
    CHECK(read(types, hex_of("a\r\nb\n\r\nc")) ==
          strings{R"(r {"word":"a"})", R"(r {"word":"b"})", R"(r {"word":"c"})"});
    CHECK(packed(*types, "c", {{"word", "a"}}) == hex_of("a\n"));
    CHECK(packed(*types, "c", {{"word", "a\r"}}) == "byte 0: a line cannot end in a carriage return");
    CHECK(packed(*types, "c", {{"word", "a\nb"}}) == "byte 0: the packet holds the framing's delimiter");
  }
}

// However the messages are cut: each cut of the same bytes gives the same packets.
TEST_CASE("a delimiter's packets span messages") {
  for (const std::string delimiter : {"\x1e", "\r\n", "aab", "\n"})
    for (const frame_kind kind : {frame_kind::binary, frame_kind::text}) {
      const auto types = words_in(kind, framing({{"delimiter", text(delimiter)}, {"mode", text("stream")}}));
      const strings words{"x", "aa", "a\rb", "long enough for several pieces"};
      std::string all;
      strings wanted;
      for (const std::string& word : words) {
        std::vector<std::uint8_t> made;
        REQUIRE_FALSE(pack(*types->find(direction::command, "c"), {{"word", word}}, made));
        all.append(made.begin(), made.end());
        wanted.push_back("r " + nlohmann::ordered_json{{"word", word}}.dump());
      }
      for (std::size_t step = 1; step <= all.size(); ++step) {
        INFO(nlohmann::ordered_json(delimiter) << " " << step);
        packet_reader reader(types, direction::reply);
        CHECK(in_pieces(reader, kind, all + "rest", step) == wanted);
      }
    }
}

TEST_CASE("a stream's packet between delimiters has a largest size") {
  const auto types = words_in(frame_kind::text, framing({{"delimiter", text(";")}, {"mode", text("stream")}}),
                              map({{"packet", integer(8)}}));
  const std::string broken = "! byte 0: an earlier packet broke the framing of the stream";
  for (const std::size_t step : {1u, 3u, 100u}) {
    packet_reader good(types, direction::reply);
    CHECK(in_pieces(good, frame_kind::text, "1234567;12345678", step) == strings{R"(r {"word":"1234567"})"});
    packet_reader bad(types, direction::reply);
    const strings found = in_pieces(bad, frame_kind::text, "12345678;1;", step);
    REQUIRE_FALSE(found.empty());
    CHECK(found.front().find("a packet of more than 8 bytes exceeds the limit") != std::string::npos);
    CHECK(
        std::all_of(found.begin() + 1, found.end(), [&](const std::string& each) { return each == broken; }));
  }
}

TEST_CASE("a packet cannot begin as text and end as bytes") {
  const auto types = lines_of({{"delimiter", text(";")}, {"mode", text("stream")}});
  packet_reader reader(types, direction::reply);
  CHECK(read(reader, frame_kind::text, bytes("613b")).size() == 1);
  CHECK(read(reader, frame_kind::binary, bytes("613b62")) == strings{R"(r {"word":"a"})"});
  CHECK(read(reader, frame_kind::text, bytes("3b")) ==
        strings{"! byte 0: an earlier packet broke the framing of the stream"});
}

// What goes before the text must not come out again behind it.
TEST_CASE("a text message between the pieces of a binary stream leaves them alone") {
  const auto types = with_layout(text("_n:B rest:bytes"),
                                 {{"framing", framing({{"length", text("B")}, {"mode", text("stream")}})}});
  packet_reader reader(types, direction::reply);
  CHECK(read(reader, frame_kind::binary, bytes("01aa02")) == strings{R"(r {"rest":"aa"})"});
  CHECK(read(reader, frame_kind::text, bytes("61")).size() == 1);
  CHECK(read(reader, frame_kind::binary, bytes("bbcc")) == strings{R"(r {"rest":"bbcc"})"});
}

// JSON messages and what has no type of its own end in the delimiter, too; a length is of binary messages.
TEST_CASE("every packet that is sent ends in the delimiter") {
  const auto framed = [](const protocol& types, frame_kind kind, const std::string& packet) {
    std::vector<std::uint8_t> made(packet.begin(), packet.end());
    const char* why = add_framing(types, kind, made);
    return why == nullptr ? std::string(made.begin(), made.end()) : "! " + std::string(why);
  };
  const auto json = compiled(map({{"framing", framing({{"delimiter", text("}")}})},
                                  {"commands", map({{"c", map({{"frame", text("text")}})}})}}));
  CHECK(packed(*json, "c", {1}) == hex_of("[1]}"));
  CHECK(packed(*json, "c", {{"a", 1}}) == "byte 0: the packet holds the framing's delimiter");
  CHECK(framed(*json, frame_kind::text, "x") == "x}");
  CHECK(framed(*json, frame_kind::binary, "x}") == "! the packet holds the framing's delimiter");
  const auto length =
      with_layout(text("op:B"), {{"framing", framing({{"length", text("B")}, {"strip", boolean(true)}})}});
  CHECK(framed(*length, frame_kind::text, "x") == "x");
  CHECK(framed(*length, frame_kind::binary, "x") == "\x01x");
  CHECK(framed(*with_layout(text("op:B")), frame_kind::binary, "x") == "x");
}
