// The limits of a link, at each of them and one beyond, for every way in which a message may come.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/net/websocket/frame_header.hpp"
#include "daemon/net/websocket/frame_writer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/raw_peer.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;

constexpr std::uint8_t fin = 0x80;
constexpr std::uint8_t text = 1;
constexpr std::uint8_t binary = 2;
constexpr std::uint8_t closing = 8;
constexpr std::uint8_t ping = 9;

std::string of(std::size_t size) {
  return std::string(size, 'a');
}

/// What becomes of these bytes: the number of messages, or the end's cause.
std::string outcome(config::limit_settings limits, const std::string& bytes) {
  raw_peer peer(limits, std::nullopt, {});
  raw_peer::heard heard;
  peer.send(bytes);
  peer.read_into(heard);
  if (!peer.link().ended()) return std::to_string(heard.messages.size());
  return peer.link().ended()->failed->cause;
}

protocol::frame_view view(std::string_view value) {
  return {protocol::frame_kind::binary, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()}};
}

/// The first bytes of the frames that were sent.
std::vector<std::uint8_t> kinds_of(std::string sent) {
  std::vector<std::uint8_t> kinds;
  while (!sent.empty()) {
    const auto* raw = reinterpret_cast<const std::uint8_t*>(sent.data());
    const auto scan = scan_frame_header({raw, sent.size()}, endpoint_role::server, false);
    REQUIRE(scan.header);
    kinds.push_back(raw[0]);
    sent.erase(0, scan.header->size + static_cast<std::size_t>(scan.header->length));
  }
  return kinds;
}

/// Everything that was queued, read until nothing is left.
std::string all_sent(raw_peer& peer) {
  std::string sent;
  do {
    sent += peer.sent_by_link();
  } while (peer.link().unsent() != 0);
  return sent + peer.sent_by_link();
}

/// The last frame's payload, which has `size` bytes.
std::string unmasked_tail(std::string sent, std::size_t size) {
  auto* end = reinterpret_cast<std::uint8_t*>(sent.data() + sent.size());
  masking_key key{};
  std::copy_n(end - size - key.size(), key.size(), key.begin());
  apply_mask({end - size, size}, key);
  return sent.substr(sent.size() - size);
}

}  // namespace

// Short binary messages have a way of their own, and so have fragments.
TEST_CASE("limits.message holds for every form of a message", "[limits]") {
  const std::uint8_t kind = GENERATE(text, binary);
  const auto limit = GENERATE(as<std::size_t>{}, 10, 125, 126, 300, 70'000);
  const config::limit_settings limits{.message = limit};
  const std::string refusal = "a message of " + std::to_string(limit + 1) +
                              " bytes or more is over the limit of " + std::to_string(limit) +
                              " bytes (limits.message)";
  const auto whole = [&](std::size_t size) { return frame(fin | kind, of(size)); };
  const auto halves = [&](std::size_t size) { return frame(kind, of(5)) + frame(fin, of(size - 5)); };
  CHECK(outcome(limits, whole(limit)) == "1");
  CHECK(outcome(limits, whole(limit + 1)) == refusal);
  CHECK(outcome(limits, halves(limit)) == "1");
  CHECK(outcome(limits, halves(limit + 1)) == refusal);
  // The sum starts again with each message.
  if (limit <= 300) CHECK(outcome(limits, halves(limit) + whole(limit) + halves(limit)) == "3");
}

TEST_CASE("limits.frame holds for every form of a frame", "[limits]") {
  const std::uint8_t kind = GENERATE(text, binary);
  const auto limit = GENERATE(as<std::size_t>{}, 1, 10, 125, 126, 300);
  const config::limit_settings limits{.message = 100'000, .frame = limit};
  const std::string refusal = "a frame of " + std::to_string(limit + 1) + " bytes is over the limit of " +
                              std::to_string(limit) + " bytes (limits.frame)";
  CHECK(outcome(limits, frame(fin | kind, of(limit))) == "1");
  CHECK(outcome(limits, frame(fin | kind, of(limit + 1))) == refusal);
  CHECK(outcome(limits, frame(kind, of(limit)) + frame(fin, of(limit))) == "1");
  CHECK(outcome(limits, frame(kind, of(limit)) + frame(fin, of(limit + 1))) == refusal);
  CHECK(outcome(limits, frame(kind, of(limit + 1))) == refusal);
  CHECK(outcome({.message = 100'000, .frame = 0}, frame(fin | kind, of(70'000))) == "1");  // 0: none
}

// RFC 6455, 5.5: control frames have a limit of their own, which is not ours to set.
TEST_CASE("limits do not hold for control frames", "[limits]") {
  CHECK(outcome({.message = 3, .frame = 2}, frame(fin | ping, of(125)) + frame(fin | binary, "a")) == "1");
}

TEST_CASE("every ping is answered by a pong with its bytes, until our close frame", "[limits]") {
  raw_peer peer;
  raw_peer::heard heard;
  peer.send(frame(fin | ping, of(125)) + frame(fin | ping, ""));
  peer.read_into(heard);
  CHECK(kinds_of(peer.sent_by_link()) == std::vector<std::uint8_t>{0x8a, 0x8a});
  peer.link().close({});
  peer.send(frame(fin | ping, "late"));
  peer.read_into(heard);
  CHECK(kinds_of(peer.sent_by_link()) == std::vector<std::uint8_t>{0x88});
}

TEST_CASE("one close frame is sent, whoever begins and however often", "[limits]") {
  const bool peer_first = GENERATE(true, false);
  raw_peer peer;
  raw_peer::heard heard;
  if (!peer_first) peer.link().close({.code = 1000, .text = "bye"});
  peer.send(frame(fin | closing, std::string_view("\x03\xe8", 2)));
  peer.read_into(heard);
  REQUIRE(peer.link().ended());
  CHECK(peer.link().ended()->closed);
  peer.link().close({.code = 1001, .text = "again"});
  peer.link().put(view("late"));
  peer.link().put_ping();
  CHECK(kinds_of(peer.sent_by_link()) == std::vector<std::uint8_t>{0x88});
}

TEST_CASE("frames of all lengths are written in the shortest form, masked by fresh keys", "[limits]") {
  raw_peer peer;
  std::vector<masking_key> keys;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U}) {
    const std::string payload = of(size);
    peer.link().put(view(payload));
    std::string sent = peer.sent_by_link();
    const std::size_t head = size < 126 ? 2 : size < 65'536 ? 4 : 10;
    while (sent.size() < head + 4 + size) sent += peer.sent_by_link();
    REQUIRE(sent.size() == head + 4 + size);
    auto* raw = reinterpret_cast<std::uint8_t*>(sent.data());
    const auto scan = scan_frame_header({raw, sent.size()}, endpoint_role::server, false);
    REQUIRE(scan.header);
    CHECK(scan.header->length == size);
    CHECK(raw[0] == (fin | binary));
    apply_mask({raw + scan.header->size, size}, scan.header->mask);
    CHECK(sent.substr(scan.header->size) == payload);
    keys.push_back(scan.header->mask);
  }
  std::sort(keys.begin(), keys.end());
  CHECK(std::unique(keys.begin(), keys.end()) == keys.end());
}

// RFC 6455, 5.5.3: behind a slow uplink the newest ping is answered, once what is queued has left.
TEST_CASE("while much is unsent the newest ping waits for its pong, and only that one", "[limits]") {
  raw_peer peer;
  raw_peer::heard heard;
  const auto hear = [&](const std::string& bytes) {
    peer.send(bytes);
    peer.read_into(heard);
  };
  const std::string large = of(16'000'000);
  peer.link().put(view(large));
  peer.turn();
  REQUIRE(peer.link().unsent() > 1'000'000);
  hear(frame(fin | ping, "old") + frame(fin | ping, "older than the next"));
  hear(frame(fin | ping, "new"));
  peer.link().put(view("behind"));

  SECTION("it is sent when the kernel has taken what was queued") {
    CHECK(kinds_of(all_sent(peer)) == std::vector<std::uint8_t>{0x82, 0x82, 0x8a});
    hear(frame(fin | ping, "with nothing unsent"));
    CHECK(kinds_of(all_sent(peer)) == std::vector<std::uint8_t>{0x8a});
  }
  SECTION("it is sent though more and more is queued") {
    std::string sent;
    const std::string more = of(2'000'000);
    for (int i = 0; i < 10; ++i) {
      while (peer.link().unsent() < 10'000'000) peer.link().put(view(more));
      sent += peer.sent_by_link();
    }
    sent += all_sent(peer);
    const auto kinds = kinds_of(sent);
    const auto pong = std::find(kinds.begin(), kinds.end(), 0x8a);
    CHECK(pong < kinds.begin() + 10);
    CHECK(std::count(kinds.begin(), kinds.end(), 0x8a) == 1);
  }
  SECTION("a later ping is answered in its place") {
    for (int i = 0; i < 1000; ++i) hear(frame(fin | ping, of(125)));
    const std::size_t before = peer.link().unsent();
    hear(frame(fin | ping, "newest"));
    CHECK(peer.link().unsent() == before - 125 + 6);
    const std::string sent = all_sent(peer);
    CHECK(kinds_of(sent) == std::vector<std::uint8_t>{0x82, 0x82, 0x8a});
    CHECK(unmasked_tail(sent, 6) == "newest");
  }
  SECTION("nothing follows our close frame") {
    peer.link().close({});
    CHECK(kinds_of(all_sent(peer)) == std::vector<std::uint8_t>{0x82, 0x82, 0x88});
  }
}

// A flood of messages leaves the loop its turns: each call reads the socket once, and no message is lost.
TEST_CASE("many messages come one by one and in order", "[limits]") {
  raw_peer peer;
  raw_peer::heard heard;
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += frame(fin | binary, std::to_string(i));
  peer.send(bytes);
  while (heard.messages.size() < 500) peer.read_into(heard);
  for (std::size_t i = 0; i < 500; ++i) REQUIRE(heard.messages[i].second == std::to_string(i));
}
