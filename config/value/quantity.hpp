#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace duplexd::config {

/// A duration as the configuration writes it: `500ms`, `5s`, `1m30s`, `2h`, `1.5s`, or `0`. Units are h, m, s
/// and ms, each at most once and in this order; a fraction is allowed in the last part down to a millisecond.
/// At most 100 years. Nothing if it is none of these.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// The longest duration there is: 100 years.
inline constexpr std::chrono::milliseconds longest_duration{100ll * 365 * 24 * 3'600'000};

/// The same for texts that others wrote: what is longer than 100 years is 100 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_bounded_duration(std::string_view text) noexcept;

/// The same notation, as short as it can be: 90'000 ms are "1m30s".
[[nodiscard]] std::string show_duration(std::chrono::milliseconds value);

/// A size in bytes: `16MiB`, `64KB`, `1024`, `512B`. KiB, MiB and GiB are powers of 1024, KB, MB and GB of
/// 1000. Nothing if it is none of these or over 2^63.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

/// The same notation, with the largest unit that needs no fraction.
[[nodiscard]] std::string show_size(std::uint64_t value);

/// The two notations as regular expressions for JSON Schema: what these match and what is parsed is the same,
/// but for the limits.
inline constexpr std::string_view duration_pattern =
    R"(^(0|(?=[0-9])([0-9]+h)?([0-9]+m(?!s))?([0-9]+s)?([0-9]+ms)?|[0-9]+\.[0-9]+(h|m|s))$)";
inline constexpr std::string_view size_pattern = R"(^[0-9]+(B|[KMG]i?B)?$)";

}  // namespace duplexd::config
