#include "protocol/text/number_type.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "tests/catch.hpp"

using namespace duplexd::protocol;

namespace {

std::string half_of(double value) {
  std::uint16_t half = 0;
  if (!double_to_half(value, half)) return "too large";
  return std::to_string(half);
}
std::string bits(unsigned half) {
  return std::to_string(half);
}

}  // namespace

TEST_CASE("widths and kinds of numbers") {
  struct row {
    number_type type;
    unsigned width;
    bool real, sign;
  };
  for (const row& each : {row{number_type::i8, 1, false, true},
                          {number_type::u8, 1, false, false},
                          {number_type::i16, 2, false, true},
                          {number_type::u16, 2, false, false},
                          {number_type::i24, 3, false, true},
                          {number_type::u24, 3, false, false},
                          {number_type::i32, 4, false, true},
                          {number_type::u32, 4, false, false},
                          {number_type::i64, 8, false, true},
                          {number_type::u64, 8, false, false},
                          {number_type::f16, 2, true, false},
                          {number_type::f32, 4, true, false},
                          {number_type::f64, 8, true, false},
                          {number_type::boolean, 1, false, false},
                          {number_type::varint, 0, false, false},
                          {number_type::zigzag, 0, false, true},
                          {number_type::decnum, 0, false, true},
                          {number_type::hexnum, 0, false, false}}) {
    CHECK(width_of(each.type) == each.width);
    CHECK(is_float(each.type) == each.real);
    CHECK(is_signed(each.type) == each.sign);
    CHECK(is_variable(each.type) == (each.width == 0));
  }
}

// Every width in both orders, in a buffer of exactly its size.
TEST_CASE("numbers are loaded and stored") {
  for (unsigned width = 1; width <= 8; ++width) {
    std::vector<std::uint8_t> bytes(width);
    std::uint64_t big = 0;
    std::uint64_t little = 0;
    for (unsigned i = 0; i < width; ++i) {
      bytes[i] = static_cast<std::uint8_t>(0x81 + 0x11 * i);
      big = big << 8 | bytes[i];
      little |= std::uint64_t{bytes[i]} << (8 * i);
    }
    CHECK(load(bytes.data(), width, true) == big);
    CHECK(load(bytes.data(), width, false) == little);
    std::vector<std::uint8_t> out(width);
    store(out.data(), big, width, true);
    CHECK(out == bytes);
    store(out.data(), little, width, false);
    CHECK(out == bytes);
    // Higher bytes of the value are left out.
    if (width < 8) store(out.data(), little | std::uint64_t{0xee} << (8 * width), width, false);
    CHECK(out == bytes);
    const std::uint64_t top = std::uint64_t{1} << (8 * width - 1);
    CHECK(sign_extend(top - 1, width) == static_cast<std::int64_t>(top - 1));
    CHECK(sign_extend(top, width) == static_cast<std::int64_t>(~(top - 1)));
    CHECK(sign_extend(top | (top - 1), width) == -1);
  }
}

// All 65536 values read back as they were.
TEST_CASE("half precision goes there and back") {
  for (unsigned half = 0; half < 0x10000; ++half) {
    const double value = half_to_double(static_cast<std::uint16_t>(half));
    if (std::isnan(value)) {
      CHECK((half & 0x7c00) == 0x7c00);
      CHECK((half & 0x3ff) != 0);
      CHECK(half_of(value) == bits((half & 0x8000) | 0x7e00));
    } else if (half_of(value) != bits(half)) {
      FAIL_CHECK(half);
    }
  }
  CHECK(half_to_double(0x3c00) == 1);
  CHECK(half_to_double(0xc000) == -2);
  CHECK(half_to_double(0x0001) == std::ldexp(1, -24));
  CHECK(half_to_double(0x03ff) == std::ldexp(1023, -24));
  CHECK(half_to_double(0x0400) == std::ldexp(1, -14));
  CHECK(half_to_double(0x7bff) == 65504);
  CHECK(half_to_double(0x7c00) == HUGE_VAL);
  CHECK(half_to_double(0xfc00) == -HUGE_VAL);
}

// Between two neighbours the nearer one, in the middle the even one, up to where the range ends.
TEST_CASE("half precision is rounded to even") {
  for (unsigned half = 0; half < 0x7bff; ++half) {
    const double low = half_to_double(static_cast<std::uint16_t>(half));
    const double high = half_to_double(static_cast<std::uint16_t>(half + 1));
    const double middle = (low + high) / 2;
    const unsigned even = half % 2 == 0 ? half : half + 1;
    const bool right = half_of(middle) == bits(even) && half_of(std::nextafter(middle, 0)) == bits(half) &&
                       half_of(std::nextafter(middle, high)) == bits(half + 1) &&
                       half_of(-middle) == bits(even | 0x8000);
    if (!right) FAIL_CHECK(half);
  }
  CHECK(half_of(0.0) == bits(0));
  CHECK(half_of(-0.0) == bits(0x8000));
  CHECK(half_of(5e-324) == bits(0));
  CHECK(half_of(std::nextafter(65520.0, 0)) == bits(0x7bff));
  CHECK(half_of(65520.0) == "too large");
  CHECK(half_of(-65520.0) == "too large");
  CHECK(half_of(1e308) == "too large");
  CHECK(half_of(HUGE_VAL) == bits(0x7c00));
  CHECK(half_of(-HUGE_VAL) == bits(0xfc00));
  CHECK(half_of(std::nan("")) == bits(0x7e00));
  CHECK(half_of(-std::nan("")) == bits(0xfe00));
}
