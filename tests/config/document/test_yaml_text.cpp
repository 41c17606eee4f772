#include "config/document/document.hpp"
#include "config/document/yaml_text.hpp"
#include "protocol/document/node_json.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using nlohmann::ordered_json;

TEST_CASE("YAML is written in blocks, and small maps and lists in one line", "[yaml]") {
  const ordered_json value = ordered_json::parse(
      R"({"a": {"b": [1, true, null], "c": {}}, "list": [{"x": "y"}], "k?": 1.5, "long": {"t": ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccccccccccccccc"]}})");
  CHECK(config::yaml_text(value) ==
        "a:\n  b: [1, true, ~]\n  c: {}\nlist: [{x: y}]\n\"k?\": 1.5\nlong:\n  t:\n"
        "    - aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n    - bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
        "    - cccccccccccccccccccccccccccccccccccccccc\n");
}

// What does not fit into a line starts behind its dash.
TEST_CASE("lists of maps and of lists are written in blocks", "[yaml]") {
  const std::string wide(60, 'w');
  const ordered_json value{{{"a", wide}, {"b", {{"c", wide}, {"d", wide}}}}, {wide, {wide, wide}}};
  const std::string text = config::yaml_text(value);
  CHECK(text == "- a: " + wide + "\n  b:\n    c: " + wide + "\n    d: " + wide + "\n- - " + wide +
                    "\n  - - " + wide + "\n    - " + wide + "\n");
  protocol::diagnostics mistakes;
  const auto back = config::read_document(text, config::document_format::yaml, mistakes);
  REQUIRE(back);
  CHECK(protocol::to_json(*back) == value);
}

// Texts that YAML would take for something else are quoted.
TEST_CASE("what is written as YAML is read back as it was", "[yaml]") {
  const ordered_json value{"",     "~",          "null",     "true", "yes",  "12",   "1e3",   "0x1f",
                           "a: b", "- a",        "#x",       "a #b", "{a}",  "[",    "*a",    "&a",
                           "!t",   "%d",         "a\nb",     "\t",   "ä€😀", "a\\b", "\"q\"", "'",
                           "${x}", "2022-01-01", "a\u2028b", ".5",   "-"};
  for (const ordered_json& each : value) {
    const ordered_json document{{each.get<std::string>(), {{"v", each}}},
                                {"list", {each, {each}, each.size()}}};
    const std::string text = config::yaml_text(document);
    INFO(text);
    protocol::diagnostics mistakes;
    const auto back = config::read_document(text, config::document_format::yaml, mistakes);
    REQUIRE(back);
    CHECK(mistakes.empty());
    CHECK(protocol::to_json(*back) == document);
  }
}
