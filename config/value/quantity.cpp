#include "config/value/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace duplexd::config {

using std::chrono::milliseconds;

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<unit, 4> time_units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<unit, 8> size_units{{{"GiB", 1u << 30},
                                          {"GB", 1'000'000'000},
                                          {"MiB", 1u << 20},
                                          {"MB", 1'000'000},
                                          {"KiB", 1u << 10},
                                          {"KB", 1'000},
                                          {"B", 1},
                                          {"", 1}}};
constexpr std::uint64_t longest = longest_duration.count();
constexpr std::uint64_t too_long = longest + 1;

/// Takes the digits at the start of `text`; the greatest number stands for those beyond.
std::optional<std::uint64_t> take_digits(std::string_view& text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end == text.data()) return std::nullopt;
  if (error != std::errc{}) value = std::numeric_limits<std::uint64_t>::max();
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string_view take_letters(std::string_view& text) noexcept {
  std::size_t length = 0;
  while (length < text.size() && (text[length] < '0' || text[length] > '9') && text[length] != '.') ++length;
  const std::string_view letters = text.substr(0, length);
  text.remove_prefix(length);
  return letters;
}

/// "1.5s" once the "1" is taken: one fraction, one unit, nothing behind it, whole milliseconds.
std::optional<std::uint64_t> take_fraction(std::uint64_t whole, std::string_view text) noexcept {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits > 6) return std::nullopt;
  const auto fraction = take_digits(text);
  for (const unit& each : time_units) {
    if (!fraction || text != each.name || each.factor == 1) continue;
    std::uint64_t scale = 1;
    for (std::size_t i = 0; i < digits; ++i) scale *= 10;
    if (*fraction * each.factor % scale != 0) return std::nullopt;
    if (whole > longest / each.factor) return too_long;
    return whole * each.factor + *fraction * each.factor / scale;
  }
  return std::nullopt;
}

/// In milliseconds; all that is more than the longest may be `too_long`.
std::optional<std::uint64_t> read_duration(std::string_view text) noexcept {
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  std::size_t next_unit = 0;
  for (bool first = true; !text.empty(); first = false) {
    const auto amount = take_digits(text);
    if (!amount) return std::nullopt;
    if (first && text.starts_with('.')) return take_fraction(*amount, text.substr(1));
    const std::string_view name = take_letters(text);
    while (next_unit < time_units.size() && time_units[next_unit].name != name) ++next_unit;
    if (next_unit == time_units.size()) return std::nullopt;
    const std::uint64_t factor = time_units[next_unit++].factor;
    total += *amount > longest / factor ? too_long : *amount * factor;
  }
  return total;
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) noexcept {
  const auto total = read_duration(text);
  if (!total || *total > longest) return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(*total));
}

std::optional<milliseconds> parse_bounded_duration(std::string_view text) noexcept {
  const auto total = read_duration(text);
  if (!total) return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(std::min(*total, longest)));
}

std::string show_duration(milliseconds value) {
  auto rest = static_cast<std::uint64_t>(value.count());
  if (rest == 0) return "0";
  std::string text;
  for (const unit& each : time_units) {
    if (rest >= each.factor) text += fmt::format("{}{}", rest / each.factor, each.name);
    rest %= each.factor;
  }
  return text;
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  const auto amount = take_digits(text);
  if (!amount) return std::nullopt;
  for (const unit& each : size_units)
    if (text == each.name) {
      if (*amount > (std::uint64_t{1} << 63) / each.factor) return std::nullopt;
      return *amount * each.factor;
    }
  return std::nullopt;
}

std::string show_size(std::uint64_t value) {
  if (value == 0) return "0";
  for (const unit& each : size_units) {
    const bool binary = each.name.find('i') != std::string_view::npos;
    if (binary && value % each.factor == 0) return fmt::format("{}{}", value / each.factor, each.name);
  }
  return std::to_string(value);
}

}  // namespace duplexd::config
