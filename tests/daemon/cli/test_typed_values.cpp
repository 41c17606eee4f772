#include <string>
#include <vector>

#include "daemon/cli/hex_table.hpp"
#include "daemon/cli/typed_values.hpp"
#include "tests/catch.hpp"

namespace duplexd::cli {

TEST_CASE("values that are typed in a line") {
  struct row {
    std::string line, json;
  };
  for (const auto& [line, json] : std::vector<row>{
           {"", "null"},
           {" \t", "null"},
           {"a=1 b=x", R"({"a":1,"b":"x"})"},
           {"  a=[1,2]   b=", R"({"a":[1,2],"b":""})"},
           {"a=b=c", R"({"a":"b=c"})"},
           {"1 x", R"([1,"x"])"},
           {R"({"a": "b c"})", R"({"a":"b c"})"},
           {" [1, 2] ", "[1,2]"},
       }) {
    CAPTURE(line);
    std::string error;
    const auto found = values_of_line(line, error);
    REQUIRE(found);
    CHECK(found->dump() == json);
  }
  for (const auto& [line, wrong] : std::vector<row>{
           {"=1", "expected key=value: =1"},
           {"a=1 b", "expected key=value: b"},
           {"1 a=b", "expected key=value: a=b"},
           {"a=1 b=2 a=3", "it is there twice: a"},
           {"a=99999999999999999999",
            "99999999999999999999: a number is beyond 64 bits: put it in quotes if a text is meant"},
           {"[1e309]", "a number is beyond 64 bits: put it in quotes if a text is meant"},
       }) {
    CAPTURE(line);
    std::string error;
    CHECK(!values_of_line(line, error));
    CHECK(error == wrong);
  }
  std::string error;
  CHECK(!values_of_line("{a: 1}", error));
  CHECK(error.starts_with("not valid JSON: "));
}

// At the bounds of a line of the table and of its halves.
TEST_CASE("bytes as a table") {
  const std::string text = "0123456789abcde\x7f\x80";
  const auto table = [&](std::size_t size) {
    return hex_table({reinterpret_cast<const std::uint8_t*>(text.data()), size});
  };
  CHECK(table(0).empty());
  CHECK(table(1) == "  00000000  30                                                |0|\n");
  CHECK(table(9) == "  00000000  30 31 32 33 34 35 36 37  38                       |012345678|\n");
  CHECK(table(16) == "  00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 7f  |0123456789abcde.|\n");
  CHECK(table(17) == table(16) + "  00000010  80                                                |.|\n");
}

}  // namespace duplexd::cli
