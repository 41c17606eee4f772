#include <regex>

#include "config/quantity.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

using std::chrono::milliseconds;

namespace {

struct duration_row {
  const char* text;
  std::optional<std::int64_t> value;
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
    {"1.0001s", {}},
    {"1m1.5s", {}},
    {"876001h", {}},
    {"99999999999999999999s", {}},
    {"1.5", {}},
    {"5S", {}},
    {"1d", {}},
};

}  // namespace

// A duration is digits with units from large to small, or one fraction.
TEST_CASE("durations are parsed", "[quantity]") {
  for (const auto& [text, value] : durations) {
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
  for (const std::int64_t count : {1, 999, 1'000, 61'001, 3'600'000, 86'399'999})
    CHECK(parse_duration(show_duration(milliseconds{count})) == milliseconds{count});
}

// The pattern in the JSON Schema accepts what the parser accepts, but for limits that a pattern cannot say.
TEST_CASE("the schema's duration pattern agrees with the parser", "[quantity]") {
  const std::regex pattern{std::string(duration_pattern)};
  for (const auto& [text, value] : durations) {
    INFO(text);
    const std::string written = text;
    const bool beyond_a_pattern = written == "1.0001s" || written == "876001h" || written.size() > 15;
    CHECK(std::regex_match(written, pattern) == (value.has_value() || beyond_a_pattern));
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
  const std::regex pattern{std::string(size_pattern)};
  for (const char* bad : {"", "MiB", "1.5MiB", "-1", "16 MiB", "16mib", "16M", "0x10", "1TiB"}) {
    INFO(bad);
    CHECK_FALSE(parse_size(bad).has_value());
    CHECK_FALSE(std::regex_match(bad, pattern));
  }
  CHECK_FALSE(parse_size("99999999999GiB").has_value());
}

// The largest unit without a fraction is shown.
TEST_CASE("sizes are shown in their own notation", "[quantity]") {
  CHECK(show_size(0) == "0");
  CHECK(show_size(16u << 20) == "16MiB");
  CHECK(show_size(1025) == "1025");
}

}  // namespace duplexd::config
