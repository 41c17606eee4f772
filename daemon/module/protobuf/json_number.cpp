#include "daemon/module/protobuf/json_number.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace duplexd {

using nlohmann::ordered_json;

namespace {

template <class T, class From>
std::optional<T> in_range(From value) {
  return std::in_range<T>(value) ? std::optional(static_cast<T>(value)) : std::nullopt;
}

template <class T>
std::optional<T> of_double(double value) {
  // The limits as doubles: 2^63 is beyond int64, and exact.
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (!(value >= low && value < high) || std::trunc(value) != value) return std::nullopt;
  return static_cast<T>(value);
}

template <class T>
std::optional<T> of_text(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_all = error == std::errc{} && end == text.data() + text.size();
  return is_all ? std::optional(value) : std::nullopt;
}

}  // namespace

template <class T>
std::optional<T> json_integer(const ordered_json& from) {
  if (from.is_number_unsigned()) return in_range<T>(from.get<std::uint64_t>());
  if (from.is_number_integer()) return in_range<T>(from.get<std::int64_t>());
  if (from.is_number_float()) return of_double<T>(from.get<double>());
  if (!from.is_string()) return std::nullopt;
  const std::string& text = from.get_ref<const std::string&>();
  if (const auto exact = of_text<T>(text)) return exact;
  const auto real = of_text<double>(text);
  return real ? of_double<T>(*real) : std::nullopt;
}

template <class T>
std::optional<T> json_real(const ordered_json& from) {
  double value = 0;
  if (from.is_number()) {
    value = from.get<double>();
  } else if (from.is_string()) {
    const std::string& text = from.get_ref<const std::string&>();
    if (text == "NaN") return std::numeric_limits<T>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<T>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<T>::infinity();
    const auto read = of_text<double>(text);
    if (!read || !std::isfinite(*read)) return std::nullopt;
    value = *read;
  } else {
    return std::nullopt;
  }
  const T made = static_cast<T>(value);
  return std::isfinite(made) ? std::optional(made) : std::nullopt;
}

template std::optional<std::int32_t> json_integer(const ordered_json&);
template std::optional<std::int64_t> json_integer(const ordered_json&);
template std::optional<std::uint32_t> json_integer(const ordered_json&);
template std::optional<std::uint64_t> json_integer(const ordered_json&);
template std::optional<float> json_real(const ordered_json&);
template std::optional<double> json_real(const ordered_json&);

}  // namespace duplexd
