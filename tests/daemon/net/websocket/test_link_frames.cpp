#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cstdint>
#include <exception>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/net/websocket/frame_header.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/loop.hpp"
#include "tests/daemon/net/raw_peer.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using protocol::frame_kind;

constexpr std::uint8_t fin = 0x80;
constexpr std::uint8_t text = 1;
constexpr std::uint8_t binary = 2;
constexpr std::uint8_t closing = 8;
constexpr std::uint8_t ping = 9;
constexpr std::uint8_t pong = 10;

std::string close_payload(std::uint16_t code, std::string_view reason) {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)}.append(reason);
}

/// The first frame of what a client sent: its first byte and its payload, unmasked.
std::pair<std::uint8_t, std::string> first_frame(std::string bytes) {
  auto* raw = reinterpret_cast<std::uint8_t*>(bytes.data());
  const auto scan = scan_frame_header({raw, bytes.size()}, endpoint_role::server, false);
  if (!scan.header || bytes.size() < scan.header->size + scan.header->length) return {};
  apply_mask({raw + scan.header->size, scan.header->length}, scan.header->mask);
  return {raw[0], bytes.substr(scan.header->size, scan.header->length)};
}

asio::awaitable<void> read_until_end(transport& link) {
  protocol::frame_view message;
  while (!link.ended()) {
    co_await link.wait_readable();
    while (link.next(message)) {
    }
  }
}

/// Feeds all bytes at once, and then in two pieces for every place to cut.
template <class Check>
void at_every_cut(const std::string& bytes, Check check) {
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    raw_peer peer;
    raw_peer::heard heard;
    if (cut != 0) {
      peer.send(std::string_view(bytes).substr(0, cut));
      peer.read_into(heard);
    }
    peer.send(std::string_view(bytes).substr(cut));
    if (!peer.link().ended()) peer.read_into(heard);
    INFO("cut at " << cut);
    check(peer, heard);
  }
}

}  // namespace

// RFC 6455, 4.1: the key is chosen again for each connection.
TEST_CASE("no two upgrade requests have the same key") {
  std::set<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    const raw_peer peer;
    const auto at = peer.request().find("Sec-WebSocket-Key: ");
    REQUIRE(at != std::string::npos);
    keys.insert(peer.request().substr(at, peer.request().find("\r\n", at) - at));
  }
  CHECK(keys.size() == 100);
}

// Pings, pongs and empty fragments between others and right before nothing: wherever the bytes are cut, the
// messages come whole and in order and the link stays open.
TEST_CASE("frames of every kind come through wherever they are cut") {
  const std::string bytes =
      frame(fin | ping, "are you there") + frame(fin | binary, "one") + frame(fin | pong, "") +
      frame(text, "") + frame(fin | ping, "") + frame(0, "") + frame(0, "zwei €") +
      frame(fin | pong, "unasked") + frame(0, "") + frame(fin, "") + frame(binary, std::string(200, 'x')) +
      frame(fin, "y") + frame(fin | text, "") + frame(text, "") + frame(fin, "") + frame(fin | ping, "last");
  at_every_cut(bytes, [](raw_peer& peer, const raw_peer::heard& heard) {
    REQUIRE_FALSE(peer.link().ended());
    const std::vector<std::pair<frame_kind, std::string>> expected{
        {frame_kind::binary, "one"},
        {frame_kind::text, "zwei €"},
        {frame_kind::binary, std::string(200, 'x') + "y"},
        {frame_kind::text, ""},
        {frame_kind::text, ""}};
    CHECK(heard.messages == expected);
    CHECK(first_frame(peer.sent_by_link()) ==
          std::pair<std::uint8_t, std::string>(fin | pong, "are you there"));
  });
}

// One byte at a time: the worst that TCP may do.
TEST_CASE("frames come through byte by byte") {
  raw_peer peer;
  raw_peer::heard heard;
  const std::string bytes = frame(text, "a") + frame(fin | ping, "p") + frame(0, "") + frame(fin, "b") +
                            frame(fin | binary, std::string(130, 'c'));
  for (const char byte : bytes) {
    peer.send({&byte, 1});
    peer.read_into(heard);
  }
  REQUIRE_FALSE(peer.link().ended());
  REQUIRE(heard.messages.size() == 2);
  CHECK(heard.messages[0].second == "ab");
  CHECK(heard.messages[1].second == std::string(130, 'c'));
}

// Sizes around the borders of the length's three forms, in one piece and in fragments.
TEST_CASE("messages of all sizes come through, also in fragments") {
  raw_peer peer;
  raw_peer::heard heard;
  std::vector<std::string> sent;
  for (const std::size_t size : {1U, 125U, 126U, 1535U, 1536U, 1537U, 4096U, 65535U, 65536U, 100'000U}) {
    sent.emplace_back(size, static_cast<char>('a' + sent.size()));
    peer.send(frame(fin | binary, sent.back()));
    const auto half = size / 2;
    peer.send(frame(binary, sent.back().substr(0, half)) + frame(fin, sent.back().substr(half)));
    while (heard.messages.size() < 2 * sent.size()) peer.read_into(heard);
    CHECK(heard.messages[2 * sent.size() - 2].second == sent.back());
    CHECK(heard.messages[2 * sent.size() - 1].second == sent.back());
  }
}

// Every way to break RFC 6455, wherever the bytes are cut: the link ends as a protocol error, the peer is
// told with the right code, and what came before was delivered.
TEST_CASE("whoever breaks the protocol is told so") {
  struct breach {
    std::string bytes;
    std::uint16_t code;
  };
  const std::vector<breach> breaches{
      {frame(0xc2, "a"), 1002},
      {frame(0xa1, "a"), 1002},
      {frame(0x83, "a"), 1002},
      {frame(0x8b, ""), 1002},
      {frame(ping, "fragmented"), 1002},
      {frame(fin | ping, std::string(126, 'a')), 1002},
      {masked_frame(fin | binary, "a"), 1002},
      {frame(fin, "no message open"), 1002},
      {frame(text, "a") + frame(fin | text, "b"), 1002},
      {frame(text, "") + frame(fin | binary, "b"), 1002},
      {std::string("\x82\x7e\x00\x05hello", 9), 1002},
      {std::string("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 10), 1002},
      {std::string("\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01x", 11), 1002},
      {frame(fin | text, "\xff"), 1007},
      {frame(fin | text, "cut \xe2\x82"), 1007},
      {frame(text, "cut \xe2\x82") + frame(fin, ""), 1007},
      {frame(text, "\xe2") + frame(fin, "x"), 1007},
      {frame(fin | closing, "x"), 1002},
      {frame(fin | closing, close_payload(1005, "")), 1002},
      {frame(fin | closing, close_payload(999, "")), 1002},
      {frame(fin | closing, close_payload(1000, "\xc0\xaf")), 1007},
  };
  for (const auto& each : breaches) {
    at_every_cut(frame(fin | binary, "before") + each.bytes, [&](raw_peer& peer,
                                                                 const raw_peer::heard& heard) {
      REQUIRE(heard.messages.size() == 1);
      CHECK(heard.messages[0].second == "before");
      REQUIRE(peer.link().ended());
      REQUIRE(peer.link().ended()->failed);
      CHECK(peer.link().ended()->failed->kind == config::fault_class::protocol_error);
      const auto [first, payload] = first_frame(peer.sent_by_link());
      CHECK(first == (fin | closing));
      CHECK(
          scan_close_payload({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}).code ==
          each.code);
    });
  }
}

// The limit holds for one frame by its header, before its bytes are read, and for the sum of fragments.
TEST_CASE("a message over the limit ends the link with 1009") {
  const auto bytes = GENERATE(frame(fin | binary, std::string(11, 'a')).substr(0, 2),
                              frame(binary, "123456") + frame(fin, "78901").substr(0, 2),
                              std::string("\x82\x7f\x00\x00\x00\xff\xff\xff\xff\xff", 10));
  raw_peer peer(10);
  raw_peer::heard heard;
  peer.send(bytes);
  peer.read_into(heard);
  REQUIRE(peer.link().ended());
  REQUIRE(peer.link().ended()->failed);
  CHECK(peer.link().ended()->failed->kind == config::fault_class::protocol_error);
  CHECK(peer.link().ended()->failed->cause.find("limit of 10 bytes") != std::string::npos);
  const auto [first, payload] = first_frame(peer.sent_by_link());
  CHECK(scan_close_payload({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}).code ==
        1009);
}

TEST_CASE("a message of exactly the limit is accepted") {
  raw_peer peer(10);
  raw_peer::heard heard;
  peer.send(frame(binary, "12345") + frame(fin, "67890"));
  peer.read_into(heard);
  REQUIRE(heard.messages.size() == 1);
  CHECK(heard.messages[0].second == "1234567890");
}

// The peer closes first: its messages are delivered, its code and reason are known, the code is echoed.
TEST_CASE("the peer's close frame ends the link wherever it is cut") {
  const std::string bytes = frame(fin | binary, "last words") +
                            frame(fin | closing, close_payload(4001, "tschüß")) +
                            frame(fin | binary, "after the end");
  at_every_cut(bytes, [](raw_peer& peer, const raw_peer::heard& heard) {
    REQUIRE(heard.messages.size() == 1);
    REQUIRE(peer.link().ended());
    REQUIRE(peer.link().ended()->closed);
    CHECK(peer.link().ended()->closed->code == 4001);
    CHECK(peer.link().ended()->closed->text == "tschüß");
    const auto [first, payload] = first_frame(peer.sent_by_link());
    CHECK(first == (fin | closing));
    CHECK(payload == close_payload(4001, ""));
  });
}

TEST_CASE("a close frame without a code counts as 1005 and is echoed empty") {
  raw_peer peer;
  raw_peer::heard heard;
  peer.send(frame(fin | closing, ""));
  peer.read_into(heard);
  REQUIRE(peer.link().ended());
  REQUIRE(peer.link().ended()->closed);
  CHECK(peer.link().ended()->closed->code == 1005);
  CHECK(first_frame(peer.sent_by_link()) == std::pair<std::uint8_t, std::string>(fin | closing, ""));
}

// We close first: our frame goes out, what is still on its way is read, nothing more is sent.
TEST_CASE("after our close frame messages are still read and nothing is written") {
  raw_peer peer;
  raw_peer::heard heard;
  peer.link().close({.code = 1000, .text = "user quit"});
  peer.link().put({.kind = frame_kind::binary, .bytes = {}});
  peer.link().put_ping();
  peer.send(frame(fin | ping, "still there?") + frame(fin | binary, "late reply"));
  peer.read_into(heard);
  REQUIRE(heard.messages.size() == 1);
  CHECK_FALSE(peer.link().ended());
  const auto sent = peer.sent_by_link();
  CHECK(first_frame(sent) ==
        std::pair<std::uint8_t, std::string>(fin | closing, close_payload(1000, "user quit")));
  CHECK(sent.size() == 2 + 4 + 2 + 9);

  peer.send(frame(fin | closing, close_payload(1000, "")));
  peer.read_into(heard);
  REQUIRE(peer.link().ended());
  CHECK(peer.link().ended()->closed);
  CHECK(peer.sent_by_link().empty());
}

// An end without a close frame is a lost link, and the text says what was under way.
TEST_CASE("a link that ends without a close frame is lost") {
  raw_peer peer;
  raw_peer::heard heard;
  SECTION("in order") {
    peer.send(frame(fin | binary, "whole"));
    peer.shut_down();
    while (!peer.link().ended()) peer.read_into(heard);
    CHECK(heard.messages.size() == 1);
    CHECK(peer.link().ended()->failed->cause == "the peer ended the connection without a close frame");
  }
  SECTION("in the middle of a frame") {
    peer.send(frame(fin | binary, "truncated").substr(0, 5));
    peer.shut_down();
    while (!peer.link().ended()) peer.read_into(heard);
    CHECK(heard.messages.empty());
    CHECK(peer.link().ended()->failed->cause ==
          "the peer ended the connection in the middle of a message without a close frame");
  }
  SECTION("by a reset") {
    peer.reset();
    while (!peer.link().ended()) peer.read_into(heard);
    CHECK(peer.link().ended()->failed->cause == "the connection was reset by the peer without a close frame");
  }
  SECTION("after our close frame") {
    peer.link().close({});
    peer.turn();
    peer.shut_down();
    while (!peer.link().ended()) peer.read_into(heard);
    CHECK(peer.link().ended()->failed->cause ==
          "the peer ended the connection before it answered our close frame");
  }
  REQUIRE(peer.link().ended()->failed);
  CHECK(peer.link().ended()->failed->kind == config::fault_class::lost);
}

// What can no longer be sent is not kept; one byte stands for all that was not sent.
TEST_CASE("after a failure to send nothing more is queued") {
  raw_peer peer;
  const std::string payload = "hello";
  const protocol::frame_view message{
      .kind = frame_kind::text,
      .bytes = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}};
  peer.reset();
  run(peer.loop(), peer.link().wait_readable());  // now the reset is here
  peer.link().put(message);
  CHECK(peer.link().unsent() > 1);
  peer.turn();
  CHECK(peer.link().unsent() == 1);
  peer.link().put(message);
  peer.link().put_ping();
  CHECK(peer.link().unsent() == 1);
}

// A peer that asks and does not listen must not fill our memory with answers.
TEST_CASE("a flood of pings that nobody reads the answers to stays bounded") {
  raw_peer peer;
  peer.stop_listening();
  asio::co_spawn(peer.loop(), read_until_end(peer.link()), [](std::exception_ptr) {});
  std::string burst;
  for (int i = 0; i < 200; ++i) burst += frame(fin | ping, std::string(125, 'p'));
  std::size_t most = 0;
  for (int i = 0; i < 500; ++i) {
    peer.send(burst);
    for (int k = 0; k < 5; ++k) peer.turn();
    most = std::max(most, peer.link().unsent());
  }
  CHECK_FALSE(peer.link().ended());
  CHECK(most > 60'000);
  CHECK(most < 80'000);
  peer.shut_down();
  while (!peer.link().ended()) peer.turn();
}

// All that is put in one turn leaves together, masked, and nothing leaves before the turn is over.
TEST_CASE("what is put in one turn leaves at its end") {
  raw_peer peer;
  const std::string payload = "hello";
  const protocol::frame_view message{
      .kind = frame_kind::text,
      .bytes = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}};
  peer.link().put(message);
  peer.link().put(message);
  peer.link().put_ping();
  const std::size_t size = 2 * (2 + 4 + 5) + 2 + 4;
  CHECK(peer.link().unsent() == size);
  const auto sent = peer.sent_by_link();
  CHECK(sent.size() == size);
  CHECK(first_frame(sent) == std::pair<std::uint8_t, std::string>(fin | text, "hello"));
  CHECK(peer.link().unsent() == 0);
}
