#include <cmath>

#include "protocol/text/json_text.hpp"
#include "tests/catch.hpp"

using namespace duplexd::protocol;
using nlohmann::ordered_json;

namespace {

// What is copied, or "at N: why". The text lies in a buffer of exactly its size.
std::string copied(std::string_view text) {
  const std::vector<char> buffer(text.begin(), text.end());
  const std::string_view view(buffer.data(), buffer.size());
  std::string out = "before";
  const auto fault = copy_json(view, out, 8);
  const auto seen = check_json(view, 8);
  CHECK(seen.has_value() == fault.has_value());
  if (!fault) return out.substr(6);
  CHECK(out == "before");
  if (seen) CHECK(seen->offset == fault->offset);
  return "at " + std::to_string(fault->offset) + ": " + fault->message;
}

std::string found(std::string_view text, const std::vector<std::string>& parts) {
  const std::vector<char> buffer(text.begin(), text.end());
  const auto value = find_json({buffer.data(), buffer.size()}, parts);
  return value ? std::string(*value) : "none";
}

std::string written(const ordered_json& value, json_style style) {
  std::string out = "before";
  return append_json(out, value, style) ? out.substr(6) : "not UTF-8";
}

}  // namespace

TEST_CASE("what is not JSON is told with its place") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "at 0: the JSON text ends too early"},
      {" \t", "at 2: the JSON text ends too early"},
      {"[", "at 1: the JSON text ends too early"},
      {"[1", "at 2: expected ',' or the end of the list or map"},
      {"[1,", "at 3: the JSON text ends too early"},
      {"[1,]", "at 3: expected a JSON value"},
      {"[,1]", "at 1: expected a JSON value"},
      {"[1 2]", "at 3: expected ',' or the end of the list or map"},
      {"[1}", "at 2: expected ',' or the end of the list or map"},
      {"[}", "at 1: expected a JSON value"},
      {"{]", "at 1: expected a key"},
      {"{\"a\":1]", "at 6: expected ',' or the end of the list or map"},
      {"{", "at 1: expected a key"},
      {"{a:1}", "at 1: expected a key"},
      {"{\"a\"}", "at 4: expected ':'"},
      {"{\"a\" 1}", "at 5: expected ':'"},
      {"{\"a\":}", "at 5: expected a JSON value"},
      {"{\"a\":1,}", "at 7: expected a key"},
      {"{\"a\":1,2}", "at 7: expected a key"},
      {"{\"a", "at 3: the JSON text ends too early"},
      {"]", "at 0: expected a JSON value"},
      {"1 2", "at 2: something follows the JSON value"},
      {"1\n,", "at 2: something follows the JSON value"},
      {"[] ]", "at 3: something follows the JSON value"},
      {"truex", "at 4: something follows the JSON value"},
      {"tru", "at 0: expected a JSON value"},
      {"True", "at 0: expected a JSON value"},
      {"fals", "at 0: expected a JSON value"},
      {"nul", "at 0: expected a JSON value"},
      {"'a'", "at 0: expected a JSON value"},
      {"1\v", "at 1: something follows the JSON value"},
      {"1\f", "at 1: something follows the JSON value"},
      {std::string("1\0", 2), "at 1: something follows the JSON value"},
      {"-", "at 1: expected a digit"},
      {"-a", "at 1: expected a digit"},
      {"--1", "at 1: expected a digit"},
      {"1.", "at 2: expected a digit"},
      {"1.e1", "at 2: expected a digit"},
      {"1e", "at 2: expected a digit"},
      {"1e+", "at 3: expected a digit"},
      {"1E-x", "at 3: expected a digit"},
      {"01", "at 1: something follows the JSON value"},
      {"-01", "at 2: something follows the JSON value"},
      {".5", "at 0: expected a JSON value"},
      {"+1", "at 0: expected a JSON value"},
      {"[[[[[[[[1]]]]]]]]", "[[[[[[[[1]]]]]]]]"},
      {"[[[[[[[[[1]]]]]]]]]", "at 8: nested too deeply"},
      {"[[[[[[[[[", "at 8: nested too deeply"},
      {R"({"a":[[[[[[[{}]]]]]]]})", "at 12: nested too deeply"},
  };
  for (const auto& [text, outcome] : table) {
    INFO(text);
    CHECK(copied(text) == outcome);
  }
}

TEST_CASE("JSON is copied without its white space") {
  const std::vector<std::pair<std::string, std::string>> table{
      {" [ ] ", "[]"},
      {"\t{\r}\n", "{}"},
      {" true ", "true"},
      {" false", "false"},
      {"null ", "null"},
      {" \"a b\" ", "\"a b\""},
      {"{ \"a\" : 1 , \"b\" : [ ] }", R"({"a":1,"b":[]})"},
      {"[ { } , [ 1 ] ]", "[{},[1]]"},
      {"0", "0"},
      {"-0", "-0"},
      {"-0.0e-0", "-0.0e-0"},
      {"1E+5", "1E+5"},
      {"1e5 ", "1e5"},
      {" 123456789012345 ", "123456789012345"},
      {"[\"exactly 17 chars\", 1]", "[\"exactly 17 chars\",1]"},
  };
  for (const auto& [text, outcome] : table) {
    INFO(text);
    CHECK(copied(text) == outcome);
  }
  // Pieces of each length between white space.
  for (std::size_t length = 0; length < 40; ++length)
    for (std::size_t next = 0; next < 40; ++next) {
      const std::string a = "\"" + std::string(length, 'a') + "\"";
      const std::string b = "\"" + std::string(next, 'b') + "\"";
      CHECK(copied("[ " + a + " , " + b + " ]") == "[" + a + "," + b + "]");
    }
}

TEST_CASE("escapes are those of JSON") {
  for (int byte = 0; byte < 128; ++byte) {
    const std::string text = std::string("\"\\") + static_cast<char>(byte) + "\"";
    INFO(byte);
    if (byte == 'u')
      CHECK(copied(text) == "at 3: expected four hex digits");
    else if (std::string_view("\"\\/bfnrt").find(static_cast<char>(byte)) != std::string_view::npos)
      CHECK(copied(text) == text);
    else
      CHECK(copied(text) == "at 2: unknown escape");
  }
  CHECK(copied("\"\\") == "at 2: unknown escape");
}

TEST_CASE("four hex digits make a unit") {
  for (const std::string_view good : {"0000", "09af", "AF90", "ffff", "d7ff", "e000", "FFFE"}) {
    const std::string text = "\"\\u" + std::string(good) + "\"";
    CHECK(copied(text) == text);
  }
  for (std::size_t place = 0; place < 4; ++place)
    for (const char bad : {'g', 'G', '/', ':', '@', '`', ' ', '"', '-'}) {
      std::string digits = "00e9";
      digits[place] = bad;
      CHECK(copied("\"\\u" + digits + "\"") == "at 3: expected four hex digits");
    }
  CHECK(copied("\"\\u00e") == "at 3: expected four hex digits");
  CHECK(copied("\"\\u00e9") == "at 7: the JSON text ends too early");
}

// Both halves at each bound.
TEST_CASE("surrogates come in pairs") {
  const auto pair = [](std::string first, std::string second) {
    return copied("\"\\u" + std::move(first) + "\\u" + std::move(second) + "\"");
  };
  for (const char* first : {"d800", "DBFF"})
    for (const char* second : {"dc00", "dfff", "DFFF"})
      CHECK(pair(first, second) == std::string("\"\\u") + first + "\\u" + second + "\"");
  const std::string first_half = "at 7: half of a surrogate pair";
  const std::string second_half = "at 13: half of a surrogate pair";
  for (const char* second : {"dbff", "d800", "e000", "0041", "ffff", "d7ff"}) {
    CHECK(pair("d800", second) == second_half);
    CHECK(pair("dbff", second) == second_half);
  }
  for (const char* second : {"dc00", "dfff", "0041"}) {
    CHECK(pair("dc00", second) == first_half);
    CHECK(pair("dfff", second) == first_half);
  }
  for (const char* alone : {"d800", "dbff", "dc00", "dfff"})
    for (const char* behind : {"\"", "x\"", "\\n\"", "u0041\"", ""})
      CHECK(copied(std::string("\"\\u") + alone + behind) == first_half);
  CHECK(copied("\"\\ud800\\u12\"") == "at 9: expected four hex digits");
  CHECK(pair("d7ff", "e000") == "\"\\ud7ff\\ue000\"");
}

// A look for one value believes the rest of the text, and never leaves it.
TEST_CASE("values are found by their path") {
  const std::string text =
      R"( {"ab": 1, "a" : [ 10 , {"x":"],}" , "y" : "q\"" } , [] , true ],"k\u00e9\/": null, "" : {"deep":[[7]]}} )";
  CHECK(found(text, {"ab"}) == "1");
  CHECK(found(text, {"a", "0"}) == "10");
  CHECK(found(text, {"a", "1", "x"}) == R"("],}")");
  CHECK(found(text, {"a", "1", "y"}) == R"("q\"")");
  CHECK(found(text, {"a", "2"}) == "[]");
  CHECK(found(text, {"a", "3"}) == "true");
  CHECK(found(text, {"k\u00e9/"}) == "null");
  CHECK(found(text, {"", "deep", "0"}) == "[7]");
  CHECK(found(text, {"", "deep", "0", "0"}) == "7");
  CHECK(found(text, {"a", "1"}) == R"({"x":"],}" , "y" : "q\"" })");
  for (const std::vector<std::string>& none : std::vector<std::vector<std::string>>{{"b"},
                                                                                    {"abc"},
                                                                                    {"A"},
                                                                                    {"a", "4"},
                                                                                    {"a", "-1"},
                                                                                    {"a", "x"},
                                                                                    {"a", ""},
                                                                                    {"a", "2", "0"},
                                                                                    {"a", "2", "1"},
                                                                                    {"ab", "0"},
                                                                                    {"a", "3", "x"},
                                                                                    {"a", "1", "z"},
                                                                                    {"k\u00e9"},
                                                                                    {"", "deep", "1"},
                                                                                    {"k"}})
    CHECK(found(text, none) == "none");
  CHECK(found(" 5 ", {}) == "5");
  CHECK(found("[1,2]", {}) == "[1,2]");
  CHECK(found("{\"a\":1,\"a\":2}", {"a"}) == "1");
  CHECK(found("[[1,2],[3]]", {"1", "0"}) == "3");
  CHECK(found("{\"a\":{\"b\":1},\"b\":2}", {"b"}) == "2");
  CHECK(found("{\"a\":[{}],\"b\":2}", {"b"}) == "2");
  CHECK(found("[\"a\\\\\",2]", {"1"}) == "2");
}

TEST_CASE("a look into what is not JSON ends") {
  const std::vector<std::pair<std::string, std::string>> table{{"", "none"},
                                                               {"{", "none"},
                                                               {"{\"a\"", "none"},
                                                               {"{\"a\":", "none"},
                                                               {"{\"a\": ", "none"},
                                                               {"{\"a\" 1}", "none"},
                                                               {"{a:1}", "none"},
                                                               {"{\"a\":}", "none"},
                                                               {"{\"a\":,", "none"},
                                                               {"{\"a\"::", "none"},
                                                               {"{\"a\":1", "1"},
                                                               {"{\"a\":[1", "[1"},
                                                               {"{\"a\":\"x", "\"x"},
                                                               {"{\"a\":\"\\", "\"\\"},
                                                               {"{\"b\"1,\"a\":2}", "none"},
                                                               {"{\"b\":1 \"a\":2}", "none"},
                                                               {"{\"a\":1{", "1"},
                                                               {"{\"a\":1[", "1"},
                                                               {"{\"a\":1\"", "1"},
                                                               {"{\"a\":1]", "1"},
                                                               {"{\"a\":1:", "1"},
                                                               {"{\"a\":1\t", "1"},
                                                               {"{\"b\":\"\\\",\"a\":2}", "none"},
                                                               {"[1]", "none"}};
  for (const auto& [text, value] : table) {
    INFO(text);
    CHECK(found(text, {"a"}) == value);
  }
  CHECK(found("", {}) == "none");
  CHECK(found("[1", {"0"}) == "1");
  CHECK(found("[1,", {"1"}) == "none");
  CHECK(found("[,1]", {"0"}) == "none");
  CHECK(found("[", {"0"}) == "none");
  CHECK(found("[\"", {"1"}) == "none");
}

TEST_CASE("pointers are taken apart") {
  using parts = std::vector<std::string>;
  CHECK(split_pointer("") == parts{});
  CHECK_FALSE(split_pointer("a"));
  CHECK_FALSE(split_pointer("a/b"));
  CHECK(split_pointer("/") == parts{""});
  CHECK(split_pointer("/a/b") == parts{"a", "b"});
  CHECK(split_pointer("/a//b/") == parts{"a", "", "b", ""});
  CHECK(split_pointer("/a~1b/~1") == parts{"a/b", "/"});
  CHECK(split_pointer("/m~0n/~0") == parts{"m~n", "~"});
  CHECK(split_pointer("/~01/~00/~010") == parts{"~1", "~0", "~10"});
  CHECK(split_pointer("/~10/~11") == parts{"/0", "/1"});
  CHECK(split_pointer("/~/~2/0~/1") == parts{"~", "~2", "0~", "1"});
}

TEST_CASE("kinds of values have names") {
  const std::pair<ordered_json, std::string_view> table[] = {{ordered_json::object(), "a map"},
                                                             {ordered_json::array(), "a list"},
                                                             {"x", "a text"},
                                                             {true, "a boolean"},
                                                             {-1, "an integer"},
                                                             {1u, "an integer"},
                                                             {1.5, "a number"},
                                                             {nullptr, "nothing"}};
  for (const auto& [value, name] : table) CHECK(kind_of(value) == name);
}

TEST_CASE("every kind of value is written in both styles") {
  const ordered_json value{{"a", {1, -2, UINT64_MAX, INT64_MIN}},
                           {"b", {{"t", true}, {"f", false}, {"n", nullptr}}},
                           {"c", ordered_json::array()},
                           {"d", ordered_json::object()},
                           {"e", ordered_json::binary({0, 255})},
                           {"\u00e9", "\u00e9\n"},
                           {"r", {0.5, HUGE_VAL}}};
  CHECK(
      written(value, json_style::python) ==
      R"({"a": [1, -2, 18446744073709551615, -9223372036854775808], "b": {"t": true, "f": false, "n": null}, )"
      R"("c": [], "d": {}, "e": "00ff", "\u00e9": "\u00e9\n", "r": [0.5, "inf"]})");
  CHECK(written(value, json_style::compact) ==
        R"({"a":[1,-2,18446744073709551615,-9223372036854775808],"b":{"t":true,"f":false,"n":null},)"
        "\"c\":[],\"d\":{},\"e\":\"00ff\",\"\u00e9\":\"\u00e9\\n\",\"r\":[0.5,\"inf\"]}");
  for (const json_style style : {json_style::python, json_style::compact}) {
    CHECK(written("a\xff", style) == "not UTF-8");
    CHECK(written({{"\xff", 1}}, style) == "not UTF-8");
    CHECK(written({{"a", "\xff"}}, style) == "not UTF-8");
    CHECK(written(ordered_json::array({1, "\xff"}), style) == "not UTF-8");
  }
}
