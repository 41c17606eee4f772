#include "protocol/text/foreign_text.hpp"

#include <cstdint>

#include "protocol/text/number_type.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {
namespace {

constexpr std::uint32_t first_pair = 0x10000;

void append_utf8(std::string& out, std::uint32_t code) {
  const auto part = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (code < 0x80) return part(code);
  if (code < 0x800) {
    part(0xc0 | code >> 6);
  } else {
    if (code < first_pair)
      part(0xe0 | code >> 12);
    else
      part(0xf0 | code >> 18), part(0x80 | (code >> 12 & 0x3f));
    part(0x80 | (code >> 6 & 0x3f));
  }
  part(0x80 | (code & 0x3f));
}

}  // namespace

std::string replace_bad_utf8(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0;; ++at) {
    at += find_bad_utf8(text.substr(at));
    if (at >= text.size()) return out;
    out[at] = '?';
  }
}

// RFC 3629, 4: which second bytes there are depends on the first.
std::size_t cut_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t from_end) {
    return static_cast<std::uint8_t>(text[text.size() - from_end]);
  };
  for (std::size_t there = 1; there <= 3 && there <= text.size(); ++there) {
    const std::uint8_t first = byte(there);
    if ((first & 0xc0) == 0x80) continue;
    const std::size_t size = first >= 0xc2 && first < 0xe0    ? 2
                             : first >= 0xe0 && first < 0xf0  ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
    if (size <= there) return 0;
    const std::uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    const bool is_good = there == 1 || (byte(there - 1) >= low && byte(there - 1) <= high);
    return is_good ? there : 0;
  }
  return 0;
}

bool append_from_utf16(std::string& out, bytes_view bytes, bool big, bool replace, std::size_t& bad) {
  const auto unit = [&](std::size_t at) {
    return static_cast<std::uint32_t>(load(bytes.data() + at, 2, big));
  };
  for (bad = 0; bad + 1 < bytes.size(); bad += 2) {
    std::uint32_t code = unit(bad);
    const bool is_half = code >= 0xd800 && code < 0xe000;
    const std::uint32_t next = is_half && code < 0xdc00 && bad + 3 < bytes.size() ? unit(bad + 2) : 0;
    if (next >= 0xdc00 && next < 0xe000) {
      code = first_pair + ((code - 0xd800) << 10) + (next - 0xdc00);
      bad += 2;
    } else if (is_half) {
      if (!replace) return false;
      code = 0xfffd;
    }
    append_utf8(out, code);
  }
  return bad == bytes.size();
}

std::string utf16_of(std::string_view text, bool big) {
  std::string out;
  const auto put = [&](std::uint32_t unit) {
    out += static_cast<char>(big ? unit >> 8 : unit & 0xff);
    out += static_cast<char>(big ? unit & 0xff : unit >> 8);
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at++]);
    const unsigned more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    std::uint32_t code = more == 0 ? first : first & (0x3fu >> more);
    for (unsigned i = 0; i < more && at < text.size(); ++i)
      code = code << 6 | (static_cast<unsigned char>(text[at++]) & 0x3fu);
    if (code < first_pair) {
      put(code);
    } else {
      put(0xd800 + ((code - first_pair) >> 10));
      put(0xdc00 + ((code - first_pair) & 0x3ff));
    }
  }
  return out;
}

}  // namespace duplexd::protocol
