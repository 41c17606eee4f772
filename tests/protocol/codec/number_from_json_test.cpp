#include "protocol/codec/number_from_json.hpp"

#include <bit>
#include <cmath>

#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

struct bounds {
  number_type type;
  int128 low;
  int128 high;
  const char* text;
};
constexpr int128 two_to_64 = int128{1} << 64;
constexpr bounds all_bounds[] = {
    {number_type::i8, -128, 127, "an integer from -128 to 127"},
    {number_type::u8, 0, 255, "an integer from 0 to 255"},
    {number_type::i16, -32768, 32767, "an integer from -32768 to 32767"},
    {number_type::u16, 0, 65535, "an integer from 0 to 65535"},
    {number_type::i24, -8388608, 8388607, "an integer from -8388608 to 8388607"},
    {number_type::u24, 0, 16777215, "an integer from 0 to 16777215"},
    {number_type::i32, INT32_MIN, INT32_MAX, "an integer from -2147483648 to 2147483647"},
    {number_type::u32, 0, UINT32_MAX, "an integer from 0 to 4294967295"},
    {number_type::i64, INT64_MIN, INT64_MAX, "an integer from -9223372036854775808 to 9223372036854775807"},
    {number_type::u64, 0, two_to_64 - 1, "an integer from 0 to 18446744073709551615"},
    {number_type::boolean, 0, 1, "an integer from 0 to 1"},
    {number_type::varint, 0, two_to_64 - 1, "an integer from 0 to 18446744073709551615"},
    {number_type::zigzag, INT64_MIN, INT64_MAX,
     "an integer from -9223372036854775808 to 9223372036854775807"},
};

// The number on the wire, or why not. One program has every table that the forms need.
struct input {
  program layout;
  instruction in;

  explicit input(number_type type, form as = form::plain) {
    in.type = type;
    in.as = as;
    in.rule = layout.enums.add({{{0, "ack"}, {1, "urgent"}, {7, "top"}, {8, "over"}}});
    if (as == form::scaled) in.rule = layout.scales.add({});
    if (as == form::time) in.rule = layout.times.add(time_unit::s);
  }
  scale_rule& scale() { return layout.scales[0]; }

  std::string operator()(const ordered_json& value, std::int64_t divisor = 1) const {
    std::uint64_t raw = 0x55;
    const std::string why = number_from_json(layout, in, value, divisor, raw);
    return why.empty() ? std::to_string(raw) : why;
  }
};

std::string bits_of(float value) {
  return std::to_string(std::bit_cast<std::uint32_t>(value));
}
std::string bits_of(double value) {
  return std::to_string(std::bit_cast<std::uint64_t>(value));
}

}  // namespace

TEST_CASE("each integer type at both ends of its range") {
  for (const bounds& each : all_bounds) {
    INFO(each.text);
    CHECK(range_of(each.type) == each.text);
    std::uint64_t raw = 0;
    for (const int128 value : {each.low, each.high, int128{0}, int128{1}}) {
      CHECK(number_from_integer(each.type, value, raw).empty());
      const int128 seen = expression_value(
          each.type, is_variable(each.type) || is_signed(each.type) ? raw : raw & (two_to_64 - 1));
      CHECK(seen == std::min(value, int128{INT64_MAX}));
    }
    std::string below = "expected " + std::string(each.text) + ", found ";
    std::string above = below;
    append_decimal(below, each.low - 1, 0);
    append_decimal(above, each.high + 1, 0);
    CHECK(number_from_integer(each.type, each.low - 1, raw) == below);
    CHECK(number_from_integer(each.type, each.high + 1, raw) == above);
  }
  for (const number_type type : {number_type::f16, number_type::f32, number_type::f64})
    CHECK(range_of(type) == "a number");
}

TEST_CASE("signs on the wire") {
  std::uint64_t raw = 0;
  for (const auto& [value, zigzag] : {std::pair{std::int64_t{0}, std::uint64_t{0}},
                                      {-1, 1},
                                      {1, 2},
                                      {-2, 3},
                                      {INT64_MAX, UINT64_MAX - 1},
                                      {INT64_MIN, UINT64_MAX}}) {
    CHECK(number_from_integer(number_type::zigzag, value, raw).empty());
    CHECK(raw == zigzag);
    CHECK(expression_value(number_type::zigzag, raw) == value);
  }
  CHECK(number_from_integer(number_type::i16, -2, raw).empty());
  CHECK((raw & 0xffff) == 0xfffe);
  CHECK(expression_value(number_type::i16, 0xfffe) == -2);
  CHECK(expression_value(number_type::u16, 0xfffe) == 0xfffe);
  CHECK(expression_value(number_type::i24, 0x800000) == -8388608);
}

// Expressions have 64 bits with a sign: what is larger counts as the largest.
TEST_CASE("large numbers in expressions") {
  for (const number_type type : {number_type::u64, number_type::varint}) {
    CHECK(expression_value(type, INT64_MAX) == INT64_MAX);
    CHECK(expression_value(type, std::uint64_t{1} << 63) == INT64_MAX);
    CHECK(expression_value(type, UINT64_MAX) == INT64_MAX);
  }
  CHECK(expression_value(number_type::i64, UINT64_MAX) == -1);
}

TEST_CASE("plain numbers") {
  const input byte(number_type::u8);
  CHECK(byte(0) == "0");
  CHECK(byte(255) == "255");
  CHECK(byte(256u) == "expected an integer from 0 to 255, found 256");
  CHECK(byte(-1) == "expected an integer from 0 to 255, found -1");
  CHECK(byte(1.0) == "expected an integer from 0 to 255, found 1.0");
  CHECK(byte("ack") == "expected an integer from 0 to 255, found \"ack\"");
  CHECK(byte(true) == "expected an integer from 0 to 255, found true");
  CHECK(byte(nullptr) == "expected an integer from 0 to 255, found null");
  CHECK(byte({1, 2}) == "expected an integer from 0 to 255, found [1,2]");
  CHECK(input(number_type::u64)(UINT64_MAX) == "18446744073709551615");
  CHECK(input(number_type::i64)(UINT64_MAX) ==
        "expected an integer from -9223372036854775808 to 9223372036854775807, found 18446744073709551615");
  const input flag(number_type::boolean);
  CHECK(flag(true) == "1");
  CHECK(flag(false) == "0");
  CHECK(flag(1) == "1");
  CHECK(flag(2) == "expected an integer from 0 to 1, found 2");
}

TEST_CASE("null is a number where one stands for it") {
  input byte(number_type::u8);
  byte.in.none = 255;
  CHECK(byte(nullptr) == "255");
  CHECK(byte(3) == "3");
  byte.in.none = 256;
  CHECK(byte(nullptr) == "expected an integer from 0 to 255, found 256");
  input scaled(number_type::i8, form::scaled);
  CHECK(scaled(nullptr) == "expected a number, found nothing");
  scaled.in.none = 9;
  scaled.scale().places = 2;
  CHECK(scaled(nullptr) == "9");
}

// A value in an error message takes 60 bytes at most, and is never cut within a character.
TEST_CASE("values in messages are short") {
  const input byte(number_type::u8);
  const std::string start = "expected an integer from 0 to 255, found ";
  CHECK(byte(std::string(58, 'x')) == start + "\"" + std::string(58, 'x') + "\"");
  CHECK(byte(std::string(59, 'x')) == start + "\"" + std::string(56, 'x') + "…");
  CHECK(byte(std::string(55, 'x') + "\u00e9\u00e9\u00e9") == start + "a text");
  CHECK(byte(std::string(56, 'x') + "\u00e9\u00e9\u00e9") == start + "\"" + std::string(56, 'x') + "…");
  CHECK(byte("\xff") == start + "a text that is not UTF-8");
}

TEST_CASE("floating-point numbers at the ends of their range") {
  const input half(number_type::f16);
  CHECK(half(1.5) == std::to_string(0x3e00));
  CHECK(half(65519) == std::to_string(0x7bff));
  CHECK(half(65520) == "65520 is too large for 16-bit floating point");
  CHECK(half("-inf") == std::to_string(0xfc00));
  const input single(number_type::f32);
  CHECK(single(1) == bits_of(1.0F));
  CHECK(single(0.1) == bits_of(0.1F));
  const double limit = 0x1.ffffffp127;
  CHECK(single(std::nextafter(limit, 0)) == std::to_string(0x7f7fffff));
  CHECK(single(-std::nextafter(limit, 0)) == std::to_string(0xff7fffff));
  CHECK(single(limit).ends_with("is too large for 32-bit floating point"));
  CHECK(single(-limit).ends_with("is too large for 32-bit floating point"));
  CHECK(single("inf") == std::to_string(0x7f800000));
  CHECK(single("-inf") == std::to_string(0xff800000));
  CHECK(single("nan") == std::to_string(0x7fc00000));
  const input full(number_type::f64);
  CHECK(full(-1e300) == bits_of(-1e300));
  CHECK(full("inf") == bits_of(HUGE_VAL));
  CHECK(full("-inf") == bits_of(-HUGE_VAL));
  CHECK(full("nan") == bits_of(std::nan("")));
  CHECK(full("NaN") == "expected a number, found \"NaN\"");
  CHECK(full("+inf") == "expected a number, found \"+inf\"");
  CHECK(full(true) == "expected a number, found true");
}

TEST_CASE("scaled numbers are rounded, half away from zero") {
  input whole(number_type::i16, form::scaled);
  for (const auto& [value, raw] : {std::pair{0.5, 1}, {0.49, 0}, {1.5, 2}, {2.5, 3}, {2.4, 2}, {100.0, 100}})
    CHECK(whole(value) == std::to_string(raw));
  CHECK(whole(-2.5) == std::to_string(static_cast<std::uint64_t>(-3)));
  CHECK(whole(-0.4) == "0");
  input cents(number_type::u16, form::scaled);
  cents.scale().divisor = 100;
  CHECK(cents(1.15) == "115");
  CHECK(cents(0.125) == "13");
  CHECK(cents(0.005) == "1");
  CHECK(cents(0.0049) == "0");
  CHECK(cents(655.35) == "65535");
  CHECK(cents(3) == "300");
  CHECK(cents(655.36) == "655.36 is 65536 on the wire; expected an integer from 0 to 65535, found 65536");
  CHECK(cents(-0.01) == "-0.01 is -1 on the wire; expected an integer from 0 to 65535, found -1");
}

TEST_CASE("scales turn round") {
  input number(number_type::i32, form::scaled);
  number.scale() = {.factor = 4, .divisor = 1, .places = 0};
  CHECK(number(8) == "2");
  CHECK(number(10) == "3");
  number.scale() = {.factor = 1, .divisor = 1, .places = 3};
  CHECK(number(1.234) == "1234");
  CHECK(number(2) == "2000");
  CHECK(number(2, 5) == "10000");  // and by a field's value
  number.scale() = {.factor = 5, .divisor = 8, .places = 1};
  CHECK(number(1.5) == "24");
  input real(number_type::f64, form::scaled);
  real.scale() = {.factor = 1, .divisor = 10, .places = 0};
  CHECK(real(1.5) == bits_of(15.0));
  input narrow(number_type::f32, form::scaled);
  narrow.scale() = {.factor = 1, .divisor = 10, .places = 0};
  CHECK(narrow(0.25) == bits_of(2.5F));
  CHECK(narrow(1e38) == "1e+39 is too large for 32-bit floating point");
}

// Integers do not go through a double.
TEST_CASE("scaled integers keep all their digits") {
  const input natural(number_type::u64, form::scaled);
  CHECK(natural(UINT64_MAX) == "18446744073709551615");
  CHECK(natural((std::uint64_t{1} << 53) + 1) == "9007199254740993");
  const input integer(number_type::i64, form::scaled);
  CHECK(integer(INT64_MIN + 1) == std::to_string(std::uint64_t{1} + (std::uint64_t{1} << 63)));
  CHECK(integer(-9007199254740993) == std::to_string(static_cast<std::uint64_t>(-9007199254740993)));
}

TEST_CASE("what no scale can take") {
  const input number(number_type::u8, form::scaled);
  CHECK(number("nan") == "\"nan\" is out of range");
  CHECK(number("-inf") == "\"-inf\" is out of range");
  CHECK(number(1e31) == "1e+31 is out of range");
  CHECK(number(-1e31) == "-1e+31 is out of range");
  CHECK(number(9e29).starts_with("9e+29 is 9000000000000000"));
  CHECK(number("3") == "expected a number, found a text");
  CHECK(number(true) == "expected a number, found a boolean");
}

TEST_CASE("flags by name and by number") {
  const input flags(number_type::u8, form::flags);
  CHECK(flags(ordered_json::array()) == "0");
  CHECK(flags({"ack"}) == "1");
  CHECK(flags({"urgent", "top", "urgent"}) == "130");
  CHECK(flags({"ack", 6}) == "7");
  CHECK(flags({0, 64}) == "64");
  CHECK(flags(130) == "130");
  CHECK(flags(256) == "expected an integer from 0 to 255, found 256");
  CHECK(flags({-1}) == "-1 is not one of its flags");
  for (const ordered_json& wrong : {ordered_json{"none"}, ordered_json{"ack", "none"}})
    CHECK(flags(wrong).starts_with("\"none\" is not one of its flags; known: ack, "));
  CHECK(flags({1.0}) == "1.0 is not one of its flags");
  CHECK(flags({"over"}) == "expected an integer from 0 to 255, found 256");
  CHECK(flags("ack") == "expected a list of names, found a text");
  CHECK(flags(nullptr) == "expected a list of names, found nothing");
}

TEST_CASE("numbers by name") {
  const input name(number_type::u8, form::names);
  CHECK(name("ack") == "0");
  CHECK(name("top") == "7");
  CHECK(name(9) == "9");
  CHECK(name("tip") == "\"tip\" is not one of its names; did you mean 'top'?");
  CHECK(name("nothing like it").starts_with("\"nothing like it\" is not one of its names; known: ack, "));
  CHECK(name(1.5) == "expected an integer from 0 to 255, found 1.5");
  CHECK(input(number_type::u8, form::time)("ack") ==
        "\"ack\" is not a time such as 2024-01-31T12:00:00Z in this field's unit");
}

TEST_CASE("times as text and as number") {
  input time(number_type::u32, form::time);
  CHECK(time("1970-01-01T00:01:40Z") == "100");
  CHECK(time(100) == "100");
  CHECK(time("1969-12-31T23:59:59Z") == "expected an integer from 0 to 4294967295, found -1");
  time.layout.times[0] = time_unit::ms;
  CHECK(time("1970-01-01T00:00:00.25Z") == "250");
}

// What is read packs to the same bytes, whatever the type and the scale, at the ends of the range and within.
TEST_CASE("scaled numbers go there and back") {
  for (const char* type : {"b", "B", "h", "H", "i24", "u24", "i", "I", "q", "Q"}) {
    const std::string code = type;
    const bool big = code == "q" || code == "Q";
    const std::size_t width = code == "b" || code == "B"   ? 1
                              : code == "h" || code == "H" ? 2
                              : code.ends_with("24")       ? 3
                              : big                        ? 8
                                                           : 4;
    for (const char* scale : {"/1",    "/10",   "/100", "/1000",    "/1e6",        "/1e9", "*0.1", "*0.01",
                              "*1e-7", "*1e-9", "*10",  "*5",       "/4",          "/3",   "/7",   "*3/8",
                              "*0.25", "/60",   "-40",  "*0.1-127", "/100+273.15", "/3-1"}) {
      const auto types = with_layout(text("> a:" + code + scale));
      // A double has 53 bits: of eight bytes the lower six and a half are varied.
      std::vector<std::string> all;
      for (const char* lead : {"00", "01", "7f", "80", "ff"})
        for (const char* last : {"00", "01", "73", "7f", "80", "fe", "ff"}) {
          std::string digits = lead;
          if (width == 1) {
            all.push_back(last);
            continue;
          }
          for (std::size_t i = 2; i < width; ++i)
            digits += digits.substr(0, 2) == "ff" ? "ff" : i % 2 == 0 ? "5a" : "c3";
          digits += last;
          if (big && code == "q" && digits.substr(0, 2) == "ff")
            digits = "ffff" + digits.substr(4);
          else if (big)
            digits = "000f" + digits.substr(4);
          all.push_back(digits);
        }
      for (const std::string& digits : all) {
        const strings found = read(types, digits);
        REQUIRE(found.front().starts_with("r {"));
        const std::string again = packed(*types, "c", ordered_json::parse(found.front().substr(2)));
        if (again != digits)
          FAIL_CHECK(code << scale << ": " << digits << " " << found.front() << " " << again);
      }
    }
  }
}

TEST_CASE("scaled fields, number by number") {
  const auto check = [](const char* layout, const ordered_json& value, const std::string& outcome) {
    INFO(layout << " " << value);
    CHECK(packed(*with_layout(text(std::string("> a:") + layout)), "c", {{"a", value}}) == outcome);
  };
  check("i/100", 1.15, "00000073");
  check("B*0.1-12.7", 12.8, "ff");
  check("B-40", -40, "00");
  check("B-40", -41, "a at byte 0: -41 is -1 on the wire; expected an integer from 0 to 255, found -1");
  check("f-1", 9.5, "41280000");
  check("h/100", 327.67, "7fff");
  check("h/100", 327.674, "7fff");
  check("h/100", -327.68, "8000");
  check("h/100", 327.68,
        "a at byte 0: 327.68 is 32768 on the wire; expected an integer from -32768 to 32767, found 32768");
  check("h/100", -327.69,
        "a at byte 0: -327.69 is -32769 on the wire; expected an integer from -32768 to 32767, found -32769");
  check("B/100", 2.55, "ff");
  check("B/100", -0.004, "00");
  check("B*5", 1275, "ff");
  check("B*5", 1277, "ff");
  check("B*5", 1278, "a at byte 0: 1278 is 256 on the wire; expected an integer from 0 to 255, found 256");
  check("i*1e-7", 47.3984906, "1c406f8a");
}
