#include "protocol/text/printable.hpp"

#include <algorithm>

#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

/// Bytes of the printable character at the front of `text`; 0 if there is none.
std::size_t printable_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length) {
    // U+0080 to U+009F are control characters too.
    if (find_bad_utf8(text.substr(0, length)) == length)
      return length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0 ? 0 : length;
  }
  return 0;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(printable_character(text), 1);
    if (out.size() + length > limit) return out + "…";
    if (printable_character(text) != 0) {
      out += text.substr(0, length);
    } else {
      const bool blank = text.front() == '\n' || text.front() == '\r' || text.front() == '\t';
      if (!blank || (!out.empty() && out.back() != ' ')) out += blank ? ' ' : '?';
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace duplexd::protocol
