#include "protocol/text/text_encoding.hpp"

#include <fmt/format.h>

#include <limits>
#include <random>

#include "tests/catch.hpp"

using namespace duplexd::protocol;

namespace {

using bytes = std::vector<std::uint8_t>;

// What one of the append functions adds; what was there stays.
template <class Append, class... Arguments>
std::string appended(Append append, Arguments... arguments) {
  std::string out = "before";
  append(out, arguments...);
  CHECK(out.substr(0, 6) == "before");
  return out.substr(6);
}
std::string decimal(int128 mantissa, unsigned places) {
  return appended(append_decimal, mantissa, places);
}
std::string base64(std::string_view text) {
  return appended(append_base64, bytes(text.begin(), text.end()));
}
std::string from_base64(std::string_view text) {
  const auto out = parse_base64(text);
  return out ? std::string(out->begin(), out->end()) : "none";
}

constexpr std::int64_t low = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t high = std::numeric_limits<std::int64_t>::max();

}  // namespace

TEST_CASE("hex digits") {
  bytes all(256);
  std::string digits;
  for (int i = 0; i < 256; ++i) {
    all[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i);
    digits += "0123456789abcdef"[i / 16];
    digits += "0123456789abcdef"[i % 16];
  }
  CHECK(appended(append_hex, all) == digits);
  CHECK(parse_hex(digits) == all);
  CHECK(parse_hex("ABCDEFabcdef09") == bytes{0xab, 0xcd, 0xef, 0xab, 0xcd, 0xef, 0x09});
  CHECK(parse_hex("") == bytes{});
  CHECK_FALSE(parse_hex("0"));
  CHECK_FALSE(parse_hex("012"));
  for (const char* bad :
       {"/0", "0/", ":0", "0:", "@0", "0@", "G0", "0G", "`0", "0`", "g0", "0g", " 0", "0 ", "-1"})
    CHECK_FALSE(parse_hex(bad));
}

// The examples of RFC 4648, section 10.
TEST_CASE("base64 with each padding") {
  const std::pair<const char*, const char*> table[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : table) {
    CHECK(base64(plain) == coded);
    CHECK(from_base64(coded) == plain);
  }
  CHECK(base64("\xfb\xff\xbf") == "+/+/");
  CHECK(base64({"\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f", 12}) == "ABCDEFGHIJKLMNOP");
  std::mt19937 random(3);
  for (std::size_t size = 0; size < 50; ++size) {
    bytes raw(size);
    for (std::uint8_t& byte : raw) byte = static_cast<std::uint8_t>(random());
    const std::string coded = appended(append_base64, raw);
    CHECK(coded.size() == (size + 2) / 3 * 4);
    CHECK(parse_base64(coded) == raw);
  }
}

TEST_CASE("what is not base64 is refused") {
  for (const char* bad : {"Z",    "Zg",   "Zg=",  "Zg===", "Z===", "====", "=",      "Zg==Zg==", "Zm9=v",
                          "Z=9v", "=m9v", "Zm=v", "Zm9-",  "Zm9_", "Zm9 ", "Zm9\n",  "Zm9*",     "Zm9,",
                          "Zm9.", "Zm9:", "Zm9@", "Zm9[",  "Zm9`", "Zm9{", "Zm9\x80"})
    CHECK(from_base64(bad) == "none");
}

TEST_CASE("decimals are exact and as short as can be") {
  const std::pair<std::string, std::string> table[] = {
      {decimal(39295, 2), "392.95"},
      {decimal(42000, 2), "420"},
      {decimal(0, 0), "0"},
      {decimal(0, 9), "0"},
      {decimal(0, 12), "0"},
      {decimal(5, 1), "0.5"},
      {decimal(-5, 1), "-0.5"},
      {decimal(-5, 3), "-0.005"},
      {decimal(50, 3), "0.05"},
      {decimal(1, 9), "0.000000001"},
      {decimal(1, 10), "0.0000000001"},
      {decimal(-1, 10), "-0.0000000001"},
      {decimal(1'000'000'001, 9), "1.000000001"},
      {decimal(10'000'000'001, 10), "1.0000000001"},
      {decimal(-10'500'000'000, 10), "-1.05"},
      {decimal(10'000'000'000, 10), "1"},
      {decimal(10, 0), "10"},
      {decimal(-10, 0), "-10"},
      {decimal(high, 0), "9223372036854775807"},
      {decimal(high, 9), "9223372036.854775807"},
      {decimal(high, 10), "922337203.6854775807"},
      {decimal(low, 0), "-9223372036854775808"},
      {decimal(low, 9), "-9223372036.854775808"},
      {decimal(low, 18), "-9.223372036854775808"},
      {decimal(low, 19), "-0.9223372036854775808"},
      {decimal(low, 20), "-0.09223372036854775808"},
      {decimal(-int128{high}, 1), "-922337203685477580.7"},
      {decimal(int128{high} + 1, 0), "9223372036854775808"},
      {decimal(int128{high} + 1, 1), "922337203685477580.8"},
      {decimal(int128{low} - 1, 2), "-92233720368547758.09"},
      {decimal(int128{high} * 10, 1), "9223372036854775807"},
      {decimal(int128{high} * 1000, 2), "92233720368547758070"},
  };
  for (const auto& [found, wanted] : table) CHECK(found == wanted);
  const int128 largest = ~(int128{1} << 127);
  CHECK(decimal(largest, 0) == "170141183460469231731687303715884105727");
  CHECK(decimal(-largest - 1, 0) == "-170141183460469231731687303715884105728");
  CHECK(decimal(-largest - 1, 38) == "-1.70141183460469231731687303715884105728");
}

TEST_CASE("whole numbers") {
  CHECK(appended(append_integer, low) == "-9223372036854775808");
  CHECK(appended(append_integer, high) == "9223372036854775807");
  CHECK(appended(append_natural, std::uint64_t{18446744073709551615u}) == "18446744073709551615");
}

// As Python's repr, on both sides of each change of form.
TEST_CASE("reals are spelled as in Python") {
  const std::pair<double, const char*> table[] = {{0.0, "0.0"},
                                                  {-0.0, "-0.0"},
                                                  {1.0, "1.0"},
                                                  {-1.0, "-1.0"},
                                                  {0.1, "0.1"},
                                                  {1e15, "1000000000000000.0"},
                                                  {9999999999999998.0, "9999999999999998.0"},
                                                  {1e16, "1e+16"},
                                                  {-1e16, "-1e+16"},
                                                  {1e-4, "0.0001"},
                                                  {-1e-4, "-0.0001"},
                                                  {9.999e-5, "9.999e-05"},
                                                  {1e-5, "1e-05"},
                                                  {1.5e300, "1.5e+300"},
                                                  {5e-324, "5e-324"},
                                                  {123456.789, "123456.789"}};
  for (const auto& [value, wanted] : table) CHECK(appended(append_real, value) == wanted);
  CHECK(appended(append_real, std::numeric_limits<double>::infinity()) == "\"inf\"");
  CHECK(appended(append_real, -std::numeric_limits<double>::infinity()) == "\"-inf\"");
  CHECK(appended(append_real, std::numeric_limits<double>::quiet_NaN()) == "\"nan\"");
  CHECK(appended(append_real, -std::numeric_limits<double>::quiet_NaN()) == "\"nan\"");
}

TEST_CASE("texts are quoted") {
  const std::string_view named = "\"\\\n\r\t\b\f";
  const std::string escapes = R"(\"\\\n\r\t\b\f)";
  CHECK(appended(append_quoted, named) == "\"" + escapes + "\"");
  CHECK(appended(append_quoted_ascii, named) == "\"" + escapes + "\"");
  for (int c = 0; c < 0x20; ++c) {
    const std::string text{'a', static_cast<char>(c), 'b'};
    if (named.find(static_cast<char>(c)) != std::string_view::npos) continue;
    const std::string wanted = fmt::format("\"a\\u{:04x}b\"", c);
    CHECK(appended(append_quoted, std::string_view(text)) == wanted);
    CHECK(appended(append_quoted_ascii, std::string_view(text)) == wanted);
  }
  CHECK(appended(append_quoted, std::string_view(" !#[]~\x7f\u00e9")) == "\" !#[]~\x7f\u00e9\"");
  CHECK(appended(append_quoted_ascii, std::string_view(" !#[]~\x7f")) == R"(" !#[]~\u007f")");
  CHECK(
      appended(append_quoted_ascii, std::string_view("\u0080\u00e9\u07ff\u0800\uffff\U00010000\U0010ffff")) ==
      R"("\u0080\u00e9\u07ff\u0800\uffff\ud800\udc00\udbff\udfff")");
  CHECK(appended(append_quoted_ascii, std::string_view("a\U0001F600b")) == R"("a\ud83d\ude00b")");
  CHECK(appended(append_quoted, std::string_view("")) == "\"\"");
  CHECK(appended(append_quoted_ascii, std::string_view("")) == "\"\"");
}

TEST_CASE("integers are read in each base") {
  const std::pair<const char*, std::optional<std::int64_t>> table[] = {{"0", 0},
                                                                       {"12", 12},
                                                                       {"-3", -3},
                                                                       {"-0", 0},
                                                                       {"007", 7},
                                                                       {"0x1f", 31},
                                                                       {"0xFF", 255},
                                                                       {"-0x10", -16},
                                                                       {"0b101", 5},
                                                                       {"0o17", 15},
                                                                       {"0x0", 0},
                                                                       {"9223372036854775807", high},
                                                                       {"9223372036854775808", {}},
                                                                       {"-9223372036854775808", low},
                                                                       {"-9223372036854775809", {}},
                                                                       {"0x7fffffffffffffff", high},
                                                                       {"0x8000000000000000", {}},
                                                                       {"-0x8000000000000000", low},
                                                                       {"18446744073709551616", {}},
                                                                       {"", {}},
                                                                       {"-", {}},
                                                                       {"--1", {}},
                                                                       {"+1", {}},
                                                                       {"0x", {}},
                                                                       {"0b", {}},
                                                                       {"0b2", {}},
                                                                       {"0o8", {}},
                                                                       {"0xg", {}},
                                                                       {"x1", {}},
                                                                       {"1x1", {}},
                                                                       {"0X1", {}},
                                                                       {"0c1", {}},
                                                                       {"1 ", {}},
                                                                       {" 1", {}},
                                                                       {"1.0", {}},
                                                                       {"0x-1", {}},
                                                                       {"1a", {}}};
  for (const auto& [text, value] : table) {
    INFO(text);
    CHECK(parse_integer(text) == value);
  }
}
