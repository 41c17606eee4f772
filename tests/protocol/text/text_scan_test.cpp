#include "protocol/text/text_scan.hpp"

#include <random>
#include <string>
#include <vector>

#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"

using namespace duplexd::protocol;

namespace {

// A text in a buffer of exactly its size.
std::vector<char> exact(std::string_view text) {
  return {text.begin(), text.end()};
}
std::size_t bad_at(std::string_view text) {
  const std::vector<char> buffer = exact(text);
  return find_bad_utf8({buffer.data(), buffer.size()});
}

// Where the first byte stands for which `stops` holds.
template <class Stops>
std::size_t first(const std::vector<char>& text, Stops stops) {
  std::size_t at = 0;
  while (at < text.size() && !stops(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

bool no_ascii(unsigned char c) {
  return c > 127;
}
bool not_plain(unsigned char c) {
  return c < 32 || c > 127 || c == '"' || c == '\\';
}
bool no_digit(unsigned char c) {
  return c < '0' || c > '9';
}

void check_scans(const std::vector<char>& text) {
  const char* const at = text.data();
  const char* const end = at + text.size();
  const auto place = [&](const char* found) { return static_cast<std::size_t>(found - at); };
  const bool same = place(find_beyond_ascii(at, end)) == first(text, no_ascii) &&
                    place(find_not_plain(at, end)) == first(text, not_plain) &&
                    place(find_no_digit(at, end)) == first(text, no_digit);
  if (!same) FAIL("a scan stops at the wrong byte of " << std::string(text.begin(), text.end()));
#if defined(__SSE2__)
  if (text.size() < 16) return;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool bits = (not_plain_of(load_sixteen(at)) >> i & 1) == (not_plain(c) ? 1 : 0) &&
                      (no_digits_of(load_sixteen(at)) >> i & 1) == (no_digit(c) ? 1 : 0);
    if (!bits) FAIL("a wrong bit for byte " << int{c});
  }
#endif
}

// The well-formed sequences of RFC 3629, section 4: first byte, second byte, length; every further byte is
// 0x80 to 0xbf.
struct sequence {
  unsigned first_low, first_high, second_low, second_high;
  std::size_t length;
};
constexpr sequence sequences[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

std::size_t length_by_table(const std::vector<char>& text) {
  const auto byte = [&](std::size_t i) { return unsigned{static_cast<unsigned char>(text[i])}; };
  if (byte(0) < 0x80) return 1;
  for (const sequence& each : sequences) {
    if (byte(0) < each.first_low || byte(0) > each.first_high) continue;
    if (text.size() < each.length || byte(1) < each.second_low || byte(1) > each.second_high) return 0;
    for (std::size_t i = 2; i < each.length; ++i)
      if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
    return each.length;
  }
  return 0;
}

}  // namespace

// Each byte at each place of a run that goes on before and behind it.
TEST_CASE("scans stop at the byte they look for") {
  for (const char run : {'7', 'x'})
    for (const std::size_t size : {1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 39, 40, 48, 65})
      for (std::size_t place = 0; place < size; ++place)
        for (int byte = 0; byte < 256; ++byte) {
          std::vector<char> text(size, run);
          text[place] = static_cast<char>(byte);
          check_scans(text);
        }
  for (std::size_t size = 0; size < 70; ++size)
    for (const char run : {'0', '9', ' ', '~', '\x7f', '!', '#', '[', ']'})
      check_scans(std::vector<char>(size, run));
}

// What follows the byte must not matter, nor what stands before it.
TEST_CASE("scans of random bytes") {
  std::mt19937 random(11);
  const std::string_view mostly = "0123456789abcXYZ !#[]~\x7f";
  for (int i = 0; i < 50'000; ++i) {
    std::vector<char> text(random() % 50);
    for (char& c : text)
      c = random() % 24 == 0 ? static_cast<char>(random() % 256)
                             : mostly[random() % (i % 2 == 0 ? 10 : mostly.size())];
    check_scans(text);
  }
}

TEST_CASE("white space is what JSON says") {
  std::string found;
  for (int byte = 0; byte < 256; ++byte)
    if (is_space(static_cast<char>(byte))) found += static_cast<char>(byte);
  CHECK(found == "\t\n\r ");
}

// Every first and second byte, with third and fourth bytes at their bounds, and cut off at every length.
TEST_CASE("UTF-8 is what the table of RFC 3629 says") {
  const std::vector<char> ends{'\x00', '\x7f', '\x80', '\xbf', '\xc0', '\xff'};
  std::size_t wrong = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b)
      for (const char c : ends)
        for (const char d : ends) {
          const std::vector<char> text{static_cast<char>(a), static_cast<char>(b), c, d};
          if (utf8_length(text.data(), text.size()) != length_by_table(text)) ++wrong;
        }
    for (std::size_t size = 1; size < 4; ++size) {
      std::vector<char> text{static_cast<char>(a), '\x90', '\x90', '\x90'};
      if (a == 0xe0) text[1] = '\xa0';
      if (a == 0xf4) text[1] = '\x80';
      text.resize(size);
      text.shrink_to_fit();
      if (utf8_length(text.data(), text.size()) != length_by_table(text)) ++wrong;
    }
  }
  CHECK(wrong == 0);
}

// Good and bad sequences at each place of the steps of eight, sixteen and thirty-two bytes.
TEST_CASE("bad UTF-8 is found at each place") {
  for (std::size_t before = 0; before < 70; ++before) {
    const std::string start(before, '\x7f');
    CHECK(bad_at(start) == before);
    for (const std::string_view good :
         {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
          "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
      const std::string text = start + std::string(good);
      CHECK(bad_at(text) == text.size());
      CHECK(bad_at(text + std::string(good) + "tail") == text.size() + good.size() + 4);
      for (std::size_t cut = 1; cut < good.size(); ++cut) {
        CHECK(bad_at(start + std::string(good.substr(0, cut))) == before);
        CHECK(bad_at(start + std::string(good.substr(0, cut)) + "more text than a word") == before);
      }
      CHECK(bad_at(text + "\x80") == text.size());
      CHECK(bad_at(text + "x\xff") == text.size() + 1);
    }
    for (const std::string_view bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                       "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
      for (const std::string_view behind : {"", "y", "a tail that is longer than thirty-two bytes"})
        CHECK(bad_at(start + std::string(bad) + std::string(behind)) == before);
  }
}
