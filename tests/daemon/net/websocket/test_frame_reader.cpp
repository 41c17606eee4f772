// The reader and the writer of frames, without a connection between them.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/net/websocket/frame_reader.hpp"
#include "daemon/net/websocket/frame_writer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/net/raw_peer.hpp"
#include "tests/daemon/net/websocket/beast_oracle.hpp"

namespace {

using namespace duplexd;
using namespace duplexd::net;
using namespace duplexd::net::test;
using protocol::frame_kind;
using event = frame_reader::event;

constexpr std::uint8_t fin = 0x80;
constexpr std::uint8_t text = 1;
constexpr std::uint8_t binary = 2;
constexpr std::uint8_t ping = 9;

const frame_limits roomy{.message = 1'000'000};

protocol::frame_view view(frame_kind kind, std::string_view value) {
  return {kind, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()}};
}

/// Gives the reader one byte after the other: its first event, and the byte at which it came.
std::pair<event, std::size_t> first_event(frame_reader& reader, std::string_view bytes) {
  byte_queue in;
  protocol::frame_view out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    in.append(bytes.data() + i, 1);
    const event got = reader.next(in, out);
    if (got != event::dry) return {got, i};
  }
  return {event::dry, bytes.size()};
}

}  // namespace

// A proxy that has lost the server writes HTTP into the link.
TEST_CASE("text in place of a frame is shown", "[frame_reader]") {
  const auto cause_of = [](const std::string& bytes) {
    frame_reader reader(endpoint_role::client, roomy);
    byte_queue in;
    protocol::frame_view out;
    in.append(bytes.data(), bytes.size());
    CHECK(reader.next(in, out) == event::refused);
    return reader.refusal().cause;
  };
  const std::string begin = "the peer broke the protocol: ";
  const std::string http = cause_of("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
  CHECK(http.starts_with(begin));
  CHECK(http.ends_with("; instead of a frame came 'HTTP/1.1 502 Bad Gateway'"));
  CHECK(cause_of("<html><h1>gateway</h1></html>").ends_with("'<html><h1>gateway</h1></html>'"));
  CHECK(cause_of("HTTP" + std::string(100, 'x')).ends_with("'HTTP" + std::string(56, 'x') + "…'"));
  CHECK(cause_of("HTTP").ends_with("'HTTP'"));
  CHECK(cause_of("HTT").find("instead") == std::string::npos);
  CHECK(cause_of("HTT\x01P/1.1").find("instead") == std::string::npos);
}

// RFC 6455, 8.1 and Autobahn's 6.4: not when the message ends, and not when the fragment does.
TEST_CASE("text in fragments is refused at the first byte that cannot be right", "[frame_reader]") {
  struct bad_text {
    std::string bytes;
    std::size_t at;  ///< the byte that shows it
  };
  const std::vector<bad_text> all{
      {"\xff", 0},                 // no character begins so
      {"a\xc0", 1},                // overlong whatever follows
      {"\xe2\x82\xac\x80", 3},     // a continuation byte of nothing
      {"\xe0\x80", 1},             // overlong
      {"\xed\xa0", 1},             // a surrogate
      {"\xf0\x80", 1},             // overlong
      {"\xf4\x90", 1},             // over U+10FFFF
      {"\xf5", 0},                 //
      {"\xf0\x9d\x84\x41", 3},     // cut off by another character
      {"plain text\xe2\x41", 11},  //
  };
  const bool masked = GENERATE(true, false);
  const bool split = GENERATE(true, false);
  for (const auto& each : all) {
    frame_reader reader(masked ? endpoint_role::server : endpoint_role::client, roomy);
    const auto made = [&](std::uint8_t first, std::string_view payload) {
      return masked ? masked_frame(first, payload) : frame(first, payload);
    };
    const std::size_t header = masked ? 6 : 2;
    // The byte after the bad one never comes; the fragment would have had more.
    const std::string payload = each.bytes + "and so on";
    std::string bytes = made(text, payload);
    std::size_t at = header + each.at;
    if (split) {  // each byte is a fragment of its own
      bytes.clear();
      for (std::size_t i = 0; i <= each.at; ++i) bytes += made(i == 0 ? text : 0, payload.substr(i, 1));
      at = (header + 1) * (each.at + 1) - 1;
    }
    INFO("bad at " << each.at << " of " << each.bytes.size() << ", masked " << masked << ", split " << split);
    CHECK(first_event(reader, bytes) == std::pair(event::refused, at));
    CHECK(reader.refusal().code == 1007);
  }
}

TEST_CASE("text that stops inside a character is refused when its message ends", "[frame_reader]") {
  const std::string cut = GENERATE(as<std::string>{}, "\xc3", "\xe2", "\xe2\x82", "\xf0\x9d\x84");
  const std::string last = GENERATE(as<std::string>{}, "", "\xe2");
  frame_reader reader(endpoint_role::client, roomy);
  byte_queue in;
  protocol::frame_view out;
  const std::string begun = frame(text, "good" + cut);
  in.append(begun.data(), begun.size());
  CHECK(reader.next(in, out) == event::dry);
  const std::string end = frame(fin, last);
  in.append(end.data(), end.size());
  CHECK(reader.next(in, out) == event::refused);
  CHECK(reader.refusal().cause == "the peer sent text that is not UTF-8");
}

// What the masking key is turned to does not depend on how the payload was cut.
TEST_CASE("masked fragments come through wherever they are cut", "[frame_reader]") {
  const std::string bytes = masked_frame(text, "abcdefg€") + masked_frame(fin | ping, "12345") +
                            masked_frame(0, "hi") + masked_frame(fin, "jklmnopqrstuvw") +
                            masked_frame(fin | binary, "whole");
  for (std::uint8_t piece = 0; piece < 60; ++piece) {
    const std::uint8_t sizes[] = {piece, 2, 0};
    const auto got = read_by_us(bytes, endpoint_role::server, 1000, sizes);
    INFO("pieces of " << piece + 1);
    CHECK(got.messages == decltype(got.messages){{frame_kind::text, "abcdefg€hijklmnopqrstuvw"},
                                                 {frame_kind::binary, "whole"}});
    CHECK(got.pings == std::vector<std::string>{"12345"});
    CHECK(got.end == reading::end_kind::open);
  }
}

TEST_CASE("what one end writes the other reads, in either role", "[frame_reader]") {
  const bool client = GENERATE(true, false);
  const bool deflate = GENERATE(true, false);
  const auto writing = client ? endpoint_role::client : endpoint_role::server;
  const auto reading = client ? endpoint_role::server : endpoint_role::client;
  frame_writer writer(
      writing,
      deflate ? std::make_unique<deflater>(deflate_agreement{}, config::deflate_settings{}) : nullptr);
  frame_reader reader(reading, roomy, deflate ? std::make_unique<inflater>(deflate_agreement{}) : nullptr);
  byte_queue wire;
  protocol::frame_view out;
  for (const std::size_t size : {0U, 1U, 63U, 64U, 125U, 126U, 65'535U, 65'536U, 300'000U}) {
    const std::string sent(size, 'a');
    const auto kind = size % 2 == 0 ? frame_kind::text : frame_kind::binary;
    writer.message(wire, view(kind, sent));
    REQUIRE(reader.next(wire, out) == event::message);
    CHECK(out.kind == kind);
    CHECK(std::string(out.bytes.begin(), out.bytes.end()) == sent);
    CHECK(wire.empty());
  }
  writer.control(wire, opcode::pong, {});
  writer.control(wire, opcode::ping, view(frame_kind::binary, "there?").bytes);
  writer.close(wire, 4000, "bye");
  REQUIRE(reader.next(wire, out) == event::ping);
  CHECK(std::string(out.bytes.begin(), out.bytes.end()) == "there?");
  REQUIRE(reader.next(wire, out) == event::closed);
  CHECK(reader.closed().code == 4000);
  CHECK(reader.closed().text == "bye");
}

// What is not whole is remembered; what was handed out is not "in the middle".
TEST_CASE("the reader knows whether it is in the middle of a message", "[frame_reader]") {
  frame_reader reader(endpoint_role::client, roomy);
  byte_queue in;
  protocol::frame_view out;
  const auto after = [&](const std::string& bytes) {
    in.append(bytes.data(), bytes.size());
    while (reader.next(in, out) != event::dry) {
    }
    return reader.in_middle();
  };
  CHECK_FALSE(after(""));
  CHECK_FALSE(after(frame(fin | binary, "whole") + frame(fin | ping, "")));
  CHECK(after(frame(binary, "")));
  CHECK(after(frame(0, "part") + frame(fin | ping, "")));
  CHECK_FALSE(after(frame(fin, "")));
  CHECK(after(frame(binary, "longer").substr(0, 4)));
  CHECK_FALSE(after("nger" + frame(fin, "")));
}
