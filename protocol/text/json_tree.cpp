#include "protocol/text/json_tree.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "protocol/text/json_text.hpp"

namespace duplexd::protocol {

using nlohmann::ordered_json;

namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// Of most texts it says at once that there is none: a large number has 19 digits in a row, or an exponent of
// three.
bool may_have_large_number(std::string_view text) noexcept {
  constexpr unsigned of_integer = 19;
  constexpr unsigned of_exponent = 3;
  unsigned digits = 0;
  unsigned most = of_integer;
  for (const char c : text) {
    if (is_digit(c)) {
      if (++digits >= most) return true;
      continue;
    }
    const bool is_sign = c == '+' || c == '-';
    const bool in_exponent = c == 'e' || c == 'E' || (is_sign && digits == 0 && most == of_exponent);
    most = in_exponent ? of_exponent : of_integer;
    digits = 0;
  }
  return false;
}

template <class Number>
bool fits(std::string_view token) noexcept {
  Number value{};
  const auto [stop, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  return error == std::errc{} && stop == token.data() + token.size();
}

bool is_large(std::string_view token) {
  if (token.find_first_of(".eE") == std::string_view::npos)
    return !fits<std::int64_t>(token) && !fits<std::uint64_t>(token);
  return !std::isfinite(std::strtod(std::string(token).c_str(), nullptr));
}

std::size_t end_of_string(std::string_view text, std::size_t begin) noexcept {
  std::size_t at = begin + 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return std::min(at + 1, text.size());
}

}  // namespace

std::optional<std::string> quote_large_numbers(std::string_view text) {
  if (!may_have_large_number(text)) return std::nullopt;
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
      continue;
    }
    if (text[at] != '-' && !is_digit(text[at])) {
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find_first_not_of("0123456789+-.eE", at), text.size());
    const std::string_view token = text.substr(at, end - at);
    if (is_large(token)) {
      out.append(text.substr(copied, at - copied)).append("\"").append(token).append("\"");
      copied = end;
    }
    at = end;
  }
  if (copied == 0) return std::nullopt;
  out.append(text.substr(copied));
  return out;
}

std::optional<double> large_number(std::string_view text) {
  const bool is_number = text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
  if (!is_number || !may_have_large_number(text) || check_json(text, 0) || !is_large(text))
    return std::nullopt;
  return std::strtod(std::string(text).c_str(), nullptr);
}

ordered_json json_tree(std::string_view checked) {
  const auto quoted = quote_large_numbers(checked);
  return ordered_json::parse(quoted ? std::string_view(*quoted) : checked, nullptr, false);
}

}  // namespace duplexd::protocol
