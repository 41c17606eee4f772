#include "protocol/codec/checksum.hpp"

#include <set>

#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

struct algorithm {
  const char* name;
  checksum_kind kind;
  unsigned width;
  std::uint32_t check;  ///< of "123456789", as catalogued
  std::uint32_t empty;  ///< of no bytes
};
// sum8 and xor8 are not catalogued: 0x31 + ... + 0x39 is 0x1dd, and the exclusive or is 0x31.
constexpr algorithm algorithms[] = {
    {"crc32", checksum_kind::crc32, 4, 0xcbf43926, 0},
    {"crc32c", checksum_kind::crc32c, 4, 0xe3069283, 0},
    {"arc", checksum_kind::crc16_arc, 2, 0xbb3d, 0},
    {"modbus", checksum_kind::crc16_modbus, 2, 0x4b37, 0xffff},
    {"x25", checksum_kind::crc16_x25, 2, 0x906e, 0},
    {"ccitt_false", checksum_kind::crc16_ccitt_false, 2, 0x29b1, 0xffff},
    {"xmodem", checksum_kind::crc16_xmodem, 2, 0x31c3, 0},
    {"kermit", checksum_kind::crc16_kermit, 2, 0x2189, 0},
    {"sum8", checksum_kind::sum8, 1, 0xdd, 0},
    {"xor8", checksum_kind::xor8, 1, 0x31, 0},
};

std::vector<std::uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("each checksum has its catalogued check value") {
  strings names;
  for (const algorithm& each : algorithms) {
    INFO(each.name);
    names.emplace_back(each.name);
    CHECK(checksum_from(each.name) == each.kind);
    CHECK(checksum_width(each.kind) == each.width);
    CHECK(checksum(each.kind, bytes_of("123456789"), std::nullopt) == each.check);
    // The last byte as the extra one.
    CHECK(checksum(each.kind, bytes_of("12345678"), '9') == each.check);
    CHECK(checksum(each.kind, {}, std::nullopt) == each.empty);
    CHECK(checksum(each.kind, {}, 'x') == checksum(each.kind, bytes_of("x"), std::nullopt));
  }
  CHECK(checksum_names() == names);
  CHECK_FALSE(checksum_from("crc"));
  CHECK_FALSE(checksum_from(""));
}

// Every byte value goes through each table: a byte and its checksum's own value differ from all others.
TEST_CASE("no two bytes have the same checksum") {
  for (const algorithm& each : algorithms) {
    INFO(each.name);
    std::set<std::uint32_t> seen;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const std::uint32_t value =
          checksum(each.kind, std::vector<std::uint8_t>{static_cast<std::uint8_t>(byte)}, std::nullopt);
      CHECK(value >> (each.width * 4) >> (each.width * 4) == 0);
      seen.insert(value);
    }
    CHECK(seen.size() == 256);
  }
}

TEST_CASE("a sum wraps at 256, and is of all bytes") {
  CHECK(checksum(checksum_kind::sum8, std::vector<std::uint8_t>{0xff, 0x01}, std::nullopt) == 0);
  CHECK(checksum(checksum_kind::sum8, std::vector<std::uint8_t>{0xff, 0xff}, std::nullopt) == 0xfe);
  CHECK(checksum(checksum_kind::sum8, std::vector<std::uint8_t>{0xff}, 0x02) == 1);
  CHECK(checksum(checksum_kind::xor8, std::vector<std::uint8_t>{0xf0, 0x3c}, 0x01) == 0xcd);
}

// In a layout each of them covers what it is told to, is filled in, and is checked.
TEST_CASE("each checksum as a field, with each range") {
  for (const algorithm& each : algorithms) {
    INFO(each.name);
    std::string text_digits;
    append_hex(text_digits, bytes_of("123456789"));
    const auto number = [&](std::uint32_t value, std::size_t width, bool big = true) {
      std::vector<std::uint8_t> out(width);
      store(out.data(), value, static_cast<unsigned>(width), big);
      std::string digits;
      append_hex(digits, out);
      return digits;
    };
    const auto sum = [&](std::vector<std::pair<std::string, node>> more) {
      more.insert(more.begin(), {"crc", text(each.name)});
      return map({{"sum", map(std::move(more))}});
    };
    struct placing {
      const char* name;
      std::vector<node> layout;
      const char* order;
      std::string before;
      std::string after;
      std::size_t width = 0;
    };
    const std::vector<placing> placings{
        {"behind", {text("t:9s"), sum({})}, "big", text_digits, ""},
        {"little", {text("t:9s"), sum({})}, "little", text_digits, ""},
        {"wide", {text("t:9s"), sum({{"type", text("Q")}})}, "big", text_digits, "", 8},
        {"in front", {sum({{"over", text("rest")}}), text("t:9s")}, "big", "", text_digits},
        {"a range behind",
         {text("_a:B=7 t:5s u:4s _b:B=8"), sum({{"over", list({text("t"), text("u")})}}), text("_c:B=9")},
         "big",
         "07" + text_digits + "08",
         "09"},
        {"one field",
         {text("_a:B=7 t:9s _b:B=8"), sum({{"over", list({text("t"), text("t")})}})},
         "big",
         "07" + text_digits + "08",
         ""},
        {"one byte more",
         {text("t:8s"), sum({{"extra", text("56 + 1")}})},
         "big",
         text_digits.substr(0, 16),
         ""},
    };
    for (const placing& place : placings) {
      INFO(place.name);
      const auto types = with_layout(list(place.layout), {{"byte_order", text(place.order)}});
      const bool big = place.order == std::string_view("big");
      const std::size_t width = place.width != 0 ? place.width : each.width;
      const std::string right = place.before + number(each.check, width, big) + place.after;
      const std::string wrong = place.before + number(each.check ^ 1, width, big) + place.after;
      const std::string name = place.name;
      nlohmann::ordered_json values{{"t", name == "one byte more" ? "12345678" : "123456789"}};
      if (name == "a range behind") values = {{"t", "12345"}, {"u", "6789"}};
      CHECK(packed(*types, "c", values) == right);
      CHECK(read(types, right).front().starts_with("r {"));
      CHECK(
          read(types, wrong).front().starts_with("! sum at byte " + std::to_string(place.before.size() / 2)));
    }
  }
}
