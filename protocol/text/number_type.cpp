#include "protocol/text/number_type.hpp"

#include <cmath>

namespace duplexd::protocol {

double half_to_double(std::uint16_t half) noexcept {
  const bool negative = (half & 0x8000u) != 0;
  const int exponent = (half >> 10) & 0x1f;
  const int fraction = half & 0x3ff;
  double value = 0;
  if (exponent == 0x1f)
    value = fraction != 0 ? std::nan("") : HUGE_VAL;
  else if (exponent == 0)
    value = std::ldexp(fraction, -24);
  else
    value = std::ldexp(fraction + 1024, exponent - 25);
  return negative ? -value : value;
}

bool double_to_half(double value, std::uint16_t& half) noexcept {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) {
    half = static_cast<std::uint16_t>(sign | 0x7e00);
    return true;
  }
  if (std::isinf(value)) {
    half = static_cast<std::uint16_t>(sign | 0x7c00);
    return true;
  }
  if (magnitude >= 65520.0) return false;  // would round to 2^16
  int exponent = 0;
  std::frexp(magnitude, &exponent);                        // magnitude = m * 2^exponent, 0.5 <= m < 1
  const int scale = exponent < -13 ? -24 : exponent - 11;  // the unit of the last place
  const double units = std::nearbyint(std::ldexp(magnitude, -scale));  // default mode: ties to even
  const auto count = static_cast<std::uint32_t>(units);
  // A subnormal's units are its bits; a carry into the next exponent falls out of the addition by itself.
  const std::uint32_t bits =
      magnitude == 0 ? 0 : (scale == -24 ? count : (static_cast<std::uint32_t>(scale + 24) << 10) + count);
  half = static_cast<std::uint16_t>(sign | bits);
  return true;
}

}  // namespace duplexd::protocol
