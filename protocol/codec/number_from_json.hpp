#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "protocol/codec/program.hpp"

namespace duplexd::protocol {

/// Turns a JSON value into the number that goes onto the wire: scales, times, names and flags turned round,
/// the range checked. `divisor` is what a scale's field divides by. On a fault the reason is returned and
/// `raw` is unset; for floating-point types `raw` holds the bits.
[[nodiscard]] std::string number_from_json(const program& layout, const instruction& in,
                                           const nlohmann::ordered_json& value, std::int64_t divisor,
                                           std::uint64_t& raw);

/// Checks the range of an integer type and gives the bits.
[[nodiscard]] std::string number_from_integer(number_type type, int128 value, std::uint64_t& raw);

/// The number as expressions see it.
[[nodiscard]] std::int64_t expression_value(number_type type, std::uint64_t raw) noexcept;

/// "an integer from 0 to 255".
[[nodiscard]] std::string range_of(number_type type);

}  // namespace duplexd::protocol
