// Bounds and corners of the two notations that the readers keep to themselves.
#include "config/document/document.hpp"
#include "config/document/tree_builder.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

using protocol::diagnostics;
using protocol::node_kind;

namespace {

std::string mistake_of(std::string_view text, document_format format = document_format::yaml) {
  diagnostics mistakes;
  static_cast<void>(read_document(text, format, mistakes));
  if (mistakes.empty()) return "";
  const auto& first = mistakes[0];
  return std::to_string(first.where.line) + ":" + std::to_string(first.where.column) + ": " + first.path +
         (first.path.empty() ? "" : ": ") + first.message +
         (first.hint.empty() ? "" : " (" + first.hint + ")");
}

constexpr auto json = document_format::json;

}  // namespace

TEST_CASE("a file has a largest size", "[bounds]") {
  std::string text = "a: 1 #";
  text.resize(16'777'216, 'x');
  CHECK(mistake_of(text).empty());
  text += 'x';
  CHECK(mistake_of(text) == "1:1: the file is larger than 16 MiB");
  std::string list = "[1]";
  list.resize(16'777'216, ' ');
  CHECK(mistake_of(list, json).empty());
  CHECK(mistake_of(list + ' ', json) == "1:1: the file is larger than 16 MiB");
}

TEST_CASE("nesting has a largest depth, aliases and both kinds of brackets included", "[bounds]") {
  const auto lists = [](std::size_t depth, const std::string& inner = "") {
    return std::string(depth, '[') + inner + std::string(depth, ']');
  };
  const auto maps = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "{\"a\": ";
    return text + "1" + std::string(depth, '}');
  };
  for (const auto format : {document_format::yaml, json}) {
    CHECK(mistake_of(lists(64), format).empty());
    CHECK(mistake_of(lists(65), format).find("nested deeper than 64 levels") != std::string::npos);
    CHECK(mistake_of(maps(64), format).empty());
    CHECK(mistake_of(maps(65), format).find("nested deeper than 64 levels") != std::string::npos);
  }
  // An alias at depth 34 whose scalar is 30 deeper stands at 64.
  CHECK(mistake_of("- &a " + lists(30, "x") + "\n- " + lists(33, "*a") + "\n").empty());
  CHECK(
      mistake_of("- &a " + lists(30, "x") + "\n- " + lists(34, "*a") + "\n").find("nested deeper than 64") !=
      std::string::npos);
}

// Long keys count as values do when an alias repeats them.
TEST_CASE("aliases cannot multiply keys without bound", "[bounds]") {
  std::string text = "a: &a\n";
  for (int i = 0; i < 250; ++i) text += "  " + std::to_string(i) + std::string(1'000, 'k') + ": 1\n";
  text += "b:\n";
  CHECK(mistake_of(text + "  - *a\n").empty());
  for (int i = 0; i < 1'100; ++i) text += "  - *a\n";
  CHECK(mistake_of(text).find("the document is too large, aliases expanded") != std::string::npos);
}

TEST_CASE("the kinds of plain scalars, one difference at a time", "[bounds]") {
  const auto all = [](node_kind kind, std::initializer_list<const char*> words) {
    for (const char* word : words) {
      INFO(word);
      CHECK(kind_of_plain(word) == kind);
    }
  };
  all(node_kind::null, {"", "~", "null", "Null", "NULL"});
  all(node_kind::boolean, {"true", "True", "TRUE", "false", "False", "FALSE"});
  all(node_kind::integer, {"0", "-0", "+1", "10", "0x0", "0xaF", "-0x1F", "+0x1"});
  all(node_kind::real,
      {"0.5", "1.0", "1e5", "1E5", "1e+5", "1e-05", "-1.5e3", "+0.1", ".inf", "-.inf", "+.inf", ".nan"});
  all(node_kind::text,
      {"nULL",  "tRUE", "~~",    "yes",   "01",   "-01",   "00", "0x",   "0xg",   "0X1", "1.",  ".5",
       "1.5.5", "01.5", "00.5",  "1e",    "1e+",  "1e5e",  "e5", "1.e5", "1e5.5", "--1", "+-1", "+",
       "-",     "1_0",  "-.nan", "+.nan", ".Inf", ".infx", "1 ", "0b1",  "1.5x",  "x1.5"});
}

TEST_CASE("characters that no file may have", "[bounds]") {
  for (const int code : {0x00, 0x01, 0x08, 0x0b, 0x0c, 0x0e, 0x1f, 0x7f}) {
    const std::string text = std::string("a: x") + static_cast<char>(code);
    INFO(code);
    CHECK(mistake_of(text).find("1:5: control character 0x") == 0);
  }
  CHECK(mistake_of("a: x\x7f") == "1:5: control character 0x7f (write it as an escape in double quotes)");
  CHECK(mistake_of("a: 'x\ty'\r\nb: ' ~'").empty());
  CHECK(mistake_of("a: 1\nb: \xFF") == "2:4: the file is not valid UTF-8 here (save it as UTF-8)");
  CHECK(mistake_of("\xFF") == "1:1: the file is not valid UTF-8 here (save it as UTF-8)");
  CHECK(mistake_of("\n\xFF") == "2:1: the file is not valid UTF-8 here (save it as UTF-8)");
}

TEST_CASE("the notation follows the file's name", "[bounds]") {
  CHECK(format_of("a.json") == json);
  for (const char* yaml : {"a.yaml", "a", "a.json.yaml", "a.JSON", "json", "ajson"})
    CHECK(format_of(yaml) == document_format::yaml);
}

// The place is where the mistake is, not where the parser could not go on.
TEST_CASE("what people write wrong in YAML is told in its own words", "[bounds]") {
  const auto [text, told] = GENERATE(table<std::string, std::string>({
      {"a:\n\tb: 1\n", "2:1: this line is indented with a tab (YAML takes spaces only)"},
      {"a:\n  b: 1\n \tc: 2\n", "3:2: this line is indented with a tab"},
      {"a:\n  b: 'x:B\n  c: 'y:B'\n", "2:6: this quote is not closed on its line"},
      {"a:\n  b: \"x\n  c: \"y\"\n", "2:6: this quote is not closed on its line"},
      {"a:\n  - b: 1\n  c: 2\n", "3:3: this line is indented like none of those that it could belong to"},
      {"a:\n    b: 1\n  - c: 2\n", "3:3: a list's item stands where a field of a map is expected"},
      {"a: 1\nb:\u00a0 {c: 2, d: 3}\n", "2:3: this is not a space, though it looks like one"},
  }));
  INFO(text);
  CHECK(mistake_of(text).starts_with(told));
}

TEST_CASE("what YAML's parser refuses is told with a hint", "[bounds]") {
  const std::string unclosed =
      "1:4: this bracket is not closed, or a comma is missing behind it (a text with brackets or commas in "
      "it must be in "
      "quotes here)";
  CHECK(mistake_of("a: [1, 2") == unclosed);
  CHECK(mistake_of("a: {b: 1") == unclosed);
  CHECK(mistake_of("a: @x") == "1:4: a text cannot begin with '@' unless it is in quotes (put it in quotes)");
  CHECK(mistake_of("a: \"\\ud83d\"")
            .find("(write the character itself, or \\U and eight digits; YAML has no surrogate pairs)") !=
        std::string::npos);
  CHECK(mistake_of("a: 1\n---\nb: 2\n").find("a second YAML document starts here (keep one per file)") !=
        std::string::npos);
  CHECK(mistake_of("a: ! x") ==
        "1:4: an unquoted '!' starts a YAML tag, and tags have no meaning here (put the text in quotes)");
  CHECK(mistake_of("a: !x [1]").find("an unquoted '!' starts a YAML tag") != std::string::npos);
  CHECK(mistake_of("a: '!x'").empty());
  CHECK(mistake_of("? {a: 1}\n: 1").find("a key must be a text") != std::string::npos);
  CHECK(mistake_of("a: &x [1]\n*x : 1\n").find("2:1: a key must be a text") == 0);
  CHECK(mistake_of("{: 1}").find("a key is missing") != std::string::npos);
}

TEST_CASE("what is given twice is told with its first place", "[bounds]") {
  CHECK(mistake_of("a: 1\na: 2\n") == "2:1: a: 'a' is given twice (first at 1:1)");
  CHECK(mistake_of("x:\n  - 1\n  - {a: 1,\n     a: 2}\n") ==
        "4:6: x[1].a: 'a' is given twice (first at 3:6)");
  CHECK(mistake_of("a: &a {x: 1}\nc: {<<: *a, <<: *a}") ==
        "2:13: c.<<: '<<' stands here twice (give it a list: <<: [*a, *b])");
  CHECK(mistake_of("c: {<<: [1]}").find("'<<' takes a map or a list of maps") != std::string::npos);
  CHECK(mistake_of("c: {<<: [{a: 1}, {a: 2}], a: 3}").empty());
  CHECK(mistake_of("{\"a\": 1, \"<<\": 2}", json).empty());
}

TEST_CASE("places in JSON count lines and columns", "[bounds]") {
  CHECK(mistake_of("{\"a\": 1,\n \"a\": 2}", json) == "2:3: a: 'a' is given twice (first at 1:3)");
  CHECK(mistake_of("{\"a\": \"x\\\"y\", \"a\": 2}", json) == "1:16: a: 'a' is given twice (first at 1:3)");
  CHECK(mistake_of("[{\"a\": [1, {}], \"b\": true, \"b\": 2}]", json) ==
        "1:29: [0].b: 'b' is given twice (first at 1:18)");
  CHECK(mistake_of("{\"a\": 1 \"b\"}", json).find("1:11: syntax error while parsing object") == 0);
  CHECK(mistake_of("[1,", json).find("last read") == std::string::npos);
  CHECK(mistake_of("\xEF\xBB\xBF{\"a\": 1, \"a\": 2}", json) == "1:11: a: 'a' is given twice (first at 1:3)");
  CHECK(mistake_of("\xEF\xBB\xBF\x01") ==
        "1:1: control character 0x01 (write it as an escape in double quotes)");
  CHECK(mistake_of("[1,]", json).find("1:4: ") == 0);
}

}  // namespace duplexd::config
