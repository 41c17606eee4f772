#include "protocol/text/digits.hpp"

#include "tests/catch.hpp"

using namespace duplexd::protocol;

namespace {

// The number as it is written again, or "none".
std::string again(number_type type, std::string_view text) {
  const std::string exact(text);
  std::uint64_t raw = 0;
  return read_digits(type, exact, raw) ? digits_of(type, raw, 0) : "none";
}

}  // namespace

TEST_CASE("numbers in digits, at the ends of their range") {
  struct row {
    const char* in;
    const char* decimal;
    const char* hex;
  };
  for (const row& each :
       {row{"0", "0", "0"},
        {"", "none", "none"},
        {"-", "none", "none"},
        {"+", "none", "none"},
        {"-0", "0", "none"},
        {"+7", "7", "none"},
        {"+-7", "none", "none"},
        {"--7", "none", "none"},
        {"007", "7", "7"},
        {" 7", "none", "none"},
        {"7 ", "none", "none"},
        {"0x7", "none", "none"},
        {"aBc", "none", "abc"},
        {"9223372036854775807", "9223372036854775807", "none"},
        {"9223372036854775808", "none", "none"},
        {"-9223372036854775808", "-9223372036854775808", "none"},
        {"-9223372036854775809", "none", "none"},
        {"ffffffffffffffff", "none", "ffffffffffffffff"},
        {"10000000000000000", "10000000000000000", "none"},
        {"0000000000000000000000000000000000000000000000000000000000000001", "1", "1"},
        {"00000000000000000000000000000000000000000000000000000000000000001", "none", "none"}}) {
    INFO(each.in);
    CHECK(again(number_type::decnum, each.in) == each.decimal);
    CHECK(again(number_type::hexnum, each.in) == each.hex);
  }
}

TEST_CASE("digits are filled up with zeros behind the sign") {
  const auto minus_seven = static_cast<std::uint64_t>(-7);
  CHECK(digits_of(number_type::decnum, minus_seven, 4) == "-007");
  CHECK(digits_of(number_type::decnum, minus_seven, 2) == "-7");
  CHECK(digits_of(number_type::decnum, minus_seven, 1) == "-7");
  CHECK(digits_of(number_type::decnum, 7, 3) == "007");
  CHECK(digits_of(number_type::hexnum, minus_seven, 17) == "0fffffffffffffff9");
}
