#include "protocol/document/node.hpp"

#include "protocol/document/node_json.hpp"
#include "tests/catch.hpp"
#include "tests/protocol/tree.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;
using nlohmann::ordered_json;

namespace {

std::string json_of(node_kind kind, const std::string& written) {
  node from = text(written);
  from.kind = kind;
  return to_json(from).dump();
}
bool same(const char* a, const char* b) {
  const bool result = same_json(ordered_json::parse(a), ordered_json::parse(b));
  CHECK(result == same_json(ordered_json::parse(b), ordered_json::parse(a)));
  return result;
}

}  // namespace

TEST_CASE("kinds of nodes have names") {
  const std::pair<node_kind, std::string_view> table[] = {
      {node_kind::null, "nothing"},  {node_kind::boolean, "a boolean"}, {node_kind::integer, "an integer"},
      {node_kind::real, "a number"}, {node_kind::text, "a text"},       {node_kind::list, "a list"},
      {node_kind::map, "a map"}};
  for (const auto& [kind, name] : table) {
    node each;
    each.kind = kind;
    CHECK(describe(kind) == name);
    CHECK(each.is_scalar() == (kind != node_kind::list && kind != node_kind::map));
  }
}

TEST_CASE("a map's values are found by key") {
  const node tree = map({{"a", integer(1)}, {"ab", integer(2)}, {"", integer(3)}});
  CHECK(tree.find("a")->text == "1");
  CHECK(tree.find("ab")->text == "2");
  CHECK(tree.find("")->text == "3");
  CHECK(tree.find("b") == nullptr);
  CHECK(list({}).find("a") == nullptr);
}

TEST_CASE("nodes become JSON") {
  CHECK(to_json(nothing()) == nullptr);
  for (const char* yes : {"true", "True", "TRUE"}) CHECK(json_of(node_kind::boolean, yes) == "true");
  for (const char* no : {"false", "False", "FALSE"}) CHECK(json_of(node_kind::boolean, no) == "false");
  const std::pair<const char*, const char*> integers[] = {
      {"12", "12"},
      {"-3", "-3"},
      {"0x1f", "31"},
      {"+5", "5"},
      {"0xffffffffffffffff", "18446744073709551615"},
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551616", R"("18446744073709551616")"},
      {"-9223372036854775809", R"("-9223372036854775809")"}};
  for (const auto& [written, json] : integers) CHECK(json_of(node_kind::integer, written) == json);
  const std::pair<const char*, const char*> reals[] = {
      {"1.5", "1.5"}, {"+1.5", "1.5"},      {"-1.5", "-1.5"},       {"1e3", "1000.0"},   {".5", "0.5"},
      {"1.", "1.0"},  {".inf", "\".inf\""}, {"-.inf", "\"-.inf\""}, {"1.5x", "\"1.5x\""}};
  for (const auto& [written, json] : reals) CHECK(json_of(node_kind::real, written) == json);
  CHECK(json_of(node_kind::text, "12") == "\"12\"");
  CHECK(to_json(list({})).dump() == "[]");
  CHECK(to_json(map({})).dump() == "{}");
  CHECK(to_json(map({{"b", list({integer(1), nothing()})}, {"a", map({{"x", boolean(true)}})}})).dump() ==
        R"({"b":[1,null],"a":{"x":true}})");
}

TEST_CASE("numbers as they are written") {
  const std::pair<const char*, std::optional<std::int64_t>> integers[] = {{"9223372036854775807", INT64_MAX},
                                                                          {"9223372036854775808", {}},
                                                                          {"-9223372036854775808", INT64_MIN},
                                                                          {"-9223372036854775809", {}},
                                                                          {"0x7fffffffffffffff", INT64_MAX},
                                                                          {"0x8000000000000000", {}},
                                                                          {"-0x10", -16},
                                                                          {"+5", 5},
                                                                          {"5x", {}}};
  for (const auto& [written, value] : integers) CHECK(to_integer(written) == value);
  CHECK(to_number("1.5") == 1.5);
  CHECK(to_number("+1.5") == 1.5);
  CHECK(to_number("-1.5e1") == -15);
  for (const char* bad : {"1.5x", "inf", "nan", "1e999", "-1e999", "", "++1"}) CHECK_FALSE(to_number(bad));
}

TEST_CASE("the same JSON, whatever the order of its keys") {
  CHECK(same(R"({"a":1,"b":[{"c":2,"d":3}]})", R"({"b":[{"d":3,"c":2}],"a":1})"));
  CHECK(same("{}", "{}"));
  CHECK(same("[]", "[]"));
  CHECK(same("1", "1.0"));
  CHECK_FALSE(same("{}", "[]"));
  CHECK_FALSE(same("{}", "null"));
  CHECK_FALSE(same("[]", "null"));
  CHECK_FALSE(same(R"({"a":1})", R"({"a":2})"));
  CHECK_FALSE(same(R"({"a":1})", R"({"b":1})"));
  CHECK_FALSE(same(R"({"a":1})", R"({"a":1,"b":1})"));
  CHECK_FALSE(same("[1,2]", "[2,1]"));
  CHECK_FALSE(same("[1,2]", "[1]"));
  CHECK_FALSE(same("[1,2]", "[1,3]"));
  CHECK_FALSE(same("1", "\"1\""));
  CHECK_FALSE(same("true", "1"));
}
