#pragma once

namespace duplexd::config {

/// Bounds of durations in the field table, in milliseconds.
inline constexpr double a_second = 1'000;
inline constexpr double a_minute = 60 * a_second;
inline constexpr double an_hour = 3'600 * a_second;
inline constexpr double a_day = 24 * an_hour;

}  // namespace duplexd::config
