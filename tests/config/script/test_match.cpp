#include <algorithm>

#include "config/script/match.hpp"
#include "config/value/json_path.hpp"
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

TEST_CASE("each condition at its bound") {
  const auto data = ordered_json::parse(R"({"n":5,"s":"BTC","z":null,"t":true,"l":[5]})");
  const auto holds = [&](const char* path, const char* condition) {
    return matches(data, {{path, ordered_json::parse(condition)}});
  };
  CHECK(holds("n", R"({"$min":5})"));
  CHECK(holds("n", R"({"$min":4.9})"));
  CHECK_FALSE(holds("n", R"({"$min":5.1})"));
  CHECK(holds("n", R"({"$max":5})"));
  CHECK(holds("n", R"({"$max":5.1})"));
  CHECK_FALSE(holds("n", R"({"$max":4.9})"));
  CHECK_FALSE(holds("n", R"({"$min":5,"$max":4})"));
  CHECK_FALSE(holds("n", R"({"$min":6,"$max":5})"));
  for (const char* path : {"s", "z", "t", "l", "missing"}) {
    INFO(path);
    CHECK_FALSE(holds(path, R"({"$min":-1})"));
    CHECK_FALSE(holds(path, R"({"$max":9})"));
  }
  const auto large = ordered_json::parse(R"({"n":"99999999999999999999","m":"-1e309","t":"5"})");
  CHECK(matches(large, {{"n", {{"$min", 1e20}}}}));
  CHECK_FALSE(matches(large, {{"n", {{"$max", 5}}}}));
  CHECK(matches(large, {{"m", {{"$max", 5}}}}));
  CHECK_FALSE(matches(large, {{"t", {{"$max", 5}}}}));
  CHECK(holds("n", R"({"$exists":true})"));
  CHECK_FALSE(holds("n", R"({"$exists":false})"));
  CHECK_FALSE(holds("missing", R"({"$exists":true})"));
  CHECK(holds("missing", R"({"$exists":false})"));
  CHECK_FALSE(holds("n", R"({"$not":5})"));
  CHECK(holds("n", R"({"$not":{"$min":6}})"));
  CHECK_FALSE(holds("n", R"({"$not":{"$min":5}})"));
  CHECK_FALSE(holds("n", R"({"$any":[4,6]})"));
  CHECK(holds("n", R"({"$any":[4,{"$min":5}]})"));
  CHECK_FALSE(holds("missing", R"({"$any":[{"$exists":false}]})"));
  CHECK(holds("s", R"({"$starts":"BTC"})"));
  CHECK(holds("s", R"({"$starts":""})"));
  CHECK_FALSE(holds("s", R"({"$starts":"TC"})"));
  CHECK_FALSE(holds("s", R"({"$starts":"BTCX"})"));
  CHECK_FALSE(holds("missing", R"({"$starts":""})"));
}

// Without a dollar at its start a map is a value like others; so is an empty one.
TEST_CASE("a map that is not a condition is compared") {
  const auto data = ordered_json::parse(R"({"m":{"a":1},"e":{},"d":{"a$":1}})");
  CHECK(matches(data, {{"m", {{"a", 1}}}}));
  CHECK_FALSE(matches(data, {{"m", {{"a", 2}}}}));
  CHECK(matches(data, {{"e", ordered_json::object()}}));
  CHECK_FALSE(matches(data, {{"m", ordered_json::object()}}));
  CHECK(matches(data, {{"d", {{"a$", 1}}}}));
  CHECK(matches(data, ordered_json::array({1})));
  CHECK(matches(data, ordered_json::object()));
}

// Each operator with an argument of each kind.
TEST_CASE("conditions that cannot be meant") {
  using duplexd::config::condition_mistake;
  const auto mistake = [](const char* name, const char* argument) {
    return condition_mistake({{"a", {{name, ordered_json::parse(argument)}}}});
  };
  const char* kinds[] = {"true", "5", "1.5", "\"x\"", "[1]", "{\"b\":1}"};
  const struct {
    const char* name;
    const char* takes;
    std::vector<std::string> good;
  } rows[] = {{"$any", "'$any' takes a list", {"[1]"}},
              {"$exists", "'$exists' takes true or false", {"true"}},
              {"$starts", "'$starts' takes a text", {"\"x\""}},
              {"$ends", "'$ends' takes a text", {"\"x\""}},
              {"$contains", "", {"true", "5", "1.5", "\"x\"", "[1]", "{\"b\":1}"}},
              {"$min", "'$min' takes a number", {"5", "1.5"}},
              {"$max", "'$max' takes a number", {"5", "1.5"}},
              {"$not", "", {"true", "5", "1.5", "\"x\"", "[1]", "{\"b\":1}"}}};
  for (const auto& row : rows)
    for (const char* argument : kinds) {
      INFO(row.name << ": " << argument);
      const bool is_good = std::ranges::find(row.good, argument) != row.good.end();
      CHECK(mistake(row.name, argument) == (is_good ? "" : row.takes));
    }
  // A reference is null here: what it stands for is known later.
  for (const auto& row : rows) CHECK(mistake(row.name, "null").empty());
  CHECK(mistake("$gt", "1") ==
        "unknown condition '$gt' (known: $any, $not, $min, $max, $exists, $starts, $ends, "
        "$contains, $match)");
  CHECK(mistake("$gt", "null").find("unknown condition '$gt'") == 0);
  CHECK(condition_mistake({{"a", {{"$min", 1}, {"$max", "x"}}}}) == "'$max' takes a number");
  CHECK(condition_mistake({{"a", 1}, {"b", {{"$exists", 5}}}}) == "'$exists' takes true or false");
  CHECK(condition_mistake({{"a", {{"b", 1}}}}).empty());
  CHECK(condition_mistake(ordered_json::array({1})).empty());
  CHECK(condition_mistake(nullptr).empty());
}

TEST_CASE("conditions on parts of texts and lists") {
  const auto data = ordered_json::parse(R"({"s":"BTC-USD","e":"","n":5,"l":["a",{"x":7},5],"z":null})");
  const auto holds = [&](const char* path, const char* condition) {
    return matches(data, {{path, ordered_json::parse(condition)}});
  };
  CHECK(holds("s", R"({"$ends":"USD"})"));
  CHECK(holds("s", R"({"$ends":""})"));
  CHECK(holds("s", R"({"$ends":"BTC-USD"})"));
  CHECK_FALSE(holds("s", R"({"$ends":"BTC"})"));
  CHECK_FALSE(holds("s", R"({"$ends":"xBTC-USD"})"));
  CHECK(holds("s", R"({"$contains":"C-U"})"));
  CHECK_FALSE(holds("s", R"({"$contains":"c-u"})"));
  CHECK(holds("e", R"({"$contains":""})"));
  CHECK(holds("s", R"({"$match":"^[A-Z]+-(USD|EUR)$"})"));
  CHECK(holds("s", R"({"$match":"TC"})"));
  CHECK_FALSE(holds("s", R"({"$match":"^TC"})"));
  CHECK(holds("s", R"({"$starts":"BTC","$ends":"USD","$contains":"-"})"));
  CHECK_FALSE(holds("s", R"({"$starts":"BTC","$ends":"EUR"})"));
  CHECK(holds("l", R"({"$contains":"a"})"));
  CHECK(holds("l", R"({"$contains":{"x":7}})"));
  CHECK(holds("l", R"({"$contains":{"$min":5}})"));
  CHECK_FALSE(holds("l", R"({"$contains":{"$min":6}})"));
  for (const char* path : {"n", "z", "missing"})
    for (const char* condition : {R"({"$ends":""})", R"({"$contains":""})", R"({"$match":""})"}) {
      INFO(path << " " << condition);
      CHECK_FALSE(holds(path, condition));
      CHECK(holds(path, (std::string(R"({"$not":)") + condition + "}").c_str()));
    }
}

TEST_CASE("one of several sets of conditions") {
  const auto data = ordered_json::parse(R"({"a":1,"b":{"c":"x"}})");
  const auto holds = [&](const char* where) { return matches(data, ordered_json::parse(where)); };
  CHECK(holds(R"({"$or":[{"a":2},{"b.c":"x"}]})"));
  CHECK(holds(R"({"$or":[{"a":1},{"b.c":"y"}]})"));
  CHECK_FALSE(holds(R"({"$or":[{"a":2},{"b.c":"y"}]})"));
  CHECK_FALSE(holds(R"({"$or":[{"a":1,"b.c":"y"}]})"));
  CHECK(holds(R"({"a":1,"$or":[{"b.c":{"$starts":"x"}}]})"));
  CHECK_FALSE(holds(R"({"a":2,"$or":[{"a":1}]})"));
  CHECK(holds(R"({"$or":[{"$or":[{"a":9},{"a":1}]},{"a":8}]})"));
  using duplexd::config::mismatch;
  CHECK(mismatch(data, ordered_json::parse(R"({"$or":[{"a":1}]})")).empty());
  CHECK(mismatch(data, ordered_json::parse(R"({"$or":[{"a":2}]})")) == R"(it was none of [{"a":2}])");
  std::string paths;
  duplexd::config::for_each_condition(
      ordered_json::parse(R"({"$or":[{"a":1},{"$or":[{"b":2}]}],"c":3})"),
      [&](const std::string& path, const ordered_json& wanted) { paths += path + wanted.dump() + " "; });
  CHECK(paths == "a1 b2 c3 ");
}

// What a server sent may stand in the place of a condition's argument, by a reference.
TEST_CASE("an argument of another kind does not hold") {
  const ordered_json data{{"a", "x"}};
  for (const char* name :
       {"$any", "$min", "$max", "$exists", "$starts", "$ends", "$contains", "$match", "$gt"})
    for (const char* argument : {"null", "[[]]", "{}"}) {
      INFO(name << " " << argument);
      CHECK_FALSE(matches(data, {{"a", {{name, ordered_json::parse(argument)}}}}));
    }
  CHECK_FALSE(matches(data, {{"a", {{"$match", "("}}}}));
  for (const char* argument : {"null", "{}", "[]", "[5]", "[{}]"}) {
    INFO(argument);
    CHECK(duplexd::config::condition_mistake({{"$or", ordered_json::parse(argument)}}) ==
          "'$or' takes a list of maps, each of paths and values");
  }
}

TEST_CASE("patterns in conditions are read with the configuration") {
  using duplexd::config::condition_mistake;
  CHECK(condition_mistake({{"a", {{"$match", "^a|b$"}}}}).empty());
  CHECK(condition_mistake({{"a", {{"$match", "("}}}}) == "the pattern is not valid: missing ): (");
  CHECK(condition_mistake({{"a", {{"$match", nullptr}}}}) ==
        "'$match' takes a pattern, which cannot have references");
  CHECK(condition_mistake({{"a", {{"$match", 5}}}}) ==
        "'$match' takes a pattern, which cannot have references");
  CHECK(condition_mistake(ordered_json::parse(R"({"$or":[{"a":1},{"a":{"$ends":5}}]})")) ==
        "'$ends' takes a text");
  // More patterns than are kept, each still found.
  for (int i = 0; i < 1'500; ++i)
    CHECK(matches({{"a", std::to_string(i)}}, {{"a", {{"$match", "^" + std::to_string(i) + "$"}}}}));
}

// What is named exactly goes before a path; an index is digits and nothing else.
TEST_CASE("paths lead into objects and lists") {
  const auto data = ordered_json::parse(R"({"a":{"b":[10,{"c":1}],"b.x":2},"a.b":3,"0":4,"t":"text"})");
  const auto found = [&](const char* path) {
    const auto* value = duplexd::config::find_path(data, path);
    return value == nullptr ? "none" : value->dump();
  };
  CHECK(found("") == data.dump());
  CHECK(found("*") == data.dump());
  CHECK(found("a.b") == "3");
  CHECK(found("a.b.0") == "10");
  CHECK(found("a.b.1.c") == "1");
  CHECK(found("a.b.1.*") == R"({"c":1})");
  CHECK(found("a.b.x") == "2");
  CHECK(found("0") == "4");
  for (const char* path : {"a.b.2", "a.b.-1", "a.b.0x", "a.b.x0", "a.b.+1", "a.c", "c", "c.d", "t.0",
                           "a.b.0.c", "a.b.99999999999999999999"}) {
    INFO(path);
    CHECK(found(path) == "none");
  }
}
