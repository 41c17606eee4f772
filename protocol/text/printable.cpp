#include "protocol/text/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

bool is_obeyed(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/// What is at the front of a text: a character, or a byte that belongs to none.
struct scanned {
  std::size_t length = 1;
  char32_t code = 0;
  bool is_character = false;
  [[nodiscard]] bool is_printable() const { return is_character && !is_obeyed(code); }
};

scanned front_of(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {1, first, true};
  for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length) {
    if (find_bad_utf8(text.substr(0, length)) != length) continue;
    char32_t code = first & (0x7fU >> length);
    for (const char c : text.substr(1, length - 1))
      code = code << 6 | (static_cast<unsigned char>(c) & 0x3fU);
    return {length, code, true};
  }
  return {1, first, false};
}

std::string escaped(std::string_view text, bool keep_line_ends) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const scanned next = front_of(text);
    if (next.is_printable() || (keep_line_ends && next.code == '\n' && next.is_character))
      out += text.substr(0, next.length);
    else
      out += next.length == 1 ? fmt::format("\\x{:02x}", static_cast<unsigned>(next.code))
                              : fmt::format("\\u{:04x}", static_cast<unsigned>(next.code));
    text.remove_prefix(next.length);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    const scanned next = front_of(text);
    if (out.size() + next.length > limit) return out + "…";
    if (next.is_printable()) {
      out += text.substr(0, next.length);
    } else {
      const bool blank = text.front() == '\n' || text.front() == '\r' || text.front() == '\t';
      if (!blank || (!out.empty() && out.back() != ' ')) out += blank ? ' ' : '?';
    }
    text.remove_prefix(next.length);
  }
  return out;
}

std::string one_line(std::string_view text) {
  return escaped(text, false);
}

std::string as_lines(std::string_view text) {
  return escaped(text, true);
}

}  // namespace duplexd::protocol
