#include <string>

#include "config/document/document.hpp"
#include "config/document/tree_builder.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

using protocol::diagnostics;
using protocol::node;
using protocol::node_kind;

namespace {

node read(std::string_view text, document_format format = document_format::yaml) {
  diagnostics mistakes;
  const auto document = read_document(text, format, mistakes);
  if (!mistakes.empty()) FAIL(mistakes[0].message);
  REQUIRE(document.has_value());
  return *document;
}

/// "line:column: path: message" of the first mistake.
std::string mistake_of(std::string_view text, document_format format = document_format::yaml) {
  diagnostics mistakes;
  const auto document = read_document(text, format, mistakes);
  if (mistakes.empty()) return "";
  const auto& first = mistakes[0];
  return std::to_string(first.where.line) + ":" + std::to_string(first.where.column) + ": " + first.path +
         ": " + first.message;
}

/// The tree as one line: kinds by their brackets and quotes, and each place.
std::string show(const node& value) {
  std::string text;
  for (const node& item : value.items) text += (text.empty() ? "" : " ") + show(item);
  for (const auto& entry : value.entries)
    text += (text.empty() ? "" : " ") + entry.key + ":" + show(entry.value);
  switch (value.kind) {
    case node_kind::list:
      return "[" + text + "]";
    case node_kind::map:
      return "{" + text + "}";
    case node_kind::text:
      return "'" + value.text + "'";
    case node_kind::null:
      return "~";
    default:
      return value.text;
  }
}

std::string places(const node& value) {
  std::string text = std::to_string(value.where.line) + ":" + std::to_string(value.where.column);
  for (const node& item : value.items) text += " " + places(item);
  for (const auto& entry : value.entries)
    text += " " + entry.key + "@" + std::to_string(entry.where.line) + ":" +
            std::to_string(entry.where.column) + " " + places(entry.value);
  return text;
}

}  // namespace

// Each value's place is that of its first character, behind a quote, in either notation.
TEST_CASE("values know their places", "[document]") {
  CHECK(places(read("a: 1\nb: [x, \"y\"]\n")) == "1:1 a@1:1 1:4 b@2:1 2:4 2:5 2:9");
  CHECK(places(read(R"({"a": 1, "b": ["x", true]})", document_format::json)) ==
        "1:1 a@1:3 1:7 b@1:11 1:15 1:17 1:21");
  CHECK(places(read("{\n  \"k\" : \"v\\\"\" ,\n\t\"n\":-1.5e3}", document_format::json)) ==
        "1:1 k@2:4 2:10 n@3:3 3:6");
  CHECK(places(read("a: |\n\n   text\n   more\n")) == "1:1 a@1:1 3:4");
  CHECK(places(read("a: >-\r\n   text\r\n")) == "1:1 a@1:1 2:4");
  CHECK(places(read("a: &x 'q'\nb: *x\n")) == "1:1 a@1:1 1:8 b@2:1 1:8");
  CHECK(places(read("\xC3\xA4: 1\n")) == "1:1 \xC3\xA4@1:1 1:5");
  CHECK(places(read("\xEF\xBB\xBF"
                    "a: 1\n")) == "1:1 a@1:1 1:4");
}

// yaml-cpp marks a null with the token after it: the key's place says more.
TEST_CASE("a value that is not there stands where its key stands", "[document]") {
  CHECK(places(read("a:\nb: 1\n")) == "1:1 a@1:1 1:1 b@2:1 2:4");
  CHECK(places(read("a:\nnull: 1\n")) == "1:1 a@1:1 1:1 null@2:1 2:7");
  CHECK(places(read("a: ~\n")) == "1:1 a@1:1 1:4");
  CHECK(places(read("a:\n  null\n")) == "1:1 a@1:1 2:3");
  CHECK(places(read("{a: , b: }")) == "1:1 a@1:2 1:2 b@1:7 1:7");
  CHECK(read("a: ~").find("a")->text == "~");
  CHECK(read("a:").find("a")->text.empty());
}

// The core schema of YAML 1.2, without its traps: no octals, and numbers with a leading zero are texts.
TEST_CASE("plain scalars have their kinds", "[document]") {
  CHECK(show(read("[1, -2, +3, 0, 0x1F, 18446744073709551615]")) == "[1 -2 +3 0 0x1F 18446744073709551615]");
  CHECK(show(read("[007, 0o7, 1_000, 1:30, 1., .5, 1e, 0x, -]")) ==
        "['007' '0o7' '1_000' '1:30' '1.' '.5' '1e' '0x' '-']");
  CHECK(show(read("[1.5, -0.1e-3, 1e9, .inf, .nan]")) == "[1.5 -0.1e-3 1e9 .inf .nan]");
  CHECK(show(read("[true, False, yes, on, 'true', \"1\"]")) == "[true False 'yes' 'on' 'true' '1']");
  CHECK(show(read("[~, null, NULL, 'null', nul]")) == "[~ ~ ~ 'null' 'nul']");
}

// Both notations of the same document give the same tree.
TEST_CASE("YAML and JSON give equal trees", "[document]") {
  const std::string json = R"({"a": [1, -2.5, true, null, "x\ny\u00e4"], "b": {"c": {}, "d": []}, "e": ""})";
  CHECK(show(read(json, document_format::json)) == show(read(json)));
  CHECK(show(read("a: [1, -2.5, true, ~, \"x\\ny\xC3\xA4\"]\nb:\n  c: {}\n  d: []\ne: ''")) ==
        show(read(json, document_format::json)));
}

// A key that is there twice is a mistake in both notations, at its second place.
TEST_CASE("duplicate keys are found", "[document]") {
  CHECK(mistake_of("a: 1\nb: {c: 1, d: 2, c: 3}\n") == "2:17: b.c: 'c' is given twice");
  CHECK(mistake_of("{\"a\": {\"x\": 1},\n \"a\": 2}", document_format::json) == "2:3: a: 'a' is given twice");
  CHECK(mistake_of("a: [{b: 1, b: 2}]") == "1:12: a[0].b: 'b' is given twice");
}

// Aliases stand for a copy of what their anchor names.
TEST_CASE("aliases are expanded", "[document]") {
  CHECK(show(read("a: &x {b: [1]}\nc: *x\n")) == "{a:{b:[1]} c:{b:[1]}}");
  CHECK(show(read("a: &x key\n*x : 1\n")) == "{a:'key' key:1}");
  CHECK(mistake_of("a: &x [*x]") == "1:8: : this alias stands inside of what it stands for");
  CHECK(mistake_of("a: *x").find("1:4: : ") == 0);
}

// `<<` takes over what the map does not say itself; of several sources the earlier wins.
TEST_CASE("merge keys merge", "[document]") {
  CHECK(show(read("b: &b {x: 1, y: 2}\nc: {<<: *b, x: 3}")) == "{b:{x:1 y:2} c:{x:3 y:2}}");
  CHECK(show(read("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}")) ==
        "{a:{x:1} b:{x:2 y:2} c:{x:1 y:2}}");
  CHECK(show(read("c: {'<<': 1}")) == "{c:{<<:1}}");
  CHECK(mistake_of("c: {<<: 1}") == "1:9: c: '<<' takes a map or a list of maps");
  CHECK(mistake_of("a: &a {x: 1}\nc: {<<: *a, <<: *a}").find("2:13: ") == 0);
}

// Nine lines must not become gigabytes.
TEST_CASE("aliases cannot multiply without bound", "[document]") {
  std::string bomb = "a0: &a0 [" + std::string(1'000, 'x') + "]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += before + (j < 9 ? ", " : "]\n");
  }
  CHECK(mistake_of(bomb).find("too large, aliases expanded") != std::string::npos);
}

// Depth is bounded before any parser's stack is.
TEST_CASE("nesting is bounded", "[document]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  for (const auto format : {document_format::yaml, document_format::json}) {
    CHECK(mistake_of(nested(depth_ceiling), format).empty());
    CHECK(mistake_of(nested(depth_ceiling + 1), format).find("1:65: ") == 0);
    CHECK(mistake_of(nested(10'000), format).find("1:65: ") == 0);
    CHECK_FALSE(mistake_of(std::string(10'000, '['), format).empty());
  }
  CHECK(mistake_of("a: &a " + nested(40) + "\nb: " + std::string(40, '[') + "*a" + std::string(40, ']'))
            .find("nested deeper") != std::string::npos);
}

// What YAML would silently read as something else.
TEST_CASE("YAML's traps are named", "[document]") {
  CHECK(mistake_of("a: ! x:i").find("1:4: : an unquoted '!' starts a YAML tag") == 0);
  CHECK(mistake_of("a: !!str 5").find("1:4: ") == 0);
  CHECK(mistake_of("a: \"\\ud83d\\ude00\"").find("1:") == 0);
  CHECK(mistake_of("a: 1\n---\nb: 2").find("a second YAML document") != std::string::npos);
  CHECK(mistake_of("a: 1\nb: {c: [1") ==
        "2:8: : this bracket is not closed, or a comma is missing behind it");
  CHECK(mistake_of("? [a]\n: 1").find("a key must be a text") != std::string::npos);
  CHECK(mistake_of("a: x\x04y").find("1:5: : control character 0x04") == 0);
  CHECK(mistake_of(std::string("a: x\0y", 6)).find("1:5: : control character 0x00") == 0);
  CHECK(mistake_of("a: 1\nb: \xFF").find("2:4: : the file is not valid UTF-8") == 0);
}

// nlohmann_json counts bytes; people count lines.
TEST_CASE("JSON's mistakes have their places", "[document]") {
  CHECK(mistake_of("{\"a\": 1,\n  \"b\": tru }", document_format::json).find("2:1") == 0);
  CHECK(mistake_of("{\"a\": }", document_format::json).find("1:7: ") == 0);
  CHECK(mistake_of("", document_format::json).find("1:1: ") == 0);
  CHECK(mistake_of("{} x", document_format::json).find("1:4: ") == 0);
  CHECK(mistake_of("{\"a\": \"sekret", document_format::json).find("sekret") == std::string::npos);
}

// An empty file is an empty document.
TEST_CASE("an empty YAML file is null", "[document]") {
  CHECK(read("").kind == node_kind::null);
  CHECK(read("# nothing\n").kind == node_kind::null);
}

}  // namespace duplexd::config
