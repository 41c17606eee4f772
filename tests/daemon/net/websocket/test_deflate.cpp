#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/net/websocket/frame_header.hpp"
#include "daemon/net/websocket/permessage_deflate.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/raw_peer.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using config::deflate_settings;

constexpr std::uint8_t fin = 0x80;
constexpr std::uint8_t rsv1 = 0x40;
constexpr std::uint8_t text = 1;
constexpr std::uint8_t binary = 2;
constexpr std::uint8_t ping = 9;
constexpr std::string_view plain_answer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

std::span<const std::uint8_t> bytes_of(std::string_view value) {
  return {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()};
}

/// Unpacks one message that comes in pieces of this size; nothing if it is refused.
std::optional<std::string> unpack(inflater& from, std::string_view payload, std::size_t piece,
                                  std::uint64_t limit = 1U << 20) {
  std::vector<std::uint8_t> out;
  std::size_t size = 0;
  do {
    const auto part = payload.substr(0, piece);
    payload.remove_prefix(part.size());
    if (from.add(bytes_of(part), payload.empty(), limit, out, size) != inflater::result::good)
      return std::nullopt;
  } while (!payload.empty());
  return std::string(reinterpret_cast<const char*>(out.data()), size);
}

std::string packed(deflater& with, std::string_view message) {
  const auto payload = with.compress(bytes_of(message));
  return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string all(size, '\0');
  for (auto& byte : all) byte = static_cast<char>(random());
  return all;
}

}  // namespace

TEST_CASE("deflate: what is offered") {
  CHECK(deflate_offer({}) == "permessage-deflate; client_max_window_bits");
  CHECK(deflate_offer({.server_max_window_bits = 10,
                       .client_max_window_bits = 9,
                       .server_no_context_takeover = true,
                       .client_no_context_takeover = true}) ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=10; "
        "client_max_window_bits=9");
}

TEST_CASE("deflate: answers that agree") {
  std::string why;
  const auto read = [&](std::string_view header, const deflate_settings& offered = {}) {
    auto agreed = read_deflate_answer(header, offered, why);
    INFO(header << ": " << why);
    REQUIRE(agreed);
    return *agreed;
  };
  const auto plain = read("permessage-deflate");
  CHECK(plain.server_takeover);
  CHECK(plain.client_takeover);
  CHECK(plain.client_window_bits == 15);

  const auto all = read(
      "permessage-deflate;server_no_context_takeover ; client_no_context_takeover; "
      "server_max_window_bits = 10;client_max_window_bits=\"9\"");
  CHECK_FALSE(all.server_takeover);
  CHECK_FALSE(all.client_takeover);
  CHECK(all.server_window_bits == 10);
  CHECK(all.client_window_bits == 9);

  // What we promise for ourselves holds although the server does not mention it.
  const auto ours =
      read("permessage-deflate", {.client_max_window_bits = 11, .client_no_context_takeover = true});
  CHECK(ours.client_window_bits == 11);
  CHECK_FALSE(ours.client_takeover);
}

TEST_CASE("deflate: answers that must end the handshake") {
  const auto header = GENERATE(
      "", "x-webkit-deflate-frame", "permessage-deflate, permessage-deflate", "permessage-deflate; level=9",
      "permessage-deflate; ; ", "permessage-deflate; server_no_context_takeover=1",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
      "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
      "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=010",
      "permessage-deflate; server_max_window_bits=1x", "permessage-deflate; server_max_window_bits=\"",
      "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
      "permessage-deflate; client_max_window_bits=-9");
  std::string why;
  CHECK_FALSE(read_deflate_answer(header, {}, why));
  CHECK_FALSE(why.empty());
}

// RFC 7692, 7.1.1.1 and 7.1.2.1: a server that cannot do what was asked must not agree at all.
TEST_CASE("deflate: a server that ignores what was asked") {
  std::string why;
  CHECK_FALSE(read_deflate_answer("permessage-deflate", {.server_max_window_bits = 10}, why));
  CHECK(why == "the server does not agree to server_max_window_bits=10");
  CHECK_FALSE(read_deflate_answer("permessage-deflate; server_max_window_bits=11",
                                  {.server_max_window_bits = 10}, why));
  CHECK_FALSE(read_deflate_answer("permessage-deflate", {.server_no_context_takeover = true}, why));
  CHECK(why == "the server does not agree to server_no_context_takeover");
  CHECK_FALSE(read_deflate_answer("permessage-deflate; client_max_window_bits=12",
                                  {.client_max_window_bits = 11}, why));
}

// The examples of RFC 7692, 7.2.3, in pieces of every size.
TEST_CASE("deflate: the standard's examples") {
  using namespace std::string_literals;
  for (std::size_t piece = 1; piece <= 16; ++piece) {
    INFO("pieces of " << piece);
    inflater one({});
    CHECK(unpack(one, "\xf2\x48\xcd\xc9\xc9\x07\x00"s, piece) == "Hello");
    CHECK(unpack(one, "\xf2\x00\x11\x00\x00"s, piece) == "Hello");  // refers to the one before
    CHECK(unpack(one, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s, piece) == "Hello");
    CHECK(unpack(one, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s, piece) == "Hello");
    CHECK(unpack(one, "\x00"s, piece) == "");
    CHECK(unpack(one, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s, piece) == "Hello");  // the stream is ended in it
    CHECK(unpack(one, "\xf2\x48\xcd\xc9\xc9\x07\x00"s, piece) == "Hello");
  }
}

TEST_CASE("deflate: what cannot be unpacked") {
  using namespace std::string_literals;
  inflater fresh({});
  SECTION("not deflate") {
    CHECK_FALSE(unpack(fresh, "\xff\xff\xff", 16));
  }
  SECTION("cut off") {
    CHECK_FALSE(unpack(fresh, "\xf2\x48\xcd"s, 16));
  }
  SECTION("nothing at all") {
    CHECK_FALSE(unpack(fresh, "", 16));
  }
  SECTION("it refers to what was before the first byte") {
    CHECK_FALSE(unpack(fresh, "\xf2\x00\x11\x00\x00"s, 16));
  }
  SECTION("it refers to the message before, without takeover") {
    inflater forgets({.server_takeover = false});
    CHECK(unpack(forgets, "\xf2\x48\xcd\xc9\xc9\x07\x00"s, 16) == "Hello");
    CHECK_FALSE(unpack(forgets, "\xf2\x00\x11\x00\x00"s, 16));
  }
}

// A few bytes may unpack to a thousand times as many: the limit holds for what comes out, and nothing more
// than that is taken in memory.
TEST_CASE("deflate: a bomb is stopped at the limit") {
  deflater pack({}, {});
  const std::string bomb = packed(pack, std::string(4U << 20, 'a'));
  CHECK(bomb.size() < 10'000);
  inflater unpacker({});
  std::vector<std::uint8_t> out;
  std::size_t size = 0;
  CHECK(unpacker.add(bytes_of(bomb), true, 1'000'000, out, size) == inflater::result::too_long);
  CHECK(out.size() <= 1'000'001);

  inflater exact({});
  CHECK(unpack(exact, bomb, 1000, 4U << 20)->size() == 4U << 20);
  inflater tight({});
  CHECK_FALSE(unpack(tight, bomb, 1000, (4U << 20) - 1));
}

TEST_CASE("deflate: messages of all sizes survive, with every window") {
  const std::string random = noise(100'000);
  for (int bits = 9; bits <= 15; ++bits) {
    for (const bool takeover : {true, false}) {
      const deflate_agreement agreed{.server_window_bits = bits,
                                     .client_window_bits = bits,
                                     .server_takeover = takeover,
                                     .client_takeover = takeover};
      deflater pack(agreed, {.level = static_cast<std::uint16_t>(bits - 6)});
      inflater unpacker(agreed);
      for (const std::size_t size : {1U, 5U, 64U, 16'383U, 16'384U, 100'000U}) {
        const std::string messages[] = {random.substr(0, size), std::string(size, 'x'),
                                        random.substr(0, size)};
        for (const auto& message : messages) {
          INFO(bits << " bits, " << size << " bytes");
          CHECK(unpack(unpacker, packed(pack, message), 4'000) == message);
        }
      }
      pack.shrink();
      CHECK(unpack(unpacker, packed(pack, "after a pause"), 4'000) == "after a pause");
    }
  }
}

TEST_CASE("deflate: which messages are compressed") {
  CHECK(deflater({}, {.threshold = 10}).wants(10));
  CHECK_FALSE(deflater({}, {.threshold = 10}).wants(9));
  CHECK_FALSE(deflater({}, {.threshold = 0}).wants(0));
  CHECK(deflater({.client_window_bits = 9}, {.threshold = 10}).wants(1000));
  CHECK_FALSE(deflater({.client_window_bits = 8}, {.threshold = 10}).wants(1000));  // zlib cannot
}

// Compressed messages, whole and in fragments, among others and with control frames between: wherever the
// bytes are cut they come out whole and in order.
TEST_CASE("a link's compressed messages come through wherever they are cut") {
  deflater pack({}, {});
  const std::string first = packed(pack, "zwei € und zwei €");
  const std::string second = packed(pack, "zwei € und drei €");
  const std::string bytes = frame(fin | rsv1 | text, first) + frame(fin | binary, "as it is") +
                            frame(rsv1 | text, second.substr(0, 3)) + frame(fin | ping, "p") + frame(0, "") +
                            frame(0, second.substr(3, 4)) + frame(fin, second.substr(7)) +
                            frame(rsv1 | binary, "") + frame(fin, packed(pack, "last")) +
                            frame(fin | rsv1 | text, std::string_view("\0", 1));
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    raw_peer peer({}, deflate_settings{}, std::string(plain_answer));
    raw_peer::heard heard;
    if (cut != 0) {
      peer.send(std::string_view(bytes).substr(0, cut));
      peer.read_into(heard);
    }
    peer.send(std::string_view(bytes).substr(cut));
    peer.read_into(heard);
    INFO("cut at " << cut);
    REQUIRE_FALSE(peer.link().ended());
    using protocol::frame_kind;
    const std::vector<std::pair<frame_kind, std::string>> expected{{frame_kind::text, "zwei € und zwei €"},
                                                                   {frame_kind::binary, "as it is"},
                                                                   {frame_kind::text, "zwei € und drei €"},
                                                                   {frame_kind::binary, "last"},
                                                                   {frame_kind::text, ""}};
    CHECK(heard.messages == expected);
  }
}

TEST_CASE("a link ends when compressed bytes break the rules") {
  struct breach {
    std::string bytes;
    std::string cause;
  };
  deflater pack({}, {});
  const std::string long_one = packed(pack, std::string(2000, 'a'));
  const std::string bad_text = packed(pack, "\xff\xfe");
  const std::vector<breach> breaches{
      {frame(fin | rsv1 | binary, "\xff\xff\xff"), "the peer sent a message that cannot be decompressed"},
      {frame(fin | rsv1 | text, bad_text), "the peer sent text that is not UTF-8"},
      {frame(fin | rsv1 | binary, long_one), "over the limit of 1000 bytes (limits.message)"},
      {frame(fin | binary, std::string(501, 'a')), "a frame of 501 bytes is over the limit of 500"},
      {frame(rsv1 | binary, "") + frame(fin | rsv1, "x"), "reserved bits are set"},
      {frame(fin | rsv1 | ping, "x"), "reserved bits are set"}};
  for (const auto& each : breaches) {
    raw_peer peer({.message = 1000, .frame = 500}, deflate_settings{}, std::string(plain_answer));
    raw_peer::heard heard;
    peer.send(each.bytes);
    while (!peer.link().ended()) peer.read_into(heard);
    REQUIRE(peer.link().ended()->failed);
    CHECK_THAT(peer.link().ended()->failed->cause, Catch::Contains(each.cause));
    CHECK(heard.messages.empty());
  }
}

// What we send: from the threshold on compressed, each whole; what refers to another comes after it.
TEST_CASE("a link compresses what it sends") {
  raw_peer peer({}, deflate_settings{.threshold = 20}, std::string(plain_answer));
  const std::string small = "under it";
  const std::string large(500, 'z');
  inflater unpacker({});
  for (const auto& [message, compressed] :
       {std::pair{small, false}, std::pair{large, true}, std::pair{small, false}, std::pair{large, true}}) {
    peer.link().put({.kind = protocol::frame_kind::text, .bytes = bytes_of(message)});
    std::string sent = peer.sent_by_link();
    auto* raw = reinterpret_cast<std::uint8_t*>(sent.data());
    const auto header = scan_frame_header({raw, sent.size()}, endpoint_role::server, false, true).header;
    REQUIRE(header);
    CHECK(header->compressed == compressed);
    REQUIRE(sent.size() == header->size + header->length);
    apply_mask({raw + header->size, header->length}, header->mask);
    const auto payload = std::string_view(sent).substr(header->size);
    CHECK((compressed ? unpack(unpacker, payload, 100) : std::string(payload)) == message);
    CHECK(payload.size() <= (compressed ? 20 : small.size()));
  }
}

TEST_CASE("compression that was not agreed on") {
  SECTION("the server declines") {
    raw_peer peer({}, deflate_settings{.threshold = 1}, {});
    peer.link().put({.kind = protocol::frame_kind::text, .bytes = bytes_of("not compressed")});
    CHECK((static_cast<unsigned char>(peer.sent_by_link().at(0)) & rsv1) == 0);
    peer.send(frame(fin | rsv1 | text, "x"));
    raw_peer::heard heard;
    while (!peer.link().ended()) peer.read_into(heard);
    CHECK_THAT(peer.link().ended()->failed->cause, Catch::Contains("reserved bits"));
  }
  SECTION("the server insists") {
    CHECK_THROWS_WITH(raw_peer({}, std::nullopt, std::string(plain_answer)),
                      Catch::Contains("an extension that was not offered: permessage-deflate"));
  }
  SECTION("the server agrees to something else") {
    CHECK_THROWS_WITH(
        raw_peer({}, deflate_settings{}, "Sec-WebSocket-Extensions: permessage-deflate; x=1\r\n"),
        Catch::Contains("a parameter that was not offered: x"));
  }
}
