#include "protocol/text/text_encoding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "protocol/text/text_scan.hpp"

namespace duplexd::protocol {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_unicode_escape(std::string& out, std::uint32_t unit) {
  fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit);
}

// What JSON must escape, apart from the characters above ASCII.
void append_escape(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    default:
      append_unicode_escape(out, c);
  }
}

}  // namespace

void append_integer(std::string& out, std::int64_t value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

void append_natural(std::string& out, std::uint64_t value) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

namespace {

constexpr std::uint64_t powers_of_ten[] = {1,       10,        100,        1'000,       10'000,
                                           100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

// Nearly all decimals: the number fits 64 bits and has at most nine places.
void append_short_decimal(std::string& out, bool negative, std::uint64_t magnitude, unsigned places) {
  const std::uint64_t unit = powers_of_ten[places];
  char buffer[40];
  char* at = buffer;
  if (negative) *at++ = '-';
  at = std::to_chars(at, buffer + sizeof buffer, magnitude / unit).ptr;
  std::uint64_t part = magnitude % unit;
  if (part != 0) {
    while (part % 10 == 0) {
      part /= 10;
      --places;
    }
    *at++ = '.';
    for (unsigned i = places; i > 0; --i, part /= 10) at[i - 1] = static_cast<char>('0' + part % 10);
    at += places;
  }
  out.append(buffer, static_cast<std::size_t>(at - buffer));
}

}  // namespace

void append_decimal(std::string& out, int128 mantissa, unsigned places) {
  const bool short_enough =
      mantissa >= -INT64_MAX && mantissa <= INT64_MAX && places < std::size(powers_of_ten);
  if (short_enough) {
    const auto value = static_cast<std::int64_t>(mantissa);
    return append_short_decimal(out, value < 0, static_cast<std::uint64_t>(value < 0 ? -value : value),
                                places);
  }
  while (places > 0 && mantissa % 10 == 0) {
    mantissa /= 10;
    --places;
  }
  char buffer[80];
  char* const end = buffer + sizeof buffer;
  char* at = end;
  const bool negative = mantissa < 0;
  // The digits of a remainder carry the sign of the dividend, so the smallest value needs no negation.
  do {
    const int digit = static_cast<int>(mantissa % 10);
    *--at = static_cast<char>('0' + (digit < 0 ? -digit : digit));
    mantissa /= 10;
    if (places > 0 && --places == 0) {
      *--at = '.';
      if (mantissa == 0) *--at = '0';
    }
  } while (mantissa != 0 || places > 0);
  if (negative) *--at = '-';
  out.append(at, static_cast<std::size_t>(end - at));
}

void append_real(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "\"nan\"";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "\"-inf\"" : "\"inf\"";
    return;
  }
  char buffer[40];
  const double magnitude = std::fabs(value);
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e16);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  out += text;
  if (plain && text.find('.') == std::string_view::npos) out += ".0";
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t clean = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, clean, i - clean);
    append_escape(out, c);
    clean = i + 1;
  }
  out.append(text, clean);
  out += '"';
}

void append_quoted_ascii(std::string& out, std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = std::max<std::size_t>(1, utf8_length(text.data() + i, text.size() - i));
    const unsigned char c = p[i];
    if (length == 1) {
      if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
        out += static_cast<char>(c);
      else
        append_escape(out, c);
    } else {
      std::uint32_t point = c & (0xffu >> (length + 1));
      for (std::size_t k = 1; k < length; ++k) point = (point << 6) | (p[i + k] & 0x3fu);
      if (point >= 0x10000) {
        append_unicode_escape(out, 0xd800 + ((point - 0x10000) >> 10));
        append_unicode_escape(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
      } else {
        append_unicode_escape(out, point);
      }
    }
    i += length;
  }
  out += '"';
}

void append_hex(std::string& out, bytes_view bytes) {
  const std::size_t at = out.size();
  out.resize(at + 2 * bytes.size());
  char* to = out.data() + at;
  for (const std::uint8_t byte : bytes) {
    *to++ = hex_digits[byte >> 4];
    *to++ = hex_digits[byte & 15];
  }
}

void append_base64(std::string& out, bytes_view bytes) {
  std::size_t i = 0;
  const auto put = [&](std::uint32_t bits, int digits) {
    for (int k = 0; k < 4; ++k) out += k < digits ? base64_digits[(bits >> (18 - 6 * k)) & 63] : '=';
  };
  for (; i + 3 <= bytes.size(); i += 3)
    put(static_cast<std::uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]), 4);
  if (bytes.size() - i == 1) put(static_cast<std::uint32_t>(bytes[i] << 16), 2);
  if (bytes.size() - i == 2) put(static_cast<std::uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8), 3);
}

std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return bytes;
}

std::optional<std::vector<std::uint8_t>> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pad = i >= text.size() - padding;
    const std::size_t digit = pad ? 0 : base64_digits.find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if (i % 4 != 3) continue;
    for (int k = 16; k >= 0; k -= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> k));
    bits = 0;
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

std::size_t find_bad_utf8(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  for (const char* at = find_beyond_ascii(text.data(), end); at != end;) {
    const std::size_t length = utf8_length(at, static_cast<std::size_t>(end - at));
    if (length == 0) return static_cast<std::size_t>(at - text.data());
    at += length;
    if (length == 1) at = find_beyond_ascii(at, end);
  }
  return text.size();
}

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'b' || text[1] == 'o')) {
    base = text[1] == 'x' ? 16 : text[1] == 'b' ? 2 : 8;
    text.remove_prefix(2);
  }
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failed != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  constexpr std::uint64_t limit = std::uint64_t{1} << 63;
  if (negative && value > limit) return std::nullopt;
  if (negative && value > 0) return -static_cast<std::int64_t>(value - 1) - 1;  // 2^63 itself is no int64_t
  if (value >= limit) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace duplexd::protocol
