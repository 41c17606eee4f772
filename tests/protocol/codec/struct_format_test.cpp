#include "protocol/codec/struct_format.hpp"

#include <cmath>

#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"

using namespace duplexd::protocol;
using nlohmann::ordered_json;

namespace {

struct_format format_of(const std::string& text) {
  std::string error;
  const auto format = struct_format::parse(text, error);
  REQUIRE(format);
  return *format;
}
std::string refused(const std::string& text) {
  std::string error;
  CHECK_FALSE(struct_format::parse(text, error));
  return error;
}

// What packing appends, as hex digits, or why not.
std::string packed(const std::string& format, const std::string& json) {
  std::vector<struct_value> values;
  for (const ordered_json& each : ordered_json::parse(json)) {
    const auto value = struct_value_from(each);
    REQUIRE(value);
    values.push_back(*value);
  }
  std::vector<std::uint8_t> out{0xee};
  std::string error;
  if (!format_of(format).pack(values, out, error)) {
    CHECK(out == std::vector<std::uint8_t>{0xee});
    return error;
  }
  CHECK(out[0] == 0xee);
  std::string digits;
  append_hex(digits, bytes_view(out).subspan(1));
  return digits;
}

std::string unpacked(const std::string& format, const std::string& hex) {
  std::vector<struct_value> values(1);
  std::string error;
  if (!format_of(format).unpack(*parse_hex(hex), values, error)) {
    CHECK(values.size() == 1);
    return error;
  }
  values.erase(values.begin());
  return to_json_text(values);
}

// A value as JSON, there and back.
std::string again(const std::string& json) {
  const auto value = struct_value_from(ordered_json::parse(json));
  return value ? to_json_text({*value}) : "none";
}

}  // namespace

TEST_CASE("sizes and counts of formats") {
  struct row {
    const char* format;
    std::size_t size, count;
  };
  for (const row& each : {row{"", 0, 0},
                          {"<", 0, 0},
                          {"=ib", 5, 2},
                          {"@bi", 8, 2},
                          {"@ib", 5, 2},
                          {"@b0i", 4, 1},
                          {"@bq", 16, 2},
                          {"=bq", 9, 2},
                          {"<3h2x4s0s", 12, 5},
                          {"<0h", 0, 0},
                          {"<5p", 5, 1},
                          {"@l", 8, 1},
                          {"<l", 4, 1},
                          {"<e f d ?", 15, 4}}) {
    INFO(each.format);
    CHECK(format_of(each.format).size() == each.size);
    CHECK(format_of(each.format).count() == each.count);
  }
}

TEST_CASE("formats are refused with a reason") {
  CHECK(refused("Z") == "bad char in struct format");
  CHECK(refused("<n") == "bad char in struct format");
  CHECK(refused("3") == "repeat count given without format specifier");
  CHECK(refused("9223372036854775808b") == "overflow in item count");
  CHECK(refused("b9223372036854775807x") == "total struct size too long");
  CHECK(refused("9223372036854775806xh") == "total struct size too long");
  CHECK(refused("9223372036854775807x0h") == "total struct size too long");
}

TEST_CASE("values are packed") {
  CHECK(packed("<HbxH", "[1, -1, 3]") == "0100ff000300");
  CHECK(packed(">IQ", "[1, 2]") == "000000010000000000000002");
  CHECK(packed("@bi", "[1, 2]") == "0100000002000000");
  CHECK(packed("<?2c3s", R"([1, {"$hex":"61"}, {"$hex":"62"}, {"$hex":"6364"}])") ==
        "01616263"
        "6400");
  CHECK(packed("<4pB", R"([{"$hex":"0102030405"}, 255])") == "03010203ff");
  CHECK(packed("<efd", "[1.5, 1.5, 1.5]") == "003e0000c03f000000000000f83f");
  CHECK(packed("P", "[-1]") == "ffffffffffffffff");
  CHECK(packed("", "[]").empty());
}

// Nothing is appended then.
TEST_CASE("what cannot be packed is refused with a reason") {
  CHECK(packed("<bb", "[1]") == "pack expected 2 items for packing (got 1)");
  CHECK(packed("<b", "[1, 2]") == "pack expected 1 items for packing (got 2)");
  CHECK(packed("<c", "[1]") == "char format requires a bytes object of length 1");
  CHECK(packed("<c", R"([{"$hex":""}])") == "char format requires a bytes object of length 1");
  CHECK(packed("<c", R"([{"$hex":"6162"}])") == "char format requires a bytes object of length 1");
  CHECK(packed("<2s", "[1]") == "argument for 's' must be a bytes object");
  CHECK(packed("<2p", "[1]") == "argument for 'p' must be a bytes object");
  CHECK(packed("<bB", "[1, 256]") == "'B' format requires an integer from 0 to 255");
  CHECK(packed("<B", "[-1]") == "'B' format requires an integer from 0 to 255");
  CHECK(packed("P", R"([{"$int":"-9223372036854775809"}])") ==
        "'P' format requires an integer from 0 to 18446744073709551615");
  CHECK(packed("<b", R"([{"$int":"999999999999999999999999999999999999999"}])") ==
        "int too large to convert");
  CHECK(packed("<b", "[1.0]") == "required argument is not an integer");
  CHECK(packed("<d", R"(["a"])") == "required argument is not a float");
  CHECK(packed("<f", "[1e39]") == "float too large to pack with f format");
  CHECK(packed("@f", "[1e39]") == "0000807f");
  CHECK(packed("<e", "[65520]") == "float too large to pack with e format");
}

TEST_CASE("values are unpacked") {
  CHECK(unpacked("<HbxH", "0100ff000300") == "[1, -1, 3]");
  CHECK(unpacked(">HI",
                 "0001"
                 "00000002") == "[1, 2]");
  CHECK(unpacked("<Q", "ffffffffffffffff") == "[18446744073709551615]");
  CHECK(unpacked("<??", "0002") == "[false, true]");
  CHECK(unpacked("<c2s", "616263") == R"([{"$hex": "61"}, {"$hex": "6263"}])");
  CHECK(unpacked("<4p", "02616263") == R"([{"$hex": "6162"}])");
  CHECK(unpacked("<4p", "ff616263") == R"([{"$hex": "616263"}])");
  CHECK(unpacked("<1p", "05") == R"([{"$hex": ""}])");
  CHECK(unpacked("<eee",
                 "003e"
                 "0080"
                 "007c") == R"([1.5, {"$float": "-0.0"}, {"$float": "inf"}])");
  CHECK(unpacked("<f", "0000c03f") == "[1.5]");
  CHECK(unpacked("<d", "000000000000f83f") == "[1.5]");
  CHECK(unpacked("<H", "01") == "unpack requires a buffer of 2 bytes");
  CHECK(unpacked("<H", "010203") == "unpack requires a buffer of 2 bytes");
  CHECK(unpacked("<b0p", "01") == "a '0p' has no room for its length");
}

TEST_CASE("values as JSON") {
  const std::pair<const char*, const char*> table[] = {
      {"5", "[5]"},
      {"-5", "[-5]"},
      {"18446744073709551615", "[18446744073709551615]"},
      {"true", "[true]"},
      {"1.5", "[1.5]"},
      {R"({"$int": "-12"})", "[-12]"},
      {R"({"$int": "99999999999999999999999999999999999999"})", "[99999999999999999999999999999999999999]"},
      {R"({"$int": "-99999999999999999999999999999999999999"})", "[-99999999999999999999999999999999999999]"},
      {R"({"$int": ""})", "none"},
      {R"({"$int": "-"})", "none"},
      {R"({"$int": "1a"})", "none"},
      {R"({"$int": "+1"})", "none"},
      {R"({"$int": "--1"})", "none"},
      {R"({"$hex": "00ff"})", R"([{"$hex": "00ff"}])"},
      {R"({"$hex": "0"})", "none"},
      {R"({"$float": "nan"})", R"([{"$float": "nan"}])"},
      {R"({"$float": "inf"})", R"([{"$float": "inf"}])"},
      {R"({"$float": "-inf"})", R"([{"$float": "-inf"}])"},
      {R"({"$float": "-0.0"})", R"([{"$float": "-0.0"}])"},
      {"0.0", "[0.0]"},
      {"-1.5", "[-1.5]"},
  };
  for (const auto& [json, wanted] : table) {
    INFO(json);
    CHECK(again(json) == wanted);
  }
  CHECK(to_json_text({}) == "[]");
}

// Only '?' takes any value, by its truth in Python.
TEST_CASE("the truth of values") {
  for (const char* yes :
       {"1", "-1", "0.5", "true", R"({"$hex":"00"})", R"({"$str":"a"})", "[0]", R"({"a":1,"b":2})",
        R"({"$int":"999999999999999999999999999999999999999"})", R"({"$float":"nan"})"})
    CHECK(packed("<?", "[" + std::string(yes) + "]") == "01");
  for (const char* no :
       {"0", "0.0", "false", R"({"$hex":""})", R"({"$str":""})", "[]", "null", R"({"$int":"0"})"})
    CHECK(packed("<?", "[" + std::string(no) + "]") == "00");
}
