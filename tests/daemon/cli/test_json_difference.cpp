#include <string>
#include <vector>

#include "daemon/cli/json_difference.hpp"
#include "tests/catch.hpp"

namespace duplexd::cli {

using nlohmann::ordered_json;
using lines = std::vector<std::string>;

TEST_CASE("values that differ, field by field") {
  struct row {
    std::string expected, got;
    lines whole, named;
  };
  for (const auto& [expected, got, whole, named] : std::vector<row>{
           {R"({"a":1,"b":[1,2]})", R"({"b":[1,2],"a":1.0})", {}, {}},
           {R"({"a":1})", R"({"a":2})", {"d.a: expected 1, got 2"}, {"d.a: expected 1, got 2"}},
           {R"({"a":1})",
            R"({"b":1})",
            {"d.a: expected 1, got no such field", "d.b: expected no such field, got 1"},
            {"d.a: expected 1, got no such field"}},
           {R"({"a":{"b":[1,{"c":"x"}]}})",
            R"({"a":{"b":[1,{"c":"y","e":0}]}})",
            {R"(d.a.b[1].c: expected "x", got "y")", "d.a.b[1].e: expected no such field, got 0"},
            {R"(d.a.b[1].c: expected "x", got "y")"}},
           {"[1]", "[1,2]", {"d[1]: expected no such item, got 2"}, {"d[1]: expected no such item, got 2"}},
           {"[1,2]", "[1]", {"d[1]: expected 2, got no such item"}, {"d[1]: expected 2, got no such item"}},
           {"[]", "{}", {"d: expected [], got {}"}, {"d: expected [], got {}"}},
           {"1", R"("1")", {R"(d: expected 1, got "1")"}, {R"(d: expected 1, got "1")"}},
           {"9007199254740993",
            "9007199254740992",
            {"d: expected 9007199254740993, got 9007199254740992"},
            {"d: expected 9007199254740993, got 9007199254740992"}},
       }) {
    CAPTURE(expected, got);
    lines found;
    append_differences(found, "d", ordered_json::parse(expected), ordered_json::parse(got),
                       comparison::whole);
    CHECK(found == whole);
    found.clear();
    append_differences(found, "d", ordered_json::parse(expected), ordered_json::parse(got),
                       comparison::named_fields);
    CHECK(found == named);
  }
}

TEST_CASE("a long value is cut at 200 bytes") {
  CHECK(brief_text(std::string(200, 'x')) == std::string(200, 'x'));
  CHECK(brief_text(std::string(201, 'x')) == std::string(200, 'x') + "…");
}

}  // namespace duplexd::cli
