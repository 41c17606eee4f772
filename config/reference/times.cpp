// Functions, part: times. All of them are in UTC.
#include "config/reference/times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <optional>

#include "config/reference/functions.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

using outcome = resolved<ordered_json>;

constexpr std::int64_t first_second = -62'135'596'800;  // 0001-01-01
constexpr std::int64_t last_second = 253'402'300'799;   // 9999-12-31T23:59:59
constexpr std::size_t longest_format = 200;             // bytes; what it makes has at most four times as many

std::string formatted(const std::string& format, std::time_t at) {
  std::tm parts{};
  gmtime_r(&at, &parts);
  std::array<char, 4 * longest_format + 1> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format.c_str(), &parts)};
}

std::string format_mistake(const std::string& format) {
  if (format.empty() || format.size() > longest_format || format.find('\0') != std::string::npos)
    return fmt::format("a format of times has 1 to {} characters", longest_format);
  return format.find('%') == std::string::npos ? "a format of times has fields, such as '%Y-%m-%d'" : "";
}

std::string check_format(std::span<const ordered_json* const> known) {
  return known.empty() || known[0] == nullptr ? "" : format_mistake(as_text(*known[0]));
}

outcome format_time(function_call& call) {
  const std::string format = as_text(call.arguments[0]);
  if (std::string mistake = format_mistake(format); !mistake.empty()) return {nullptr, std::move(mistake)};
  const double seconds = std::floor(call.input.get<double>());
  if (!(seconds >= static_cast<double>(first_second) && seconds <= static_cast<double>(last_second)))
    return {nullptr, "the time is not in the years 1 to 9999"};
  std::string text = formatted(format, static_cast<std::time_t>(seconds));
  if (text.empty()) return {nullptr, "the format gives a text that is too long"};
  return {std::move(text), ""};
}

/// Seconds since 1970 of a time as RFC 3339 writes it, with up to nine decimals.
outcome of_rfc3339(const std::string& text) {
  using protocol::time_unit;
  if (const auto whole = protocol::parse_time(text, time_unit::s)) return {*whole, ""};
  if (const auto micro = protocol::parse_time(text, time_unit::us))
    return {static_cast<double>(*micro) / 1e6, ""};
  if (const auto nano = protocol::parse_time(text, time_unit::ns))
    return {static_cast<double>(*nano) / 1e9, ""};
  return {nullptr, "the text is not a time such as 2022-06-16T10:27:44Z"};
}

outcome parse_time(function_call& call) {
  const std::string text = as_text(call.input);
  if (call.arguments.empty()) return of_rfc3339(text);
  const std::string format = as_text(call.arguments[0]);
  if (std::string mistake = format_mistake(format); !mistake.empty()) return {nullptr, std::move(mistake)};
  std::tm parts{};
  parts.tm_mday = 1;
  parts.tm_year = 70;
  const char* end = strptime(text.c_str(), format.c_str(), &parts);
  if (end != text.c_str() + text.size())
    return {nullptr, fmt::format("the text is not a time of the form '{}'", format)};
  const std::int64_t east = parts.tm_gmtoff;
  return {static_cast<std::int64_t>(timegm(&parts)) - east, ""};
}

}  // namespace

bool is_time_form(std::string_view form) noexcept {
  constexpr std::array<std::string_view, 5> forms{"unix", "unix_ms", "unix_us", "iso", "http"};
  return std::ranges::find(forms, form) != forms.end();
}

ordered_json time_as(std::string_view form, std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  const auto since = now.time_since_epoch();
  if (form == "unix") return duration_cast<seconds>(since).count();
  if (form == "unix_ms") return duration_cast<milliseconds>(since).count();
  if (form == "unix_us") return duration_cast<microseconds>(since).count();
  const std::time_t whole = system_clock::to_time_t(now);
  if (form == "http") return formatted("%a, %d %b %Y %H:%M:%S GMT", whole);
  const auto milli = duration_cast<milliseconds>(since).count() % 1000;
  return fmt::format("{}.{:03}Z", formatted("%Y-%m-%dT%H:%M:%S", whole), milli);
}

std::vector<function_info> time_functions() {
  using enum value_kinds;
  return {
      {"format_time", "format_time('%Y-%m-%d')", number, text, {text}, 1, format_time, check_format},
      {"parse_time", "parse_time('%Y-%m-%d')", text, number, {text}, 0, parse_time, check_format},
  };
}

}  // namespace duplexd::config
