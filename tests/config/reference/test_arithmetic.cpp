// Calculating with JSON numbers: exact integers, decimals, and what has no result.
#include <limits>
#include <random>

#include "config/reference/arithmetic.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

ordered_json result(operation what, const ordered_json& left, const ordered_json& right) {
  const auto made = calculate(what, left, right);
  INFO(made.error);
  REQUIRE(made);
  return made.value;
}

std::string failure(operation what, const ordered_json& left, const ordered_json& right) {
  const auto made = calculate(what, left, right);
  CHECK(made.value.is_null());
  return made.error;
}

constexpr auto beyond = "the result is not between -2^63 and 2^64-1";

}  // namespace

TEST_CASE("integers are exact up to both ends, and one beyond is an error", "[arithmetic]") {
  CHECK(result(operation::add, most - 1, 1) == most);
  CHECK(failure(operation::add, most, 1) == beyond);
  CHECK(result(operation::subtract, least + 1, 1) == least);
  CHECK(failure(operation::subtract, least, 1) == beyond);
  CHECK(result(operation::multiply, 4294967295u, 4294967297u) == most);
  CHECK(failure(operation::multiply, 4294967296u, 4294967296u) == beyond);
  CHECK(failure(operation::multiply, most, most) == beyond);
  CHECK(failure(operation::multiply, least, most) == beyond);
  CHECK(result(operation::divide, least, -1) == 9223372036854775808u);
  CHECK(result(operation::modulo, least, -1) == 0);
  CHECK(negated(least).value == 9223372036854775808u);
  CHECK(negated(most).error == beyond);
  CHECK(negated(1.5).value == -1.5);
  CHECK(negated("1").error == "'-' takes a number, not a text");
}

// As Python's divmod has it.
TEST_CASE("quotient and remainder of small integers", "[arithmetic]") {
  for (int a = -9; a <= 9; ++a)
    for (int b = -4; b <= 4; ++b) {
      INFO(a << " " << b);
      if (b == 0) {
        CHECK(failure(operation::divide, a, b) == "division by zero");
        CHECK(failure(operation::modulo, a, b) == "division by zero");
        CHECK(failure(operation::modulo, a, 0.0) == "division by zero");
        continue;
      }
      const auto rest = result(operation::modulo, a, b).get<int>();
      CHECK((rest == 0 || (rest < 0) == (b < 0)));
      CHECK((a - rest) % b == 0);
      CHECK(std::abs(rest) < std::abs(b));
      CHECK(result(operation::modulo, static_cast<double>(a), b) == rest);
      const ordered_json quotient = result(operation::divide, a, b);
      CHECK(quotient.is_number_integer() == (a % b == 0));
      CHECK(quotient.get<double>() == static_cast<double>(a) / b);
    }
}

TEST_CASE("decimals are doubles, and always finite", "[arithmetic]") {
  CHECK(result(operation::add, 0.5, 1) == 1.5);
  CHECK(result(operation::divide, 7, 2) == 3.5);
  CHECK(failure(operation::multiply, 1e308, 10) == "the result is too large for a number");
  CHECK(failure(operation::divide, 1e308, 1e-308) == "the result is too large for a number");
}

// A double cannot tell 2^53 from 2^53 + 1.
TEST_CASE("comparisons", "[arithmetic]") {
  CHECK(result(operation::less, 9007199254740992.0, 9007199254740993) == true);
  CHECK(result(operation::greater_equal, most, least) == true);
  CHECK(result(operation::less_equal, 2, 2.0) == true);
  CHECK(result(operation::greater, 2, 2.0) == false);
  CHECK(result(operation::less, "a", "b") == true);
  CHECK(result(operation::equal, "1", 1) == false);
  CHECK(result(operation::differ, nullptr, ordered_json::array()) == true);
  CHECK(failure(operation::less, "1", 2) ==
        "'<' compares two numbers or two texts, not a text with a number");
  CHECK(result(operation::both, true, false) == false);
  CHECK(result(operation::either, true, false) == true);
  CHECK(failure(operation::both, true, 1) == "'and' takes true or false, not a number");
  CHECK(failure(operation::add, 1, "2") == "'+' takes a number, not a text (add '| number')");
}

TEST_CASE("rounding", "[arithmetic]") {
  const std::tuple<double, unsigned, ordered_json> rows[] = {
      {2.5, 0, 2},      {3.5, 0, 4},      {-2.5, 0, -2},    {2.675, 2, 2.67},
      {0.125, 2, 0.12}, {1e15, 15, 1e15}, {-0.04, 1, -0.0}, {1e300, 1, 1e300}};
  for (const auto& [number, decimals, value] : rows) {
    INFO(number << " " << decimals);
    CHECK(rounded(number, decimals).value == value);
  }
  CHECK(rounded(most, 3).value == most);
  CHECK(rounded(1e20, 0).error == beyond);
  CHECK(truncated(-1.9).value == -1);
  CHECK(truncated(18446744073709549568.0).value == 18446744073709549568u);
  CHECK(truncated(18446744073709551616.0).error == beyond);
  CHECK(truncated(-9223372036854775808.0).value == least);
  CHECK(truncated(-9223372036854777856.0).error == beyond);
}

// With 32-bit operands nothing overflows, so that the machine's own arithmetic is the judge.
TEST_CASE("random integers", "[arithmetic]") {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::int64_t> any(-2147483648, 2147483647);
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t a = any(random);
    const std::int64_t b = any(random);
    CHECK(result(operation::add, a, b) == a + b);
    CHECK(result(operation::subtract, a, b) == a - b);
    CHECK(result(operation::multiply, a, b) == a * b);
    CHECK(result(operation::less, a, b) == (a < b));
  }
}

}  // namespace duplexd::config
