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
