#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/net/websocket/frame_header.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd::net;

using bytes = std::vector<std::uint8_t>;

header_scan as_client(const bytes& from, bool in_message = false) {
  return scan_frame_header(from, endpoint_role::client, in_message);
}

bytes of(std::string_view text) {
  return {text.begin(), text.end()};
}

}  // namespace

// RFC 6455, 5.2: the three forms of the length, each in its smallest use.
TEST_CASE("a frame header gives opcode, length and its own size") {
  const auto small = as_client({0x82, 0x05});
  REQUIRE(small.header);
  CHECK(small.header->code == opcode::binary);
  CHECK(small.header->final);
  CHECK(small.header->size == 2);
  CHECK(small.header->length == 5);

  const auto medium = as_client({0x01, 126, 0x01, 0x00});
  REQUIRE(medium.header);
  CHECK_FALSE(medium.header->final);
  CHECK(medium.header->size == 4);
  CHECK(medium.header->length == 256);

  const auto large = as_client({0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0});
  REQUIRE(large.header);
  CHECK(large.header->size == 10);
  CHECK(large.header->length == 65536);

  const auto masked = scan_frame_header(bytes{0x81, 0x81, 1, 2, 3, 4}, endpoint_role::server, false);
  REQUIRE(masked.header);
  CHECK(masked.header->size == 6);
  CHECK(masked.header->mask == std::array<std::uint8_t, 4>{1, 2, 3, 4});
}

// A header may come in any number of pieces: until it is whole nothing is known, unless it is already wrong.
TEST_CASE("a cut header asks for more") {
  const bytes whole{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0};
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto scan = as_client(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut)));
    CHECK_FALSE(scan.header);
    CHECK(scan.refusal == nullptr);
  }
}

// Every rule of 5.2, 5.4 and 5.5 that a header alone can break.
TEST_CASE("a forbidden header is refused with its reason") {
  struct forbidden {
    bytes header;
    bool in_message;
    std::string_view reason;
  };
  const std::vector<forbidden> table{
      {{0xc2, 0x00}, false, "reserved bits are set"},
      {{0xa2, 0x00}, false, "reserved bits are set"},
      {{0x92, 0x00}, false, "reserved bits are set"},
      {{0x83, 0x00}, false, "reserved opcode"},
      {{0x87, 0x00}, false, "reserved opcode"},
      {{0x8b, 0x00}, false, "reserved opcode"},
      {{0x8f, 0x00}, false, "reserved opcode"},
      {{0x82, 0x80}, false, "a masked frame from a server"},
      {{0x09, 0x00}, false, "a fragmented control frame"},
      {{0x89, 126}, false, "a control frame with more than 125 bytes"},
      {{0x88, 127}, false, "a control frame with more than 125 bytes"},
      {{0x80, 0x00}, false, "a continuation without a message"},
      {{0x82, 0x00}, true, "a new message inside a fragmented one"},
      {{0x82, 126, 0, 125}, false, "a length that is not minimal"},
      {{0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, false, "a length that is not minimal"},
      {{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, false, "a length over 63 bits"},
  };
  for (const auto& each : table) {
    const auto scan = as_client(each.header, each.in_message);
    CHECK_FALSE(scan.header);
    REQUIRE(scan.refusal != nullptr);
    CHECK(each.reason == scan.refusal);
  }
  const auto unmasked = scan_frame_header(bytes{0x82, 0x00}, endpoint_role::server, false);
  REQUIRE(unmasked.refusal != nullptr);
  CHECK(std::string_view("an unmasked frame from a client") == unmasked.refusal);
}

// Control frames may stand between the fragments of a message (5.4).
TEST_CASE("a ping is allowed inside a message") {
  CHECK(as_client({0x89, 0x00}, true).header);
}

// RFC 6455, 5.5.1 and 7.4.
TEST_CASE("a close payload gives code and text, or the reason why not") {
  CHECK(scan_close_payload({}).code == 1005);
  CHECK(scan_close_payload({}).refusal == nullptr);

  const bytes quit = {0x03, 0xe8, 'b', 'y', 'e'};
  CHECK(scan_close_payload(quit).code == 1000);
  CHECK(scan_close_payload(quit).text == "bye");
  CHECK(scan_close_payload(quit).refusal == nullptr);

  CHECK(scan_close_payload(bytes{0x03}).refusal != nullptr);
  const auto bad_text = scan_close_payload(bytes{0x03, 0xe8, 0xc3});
  CHECK(bad_text.refusal != nullptr);
  CHECK(bad_text.bad_text);
}

// Codes that only stand for something locally, and codes nobody has given a meaning, may not be sent.
TEST_CASE("close codes are those of the registry") {
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999}) {
    CHECK(is_sendable_close_code(static_cast<std::uint16_t>(code)));
  }
  for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
    CHECK_FALSE(is_sendable_close_code(static_cast<std::uint16_t>(code)));
  }
}

// What we make must be what we accept.
TEST_CASE("a close frame's payload survives the way there and back") {
  const auto payload = of(make_close_payload(1000, "user quit"));
  CHECK(scan_close_payload(payload).code == 1000);
  CHECK(scan_close_payload(payload).text == "user quit");
  CHECK(make_close_payload(1005, "not sent").empty());
}

// A control frame has room for 123 bytes of reason; a character is not cut in two.
TEST_CASE("a long close reason is cut at a character") {
  const std::string text = std::string(122, 'a') + "é";  // its second byte would be the 124th
  CHECK(make_close_payload(1000, text).size() == 2 + 122);
  CHECK(make_close_payload(1000, std::string(200, 'a')).size() == 2 + 123);
}

// RFC 3629: shortest form only, no surrogates, at most U+10FFFF.
TEST_CASE("UTF-8 is checked strictly") {
  for (const std::string_view good : {"", "plain", "é", "€", "𝄞", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    CHECK(good_utf8(of(good)) == good.size());
  }
  for (const std::string_view bad :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "a\xff"}) {
    CHECK(good_utf8(of(bad)) < bad.size());
  }
}

// All that may stand before the last bytes of a character, and all that looks like it.
TEST_CASE("the beginning of a character is told from what cannot become one") {
  CHECK(good_utf8(of("aé\xe2\x82")) == 3);
  for (const std::string_view good : {"\xc2", "\xdf", "\xe0", "\xe0\xa0", "\xe0\xbf", "\xed\x9f", "\xe2\x82",
                                      "\xf0", "\xf0\x90", "\xf0\x9d\x84", "\xf4", "\xf4\x8f", "\xf4\x8f\xbf"})
    CHECK(begins_character(of(good)));
  for (const std::string_view bad :
       {"", "a", "\x80", "\xbf", "\xc0", "\xc1", "é", "\xe0\x9f", "\xed\xa0", "\xe2\x41", "\xe2\xc0", "€",
        "\xf0\x8f", "\xf0\x9d\x41", "\xf4\x90", "\xf5", "\xff", "𝄞", "\xe2\x82\x82\x82"})
    CHECK_FALSE(begins_character(of(bad)));
}
