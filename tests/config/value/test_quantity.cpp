#include <regex>

#include "config/value/quantity.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

using std::chrono::milliseconds;

namespace {

struct duration_row {
  const char* text;
  std::optional<std::int64_t> value;
  bool is_beyond_a_pattern = false;  ///< refused for a limit that the schema's pattern cannot say
};

const duration_row durations[] = {
    {"0", 0},
    {"500ms", 500},
    {"5s", 5'000},
    {"1m30s", 90'000},
    {"2h", 7'200'000},
    {"1h1ms", 3'600'001},
    {"1.5s", 1'500},
    {"0.25h", 900'000},
    {"0s", 0},
    {"1m500ms", 60'500},
    {"876000h", 3'153'600'000'000},
    {"875999h60m", 3'153'600'000'000},
    {"52560000m", 3'153'600'000'000},
    {"3153600000s", 3'153'600'000'000},
    {"3153600000000ms", 3'153'600'000'000},
    {"1h2m3s4ms", 3'723'004},
    {"1ms", 1},
    {"0.000001h", {}, true},
    {"0.001s", 1},
    {"1.000s", 1'000},
    {"1.000000s", 1'000},
    {"1.0000000s", {}, true},
    {"1.5m", 90'000},
    {"0.5h", 1'800'000},
    {"876000.0h", 3'153'600'000'000},
    {"876001.0h", {}, true},
    {"876000.5h", {}, true},
    {"875999.5h", 3'153'598'200'000},
    {"876000h1ms", {}, true},
    {"875999h60m1ms", {}, true},
    {"52560001m", {}, true},
    {"3153600001s", {}, true},
    {"3153600000001ms", {}, true},
    {"1.5d", {}},
    {"1.5s1ms", {}},
    {"1.5s ", {}},
    {"5ms1s", {}},
    {"1h1h", {}},
    {"00s", 0},
    {"00", {}},
    {"", {}},
    {"5", {}},
    {"s", {}},
    {"5 s", {}},
    {" 5s", {}},
    {"5sec", {}},
    {"-5s", {}},
    {"30s1m", {}},
    {"1s1s", {}},
    {"1.s", {}},
    {".5s", {}},
    {"1.5ms", {}},
    {"1.0001s", {}, true},
    {"1m1.5s", {}},
    {"876001h", {}, true},
    {"99999999999999999999s", {}, true},
    {"1.5", {}},
    {"5S", {}},
    {"1d", {}},
};

}  // namespace

// A duration is digits with units from large to small, or one fraction.
TEST_CASE("durations are parsed", "[quantity]") {
  for (const auto& [text, value, is_beyond] : durations) {
    INFO(text);
    const auto parsed = parse_duration(text);
    REQUIRE(parsed.has_value() == value.has_value());
    if (value) CHECK(parsed->count() == *value);
  }
}

// What is shown is what would be parsed to the same value.
TEST_CASE("durations are shown in their own notation", "[quantity]") {
  CHECK(show_duration(milliseconds{0}) == "0");
  CHECK(show_duration(milliseconds{90'000}) == "1m30s");
  CHECK(show_duration(milliseconds{1}) == "1ms");
  CHECK(show_duration(milliseconds{999}) == "999ms");
  CHECK(show_duration(milliseconds{1'000}) == "1s");
  CHECK(show_duration(milliseconds{59'999}) == "59s999ms");
  CHECK(show_duration(milliseconds{60'000}) == "1m");
  CHECK(show_duration(milliseconds{3'600'000}) == "1h");
  CHECK(show_duration(milliseconds{3'723'004}) == "1h2m3s4ms");
  CHECK(show_duration(milliseconds{86'400'000}) == "24h");
  for (const std::int64_t count : {1, 999, 1'000, 61'001, 3'600'000, 86'399'999})
    CHECK(parse_duration(show_duration(milliseconds{count})) == milliseconds{count});
}

// The pattern in the JSON Schema accepts what the parser accepts, but for limits that a pattern cannot say.
TEST_CASE("the schema's duration pattern agrees with the parser", "[quantity]") {
  const std::regex pattern{std::string(duration_pattern)};
  for (const auto& [text, value, is_beyond] : durations) {
    INFO(text);
    CHECK(std::regex_match(text, pattern) == (value.has_value() || is_beyond));
  }
}

// KB are thousands, KiB are powers of two; a number alone is bytes.
TEST_CASE("sizes are parsed", "[quantity]") {
  CHECK(parse_size("0") == 0u);
  CHECK(parse_size("1024") == 1024u);
  CHECK(parse_size("512B") == 512u);
  CHECK(parse_size("64KB") == 64'000u);
  CHECK(parse_size("64KiB") == 65'536u);
  CHECK(parse_size("16MiB") == 16u << 20);
  CHECK(parse_size("2GB") == 2'000'000'000u);
  CHECK(parse_size("3MB") == 3'000'000u);
  CHECK(parse_size("1KiB") == 1'024u);
  CHECK(parse_size("1MiB") == 1'048'576u);
  CHECK(parse_size("1GiB") == 1'073'741'824u);
  CHECK(parse_size("1KB") == 1'000u);
  CHECK(parse_size("1B") == 1u);
  CHECK(parse_size("0GiB") == 0u);
  const std::regex pattern{std::string(size_pattern)};
  for (const char* bad : {"", "MiB", "1.5MiB", "-1", "16 MiB", "16mib", "16M", "0x10", "1TiB"}) {
    INFO(bad);
    CHECK_FALSE(parse_size(bad).has_value());
    CHECK_FALSE(std::regex_match(bad, pattern));
  }
  CHECK_FALSE(parse_size("99999999999GiB").has_value());
  CHECK(parse_size("9223372036854775808") == std::uint64_t{1} << 63);
  CHECK_FALSE(parse_size("9223372036854775809").has_value());
  CHECK(parse_size("8589934592GiB") == std::uint64_t{1} << 63);
  CHECK_FALSE(parse_size("8589934593GiB").has_value());
  CHECK(parse_size("9223372036GB") == 9'223'372'036'000'000'000u);
  CHECK_FALSE(parse_size("9223372037GB").has_value());
  CHECK_FALSE(parse_size("18446744073709551616").has_value());
}

// The largest unit without a fraction is shown.
TEST_CASE("sizes are shown in their own notation", "[quantity]") {
  CHECK(show_size(0) == "0");
  CHECK(show_size(16u << 20) == "16MiB");
  CHECK(show_size(1025) == "1025");
  CHECK(show_size(1) == "1");
  CHECK(show_size(1'000) == "1000");
  CHECK(show_size(1'023) == "1023");
  CHECK(show_size(1'024) == "1KiB");
  CHECK(show_size(1'536) == "1536");
  CHECK(show_size(1'025 * 1'024) == "1025KiB");
  CHECK(show_size(1u << 20) == "1MiB");
  CHECK(show_size(1u << 30) == "1GiB");
  CHECK(show_size(1'000'000'000) == "1000000000");
}

}  // namespace duplexd::config
