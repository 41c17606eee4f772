#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"

using namespace duplexd::protocol;

namespace {

std::string written(std::int64_t count, time_unit unit) {
  std::string out = "at ";
  if (append_time(out, count, unit)) return out.substr(3);
  CHECK(out == "at ");
  return "none";
}
std::string parsed(std::string_view text, time_unit unit) {
  const auto count = parse_time(text, unit);
  return count ? std::to_string(*count) : "none";
}

constexpr time_unit units[] = {time_unit::s, time_unit::ms, time_unit::us, time_unit::ns};
constexpr std::int64_t first_second = -62'135'596'800;
constexpr std::int64_t last_second = 253'402'300'799;

}  // namespace

TEST_CASE("times are written with their unit's decimals") {
  CHECK(written(1'655'375'264, time_unit::s) == "2022-06-16T10:27:44Z");
  CHECK(written(0, time_unit::s) == "1970-01-01T00:00:00Z");
  CHECK(written(0, time_unit::ms) == "1970-01-01T00:00:00.000Z");
  CHECK(written(0, time_unit::us) == "1970-01-01T00:00:00.000000Z");
  CHECK(written(0, time_unit::ns) == "1970-01-01T00:00:00.000000000Z");
  CHECK(written(1'001, time_unit::ms) == "1970-01-01T00:00:01.001Z");
  CHECK(written(1'000'020, time_unit::us) == "1970-01-01T00:00:01.000020Z");
  CHECK(written(3'000'000'004, time_unit::ns) == "1970-01-01T00:00:03.000000004Z");
  CHECK(written(-1, time_unit::s) == "1969-12-31T23:59:59Z");
  CHECK(written(-1, time_unit::ms) == "1969-12-31T23:59:59.999Z");
  CHECK(written(-1, time_unit::ns) == "1969-12-31T23:59:59.999999999Z");
  CHECK(written(-1'000, time_unit::ms) == "1969-12-31T23:59:59.000Z");
  CHECK(written(951'782'400, time_unit::s) == "2000-02-29T00:00:00Z");
  CHECK(written(INT64_MAX, time_unit::ns) == "2262-04-11T23:47:16.854775807Z");
  CHECK(written(INT64_MIN, time_unit::ns) == "1677-09-21T00:12:43.145224192Z");
}

// The years 1 to 9999, to the last tick.
TEST_CASE("times end with the four-digit years") {
  CHECK(written(first_second, time_unit::s) == "0001-01-01T00:00:00Z");
  CHECK(written(first_second - 1, time_unit::s) == "none");
  CHECK(written(last_second, time_unit::s) == "9999-12-31T23:59:59Z");
  CHECK(written(last_second + 1, time_unit::s) == "none");
  CHECK(written(first_second * 1'000, time_unit::ms) == "0001-01-01T00:00:00.000Z");
  CHECK(written(first_second * 1'000 - 1, time_unit::ms) == "none");
  CHECK(written(last_second * 1'000 + 999, time_unit::ms) == "9999-12-31T23:59:59.999Z");
  CHECK(written(last_second * 1'000 + 1'000, time_unit::ms) == "none");
  CHECK(written(last_second * 1'000'000 + 999'999, time_unit::us) == "9999-12-31T23:59:59.999999Z");
  CHECK(written(INT64_MAX, time_unit::s) == "none");
  CHECK(written(INT64_MIN, time_unit::s) == "none");
}

TEST_CASE("times go there and back") {
  for (const time_unit unit : units)
    for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1},
                                     std::int64_t{951'868'799}, std::int64_t{-86'401}, first_second,
                                     last_second, std::int64_t{1'709'210'096}, std::int64_t{4'107'542'399}})
      CHECK(parsed(written(count, unit), unit) == std::to_string(count));
  CHECK(parsed("2262-04-11T23:47:16.854775807Z", time_unit::ns) == std::to_string(INT64_MAX));
  CHECK(parsed("2262-04-11T23:47:16.854775808Z", time_unit::ns) == "none");
  CHECK(parsed("2262-04-11T23:47:17Z", time_unit::ns) == "none");
  CHECK(parsed("1677-09-21T00:12:44Z", time_unit::ns) == "-9223372036000000000");
  CHECK(parsed("1677-09-21T00:12:42Z", time_unit::ns) == "none");
  CHECK(parsed("9999-12-31T23:59:59Z", time_unit::ns) == "none");
}

TEST_CASE("times are read in the forms of RFC 3339") {
  const std::pair<const char*, const char*> table[] = {
      {"1970-01-01T00:00:10Z", "10000"},
      {"1970-01-01t00:00:10z", "10000"},
      {"1970-01-01 00:00:10Z", "10000"},
      {"1970-01-01T00:01:00Z", "60000"},
      {"1970-01-01T01:00:00Z", "3600000"},
      {"1970-01-02T00:00:00Z", "86400000"},
      {"1970-02-01T00:00:00Z", "2678400000"},
      {"1970-01-01T00:00:10.5Z", "10500"},
      {"1970-01-01T00:00:10.05Z", "10050"},
      {"1970-01-01T00:00:10.005Z", "10005"},
      {"1970-01-01T00:00:10.0050Z", "10005"},
      {"1970-01-01T00:00:10.00500000000000000000000000Z", "10005"},
      {"1970-01-01T00:00:10.0051Z", "none"},
      {"1970-01-01T00:00:10.0000001Z", "none"},
      {"1970-01-01T00:00:10.Z", "none"},
      {"1970-01-01T00:00:10.5", "none"},
      {"1970-01-01T00:00:10,5Z", "none"},
      {"1970-01-01T02:00:00+02:00", "0"},
      {"1970-01-01T02:00:00+01:30", "1800000"},
      {"1970-01-01T00:00:00-00:01", "60000"},
      {"1969-12-31T22:00:00-02:00", "0"},
      {"1970-01-01T00:00:00+23:59", "-86340000"},
      {"1970-01-01T00:00:00+24:00", "none"},
      {"1970-01-01T00:00:00+00:60", "none"},
      {"1970-01-01T00:00:00+0100", "none"},
      {"1970-01-01T00:00:00+01", "none"},
      {"1970-01-01T00:00:00+01:0", "none"},
      {"1970-01-01T00:00:00*01:00", "none"},
      {"1970-01-01T00:00:00", "none"},
      {"1970-01-01T00:00:00ZZ", "none"},
      {"1970-01-01T00:00:00Z ", "none"},
      {" 1970-01-01T00:00:00Z", "none"},
      {"1970-01-01T23:59:59Z", "86399000"},
      {"1970-01-01T24:00:00Z", "none"},
      {"1970-01-01T00:60:00Z", "none"},
      {"1970-01-01T00:00:60Z", "none"},
      {"1970-00-01T00:00:00Z", "none"},
      {"1970-13-01T00:00:00Z", "none"},
      {"1970-01-00T00:00:00Z", "none"},
      {"1970-01-32T00:00:00Z", "none"},
      {"1970-12-31T00:00:00Z", "31449600000"},
      {"1970-04-31T00:00:00Z", "none"},
      {"2023-02-29T00:00:00Z", "none"},
      {"2024-02-29T00:00:00Z", "1709164800000"},
      {"1900-02-29T00:00:00Z", "none"},
      {"0000-01-01T00:00:00Z", "-62167219200000"},
      {"70-01-01T00:00:00Z", "none"},
      {"1970-1-01T00:00:00Z", "none"},
      {"1970-01-1T00:00:00Z", "none"},
      {"1970/01/01T00:00:00Z", "none"},
      {"1970-01/01T00:00:00Z", "none"},
      {"1970-01-01_00:00:00Z", "none"},
      {"1970-01-01T00-00:00Z", "none"},
      {"1970-01-01T00:00-00Z", "none"},
      {"197/-01-01T00:00:00Z", "none"},
      {"197:-01-01T00:00:00Z", "none"},
      {"1970-01-01T00:00:+01:00", "none"},
      {"1970-01-01T:00:00Z", "none"},
      {"", "none"},
      {"1970", "none"},
      {"1970-01-01", "none"},
      {"1970-01-01T", "none"},
      {"1970-01-01T00:00", "none"},
  };
  for (const auto& [text, count] : table) {
    INFO(text);
    CHECK(parsed(text, time_unit::ms) == count);
  }
  CHECK(parsed("1970-01-01T00:00:01.0Z", time_unit::s) == "1");
  CHECK(parsed("1970-01-01T00:00:01.1Z", time_unit::s) == "none");
  CHECK(parsed("1970-01-01T00:00:01.000001Z", time_unit::us) == "1000001");
  CHECK(parsed("1970-01-01T00:00:01.000000001Z", time_unit::ns) == "1000000001");
}
