#include <string>
#include <utility>
#include <vector>

#include "daemon/cli/environment_file.hpp"
#include "tests/catch.hpp"

namespace duplexd::cli {

using variables = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("an environment file's lines") {
  struct row {
    std::string text;
    variables all;
  };
  for (const auto& [text, all] : std::vector<row>{
           {"", {}},
           {"\n  \r\n# A=1\n; B=2\n", {}},
           {"A=1", {{"A", "1"}}},
           {"A=1\r\nB=\n", {{"A", "1"}, {"B", ""}}},
           {"  export A = b c  \n_x9=d", {{"A", "b c"}, {"_x9", "d"}}},
           {"A=\"b c \"\nB='#d'\nC=\"\"", {{"A", "b c "}, {"B", "#d"}, {"C", ""}}},
           {"A=b=c#d\nA=2", {{"A", "b=c#d"}, {"A", "2"}}},
           {"A=$B\\n", {{"A", "$B\\n"}}},
       }) {
    CAPTURE(text);
    variables found;
    CHECK(parse_environment(text, found) == "");
    CHECK(found == all);
  }
}

// The text may be secret.
TEST_CASE("a bad environment file: the line, and nothing of its text") {
  struct row {
    std::string text, wrong;
  };
  for (const auto& [text, wrong] : std::vector<row>{
           {"secret", "line 1 is not NAME=VALUE"},
           {"A=1\n\n=secret", "line 3 is not NAME=VALUE"},
           {"1A=secret", "line 1 is not NAME=VALUE"},
           {"A B=secret", "line 1 is not NAME=VALUE"},
           {"A=\"secret", "line 1: the quote is not closed"},
           {"A='secret\"", "line 1: the quote is not closed"},
           {"A=\"", "line 1: the quote is not closed"},
           {std::string("A=sec\0ret", 9), "line 1 has a zero byte"},
       }) {
    CAPTURE(text);
    variables found;
    CHECK(parse_environment(text, found) == wrong);
  }
}

}  // namespace duplexd::cli
