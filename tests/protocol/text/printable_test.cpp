// Foreign texts on a terminal: nothing of them is obeyed. See also the tests of what is cut, in
// daemon/net/http.
#include "protocol/text/printable.hpp"

#include "tests/catch.hpp"

using namespace duplexd::protocol;

TEST_CASE("what a server says stays on its line") {
  CHECK(one_line("bye\n2026-01-01 fake: line\x1b[0m") == "bye\\x0a2026-01-01 fake: line\\x1b[0m");
  CHECK(one_line(std::string("\x00\x1f\x20\x7e\x7f", 5)) == "\\x00\\x1f ~\\x7f");
  CHECK(one_line("h\u00e9llo \u20ac \U0001f600") == "h\u00e9llo \u20ac \U0001f600");
  CHECK(one_line("").empty());
}

// A lone byte 0x9b is a control sequence to a terminal that does not read UTF-8.
TEST_CASE("bytes that are not UTF-8 are shown as such") {
  CHECK(one_line("a\x9b\x31m") == "a\\x9b1m");
  CHECK(one_line("\xe2\x82") == "\\xe2\\x82");
  CHECK(one_line("\xff\xc3\xa9") == "\\xff\u00e9");
}

TEST_CASE("each character that a terminal obeys is shown by its number, its neighbours as they are") {
  struct range {
    std::string before;
    std::vector<std::pair<std::string, std::string>> inside;
    std::string after;
  };
  const range ranges[] = {
      {"~", {{"\xc2\x80", "0080"}, {"\xc2\x9b", "009b"}, {"\xc2\x9f", "009f"}}, "\u00a0"},
      {"\u061b", {{"\u061c", "061c"}}, "\u061d"},
      {"\u200d", {{"\u200e", "200e"}, {"\u200f", "200f"}}, "\u2010"},
      {"\u2027", {{"\u2028", "2028"}, {"\u2029", "2029"}, {"\u202a", "202a"}, {"\u202e", "202e"}}, "\u202f"},
      {"\u2065", {{"\u2066", "2066"}, {"\u2069", "2069"}}, "\u206a"},
  };
  for (const auto& [before, inside, after] : ranges) {
    CHECK(one_line(before + after) == before + after);
    CHECK(printable(before + after, 20) == before + after);
    for (const auto& [character, number] : inside) {
      CHECK(one_line("a" + character + "b") == "a\\u" + number + "b");
      CHECK(as_lines("a" + character + "\n") == "a\\u" + number + "\n");
      CHECK(printable("a" + character + "b", 20) == "a?b");
    }
  }
}

TEST_CASE("a text of several lines keeps their ends and nothing else") {
  CHECK(as_lines("a\n\tb\r\n\u2028") == "a\n\\x09b\\x0d\n\\u2028");
}
