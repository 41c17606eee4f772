#include "protocol/text/parts.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.hpp"

namespace duplexd::protocol {

TEST_CASE("blanks at both ends are taken off") {
  CHECK(trimmed("").empty());
  CHECK(trimmed(" \t ").empty());
  CHECK(trimmed("a") == "a");
  CHECK(trimmed("\t a b\t ") == "a b");
  CHECK(trimmed(" a\r\n") == "a\r\n");
  CHECK(trimmed(" a\r\n", " \r\n") == "a");
}

TEST_CASE("parts between separators") {
  using parts = std::vector<std::string>;
  const auto all = [](std::string_view text) {
    parts found;
    while (!text.empty()) found.emplace_back(next_part(text, ';'));
    return found;
  };
  CHECK(all("").empty());
  CHECK(all("a") == parts{"a"});
  CHECK(all(" a ; b\t;;c=d") == parts{"a", "b", "", "c=d"});
  CHECK(all(";") == parts{""});
  CHECK(all("a;") == parts{"a"});
}

}  // namespace duplexd::protocol
