#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/text/number_type.hpp"

namespace duplexd::protocol {

/// Characters of a number, zeros in front and the sign included.
inline constexpr std::size_t longest_digits = 64;

/// Reads the whole text as a number of 64 bits: `decnum` with or without a sign, or `hexnum`. False if it is
/// none, or longer than `longest_digits`.
[[nodiscard]] bool read_digits(number_type type, std::string_view text, std::uint64_t& raw) noexcept;

/// The number in digits, hexadecimal ones in lower case, with zeros in front of them up to `width`
/// characters.
[[nodiscard]] std::string digits_of(number_type type, std::uint64_t raw, std::size_t width);

}  // namespace duplexd::protocol
