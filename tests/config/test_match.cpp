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

TEST_CASE("a condition may be more than equality") {
  const auto data = ordered_json::parse(R"({"n":5,"s":"BTC-USD","l":[1,{"x":2}],"z":null})");
  CHECK(matches(data, {{"n", {{"$min", 5}, {"$max", 5.0}}}}));
  CHECK_FALSE(matches(data, {{"n", {{"$min", 6}}}}));
  CHECK(matches(data, {{"n", {{"$any", {1, 5}}}}}));
  CHECK_FALSE(matches(data, {{"n", {{"$any", ordered_json::array()}}}}));
  CHECK(matches(data, {{"n", {{"$not", 4}}}}));
  CHECK(matches(data, {{"missing", {{"$not", 4}}}}));
  CHECK(matches(data, {{"missing", {{"$exists", false}}}}));
  CHECK(matches(data, {{"z", {{"$exists", true}}}}));
  CHECK(matches(data, {{"s", {{"$starts", "BTC"}}}}));
  CHECK_FALSE(matches(data, {{"n", {{"$starts", "5"}}}}));
  CHECK(matches(data, {{"l.1.x", 2}, {"l.0", 1}}));
  CHECK_FALSE(matches(data, {{"l.2", 1}}));
}

TEST_CASE("conditions that cannot be meant") {
  using duplexd::config::condition_mistake;
  CHECK(condition_mistake({{"a", {{"$min", 1}}}}).empty());
  CHECK(condition_mistake({{"a", {{"$min", "x"}}}}) == "'$min' takes a number");
  CHECK(condition_mistake({{"a", {{"$any", 1}}}}) == "'$any' takes a list");
  CHECK(condition_mistake({{"a", {{"$gt", 1}}}}).find("there is no condition '$gt'") == 0);
}
