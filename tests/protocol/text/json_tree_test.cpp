#include "protocol/text/json_tree.hpp"

#include <limits>

#include "tests/catch.hpp"

using namespace duplexd::protocol;

TEST_CASE("numbers that neither 64 bits nor a double hold are texts of their digits in a tree",
          "[json_tree]") {
  const std::pair<std::string, std::string> rows[] = {
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551616", R"("18446744073709551616")"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"-9223372036854775809", R"("-9223372036854775809")"},
      {R"({"n":99999999999999999999,"m":1})", R"({"n":"99999999999999999999","m":1})"},
      {R"(["\"99999999999999999999",99999999999999999999, 1 ])",
       R"(["\"99999999999999999999","99999999999999999999",1])"},
      {R"({"99999999999999999999":-1e309,"x":[1E+400]})",
       R"({"99999999999999999999":"-1e309","x":["1E+400"]})"},
      {"1e308", "1e+308"},
      {"1e-400", "0.0"},
      {"-1e-99999", "-0.0"},
      {"99999999999999999999.5", "1e+20"},
      {"999999999999999999e299", R"("999999999999999999e299")"},
      {"0e999", "0.0"},
      {"true", "true"},
      {R"("1e999")", R"("1e999")"}};
  for (const auto& [text, tree] : rows) {
    INFO(text);
    CHECK(json_tree(text).dump() == tree);
    const bool is_changed = tree.find('"') != std::string::npos && text.find(tree) == std::string::npos;
    CHECK(quote_large_numbers(text).has_value() == is_changed);
  }
  const std::string digits(1'000'000, '7');
  CHECK(json_tree("[" + digits + "]") == nlohmann::ordered_json::array({digits}));
}

TEST_CASE("what is a large number as a text", "[json_tree]") {
  CHECK(large_number("18446744073709551616") == 18446744073709551616.0);
  CHECK(large_number("-99999999999999999999") == -1e20);
  CHECK(large_number("1e309") == std::numeric_limits<double>::infinity());
  CHECK(large_number("-1e309") == -std::numeric_limits<double>::infinity());
  for (const char* none :
       {"", "-", "7", "18446744073709551615", "1e308", "--1e309", "99999999999999999999x", "1e309 ",
        "+99999999999999999999", "099999999999999999999", "99999999999999999999.", "1.2.1e999"}) {
    INFO(none);
    CHECK_FALSE(large_number(none));
  }
}
