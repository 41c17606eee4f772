#include "config/match.hpp"
#include "tests/catch.hpp"

using duplexd::config::matches;
using nlohmann::ordered_json;

TEST_CASE("a reply matches by the values of its fields") {
  const auto data = ordered_json::parse(R"({"ok":true,"status":{"code":7},"a.b":1})");
  CHECK(matches(data, nullptr));
  CHECK(matches(data, {{"ok", true}}));
  CHECK_FALSE(matches(data, {{"ok", false}}));
  CHECK_FALSE(matches(data, {{"missing", nullptr}}));
  CHECK(matches(data, {{"status.code", 7}, {"ok", true}}));
  CHECK_FALSE(matches(data, {{"status.code", 7}, {"ok", 1}}));
  CHECK(matches(data, {{"a.b", 1}}));
  CHECK_FALSE(matches(ordered_json::array({1}), {{"ok", true}}));
}
