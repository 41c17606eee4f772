#include "protocol/codec/framing.hpp"
#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::vector<std::uint8_t> bytes(const std::string& hex) {
  return *parse_hex(hex);
}
std::string hex(const std::vector<std::uint8_t>& from) {
  std::string out;
  append_hex(out, from);
  return out;
}

framing_rule fixed(number_type type, bool big = true) {
  framing_rule rule;
  rule.type = type;
  rule.big = big;
  return rule;
}
framing_rule varint(std::uint8_t limit) {
  framing_rule rule = fixed(number_type::varint);
  rule.limit = limit;
  return rule;
}

// The size of the packet at the front, "?" if that is not known yet, or the error.
std::string size_of(const framing_rule& rule, const std::string& front) {
  const std::vector<std::uint8_t> packet = bytes(front);
  const cut found = cut_packet(rule, packet);
  if (!found.error.empty()) {
    CHECK(found.size == 0);
    return found.error;
  }
  return found.size == 0 ? "?" : std::to_string(found.size);
}

// The length put in front of a body of so many bytes, that stands behind two bytes of something else.
std::string length_for(const framing_rule& rule, std::size_t body) {
  std::vector<std::uint8_t> out{0xee, 0xff};
  out.resize(2 + body, 0xaa);
  const std::vector<std::uint8_t> before = out;
  framing_rule stripped = rule;
  stripped.strip = true;
  if (close_packet(stripped, out, 2) != nullptr) {
    CHECK(out == before);
    return "too long";
  }
  const auto width = static_cast<std::ptrdiff_t>(out.size() - before.size());
  CHECK(std::equal(before.begin(), before.begin() + 2, out.begin()));
  CHECK(std::equal(before.begin() + 2, before.end(), out.begin() + 2 + width, out.end()));
  CHECK(length_width(rule, bytes_view(out).subspan(2)) == static_cast<std::size_t>(width));
  return hex({out.begin() + 2, out.begin() + 2 + width});
}

constexpr std::uint64_t all_ones = ~std::uint64_t{0};

std::vector<std::uint8_t> varint_of(std::uint64_t value) {
  std::vector<std::uint8_t> out;
  append_varint(out, value);
  return out;
}

}  // namespace

TEST_CASE("a length is known once its field is there") {
  framing_rule rule = fixed(number_type::u16);
  rule.at = 1;
  CHECK(size_of(rule, "") == "?");
  CHECK(size_of(rule, "000a") == "?");
  CHECK(size_of(rule, "ff0102") == std::to_string(0x102 + 3));
  CHECK(size_of(rule, "ff010203") == std::to_string(0x102 + 3));
  rule.big = false;
  CHECK(size_of(rule, "ff0102") == std::to_string(0x201 + 3));
  CHECK(size_of(fixed(number_type::u8), "ff") == "256");
  CHECK(size_of(fixed(number_type::u24), "000102") == std::to_string(0x102 + 3));
  CHECK(size_of(fixed(number_type::u32), "00000102") == std::to_string(0x102 + 4));
}

// The smallest packet is its own header.
TEST_CASE("a length less than its own header is an error") {
  framing_rule rule = fixed(number_type::u8);
  rule.at = 2;
  CHECK(size_of(rule, "000000") == "3");
  rule.add = -1;
  CHECK(size_of(rule, "000001") == "3");
  CHECK(size_of(rule, "000000") == "the packet's length says 0, less than its own header");
  rule.counts_all = true;
  rule.add = 0;
  CHECK(size_of(rule, "000003") == "3");
  CHECK(size_of(rule, "000002") == "the packet's length says 2, less than its own header");
  rule.add = 2;
  CHECK(size_of(rule, "000001") == "3");
  CHECK(size_of(rule, "000000") == "the packet's length says 0, less than its own header");
}

// No length is so large that it would wrap: what counts as a terabyte stays one.
TEST_CASE("huge lengths do not wrap") {
  constexpr std::uint64_t terabyte = std::uint64_t{1} << 40;
  const framing_rule rule = fixed(number_type::u64);
  CHECK(size_of(rule, "000000ffffffffff") == std::to_string(terabyte - 1 + 8));
  CHECK(size_of(rule, "0000010000000000") == std::to_string(terabyte + 8));
  CHECK(size_of(rule, "0000010000000001") == std::to_string(terabyte + 8));
  CHECK(size_of(rule, "7fffffffffffffff") == std::to_string(terabyte + 8));
  CHECK(size_of(rule, "8000000000000000") == std::to_string(terabyte + 8));
  CHECK(size_of(rule, "ffffffffffffffff") == std::to_string(terabyte + 8));
}

TEST_CASE("varints at each change of their length") {
  CHECK(hex(varint_of(0)) == "00");
  for (unsigned k = 1; k <= 9; ++k) {
    const std::uint64_t next = std::uint64_t{1} << (7 * k);
    std::string longest;
    std::string shortest;
    for (unsigned i = 1; i < k; ++i) longest += "ff";
    for (unsigned i = 0; i < k; ++i) shortest += "80";
    CHECK(hex(varint_of(next - 1)) == longest + "7f");
    CHECK(hex(varint_of(next)) == shortest + "01");
  }
  CHECK(hex(varint_of(all_ones)) == "ffffffffffffffffff01");
}

TEST_CASE("a packet's length as a varint") {
  CHECK(size_of(varint(4), "7f") == std::to_string(127 + 1));
  CHECK(size_of(varint(4), "80") == "?");
  CHECK(size_of(varint(4), "8001") == std::to_string(128 + 2));
  CHECK(size_of(varint(4), "ff7f") == std::to_string(16383 + 2));
  CHECK(size_of(varint(4), "808001") == std::to_string(16384 + 3));
  CHECK(size_of(varint(4), "ffffff7f") == std::to_string(268435455 + 4));
  CHECK(size_of(varint(4), "80808080") == "the packet's length is a varint of more than 4 bytes");
  CHECK(size_of(varint(1), "7f") == std::to_string(127 + 1));
  CHECK(size_of(varint(1), "80") == "the packet's length is a varint of more than 1 bytes");
  // More bytes than needed say the same.
  CHECK(size_of(varint(4), "8100") == std::to_string(1 + 2));
  CHECK(size_of(varint(4), "81808000") == std::to_string(1 + 4));
  framing_rule later = varint(2);
  later.at = 1;
  CHECK(size_of(later, "80") == "?");
  CHECK(size_of(later, "8005") == std::to_string(5 + 2));
  CHECK(size_of(later, "808005") == std::to_string(5 * 128 + 3));
}

TEST_CASE("a packet's length of more than 64 bits is an error") {
  constexpr std::uint64_t terabyte = std::uint64_t{1} << 40;
  CHECK(size_of(varint(10), "ffffffffffffffffff01") == std::to_string(terabyte + 10));
  for (const char* last : {"02", "7f", "80", "81", "ff"})
    CHECK(size_of(varint(10), std::string("808080808080808080") + last) ==
          "the packet's length is a varint of more than 64 bits");
  CHECK(size_of(varint(10), "80808080808080808001") == std::to_string(terabyte + 10));
  CHECK(size_of(varint(9), "808080808080808080") == "the packet's length is a varint of more than 9 bytes");
}

TEST_CASE("the width of a length field") {
  CHECK(length_width(fixed(number_type::u16), bytes("0001")) == 2);
  CHECK(length_width(fixed(number_type::u16), bytes("00")) == 0);
  CHECK(length_width(varint(4), bytes("8001ff")) == 2);
  CHECK(length_width(varint(4), bytes("80")) == 0);
  framing_rule later = fixed(number_type::u8);
  later.at = 3;
  CHECK(length_width(later, bytes("00000000")) == 4);
}

TEST_CASE("a length is put in front") {
  CHECK(length_for(fixed(number_type::u8), 0) == "00");
  CHECK(length_for(fixed(number_type::u8), 255) == "ff");
  CHECK(length_for(fixed(number_type::u8), 256) == "too long");
  CHECK(length_for(fixed(number_type::u16), 0x102) == "0102");
  CHECK(length_for(fixed(number_type::u16, false), 0x102) == "0201");
  CHECK(length_for(fixed(number_type::u16), 65535) == "ffff");
  CHECK(length_for(fixed(number_type::u16), 65536) == "too long");
  CHECK(length_for(fixed(number_type::u64), 0x102) == "0000000000000102");
  CHECK(length_for(varint(4), 127) == "7f");
  CHECK(length_for(varint(4), 128) == "8001");
  CHECK(length_for(varint(1), 127) == "7f");
  CHECK(length_for(varint(1), 128) == "too long");
  CHECK(length_for(varint(2), 16383) == "ff7f");
  CHECK(length_for(varint(2), 16384) == "too long");
}

// The correction is taken off, and a length is never negative.
TEST_CASE("a length with a correction is put in front") {
  framing_rule rule = fixed(number_type::u8);
  rule.add = 3;
  CHECK(length_for(rule, 5) == "02");
  CHECK(length_for(rule, 3) == "00");
  CHECK(length_for(rule, 2) == "too long");
  rule.add = -3;
  CHECK(length_for(rule, 5) == "08");
  CHECK(length_for(rule, 252) == "ff");
  CHECK(length_for(rule, 253) == "too long");
  for (framing_rule wide : {fixed(number_type::u64), varint(10)}) {
    wide.add = 3;
    CHECK(length_for(wide, 2) == "too long");
  }
}

// A varint that counts itself grows by being counted, twice at most: each body around a change of its length
// gets one that says the size of the whole.
TEST_CASE("a length that counts itself") {
  framing_rule rule = fixed(number_type::u16);
  rule.counts_all = true;
  CHECK(length_for(rule, 5) == "0007");
  CHECK(length_for(rule, 65533) == "ffff");
  CHECK(length_for(rule, 65534) == "too long");
  rule = varint(4);
  rule.counts_all = true;
  CHECK(length_for(rule, 0) == "01");
  CHECK(length_for(rule, 126) == "7f");
  CHECK(length_for(rule, 127) == "8101");
  CHECK(length_for(rule, 16381) == "ff7f");
  CHECK(length_for(rule, 16382) == "818001");
  CHECK(length_for(rule, 16383) == "828001");
  rule.limit = 1;
  CHECK(length_for(rule, 126) == "7f");
  CHECK(length_for(rule, 127) == "too long");
  rule.limit = 2;
  CHECK(length_for(rule, 16381) == "ff7f");
  CHECK(length_for(rule, 16382) == "too long");
}

// A field of its own says the same bytes, and says what does not fit.
TEST_CASE("numbers as varints") {
  const auto types = with_layout(text("a:varint"));
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{16383}, std::uint64_t{16384},
        (std::uint64_t{1} << 63) - 1, std::uint64_t{1} << 63, all_ones}) {
    const std::string written = hex(varint_of(value));
    CHECK(packed(*types, "c", {{"a", value}}) == written);
    CHECK(read(types, written) == strings{"r {\"a\":" + std::to_string(value) + "}"});
  }
  CHECK(read(types, "80808080808080808002") == strings{"! a at byte 0: a varint of more than 64 bits"});
  CHECK(read(types, "8080808080808080808000") == strings{"! a at byte 0: a varint of more than 64 bits"});
  CHECK(read(types, "8000") == strings{R"(r {"a":0})"});
  const auto zigzag = with_layout(text("a:zigzag"));
  for (const auto& [value, written] : {std::pair{std::int64_t{0}, "00"},
                                       {-1, "01"},
                                       {1, "02"},
                                       {63, "7e"},
                                       {-64, "7f"},
                                       {64, "8001"},
                                       {INT64_MAX, "feffffffffffffffff01"},
                                       {INT64_MIN, "ffffffffffffffffff01"}}) {
    CHECK(packed(*zigzag, "c", {{"a", value}}) == written);
    CHECK(read(zigzag, written) == strings{"r {\"a\":" + std::to_string(value) + "}"});
  }
}
