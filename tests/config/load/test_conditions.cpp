// What `check` says about the conditions of where, on, if and route.
#include "tests/catch.hpp"
#include "tests/config/support.hpp"

namespace duplexd::config::testing {

namespace {

/// The mistakes of a session with a reply of a number and a text, and this step.
std::vector<std::string> mistakes_of(const std::string& step) {
  return load_document(
             "sessions:\n  s:\n    url: wss://h\n    protocol:\n"
             "      replies: [{as: r, layout: 'n:B t:str'}]\n"
             "    script:\n      - " +
             step + "\n")
      .mistakes;
}

}  // namespace

TEST_CASE("conditions that a field can meet", "[conditions]") {
  for (const char* step :
       {"{expect: r, where: {t: {$ends: x, $contains: y, $match: '^a'}}}",
        "{expect: r, where: {n: {$min: 1}, $or: [{t: a}, {n: {$not: 3}}]}}",
        "{expect: r, check: {$or: [{n: 1}, {n: 2}]}}", "{expect: r, where: {n: {$any: [1, 2]}}}"}) {
    INFO(step);
    CHECK(mistakes_of(step).empty());
  }
}

TEST_CASE("conditions that a field never meets, and unknown fields inside of $or", "[conditions]") {
  const std::pair<const char*, const char*> rows[] = {
      {"{expect: r, where: {n: {$starts: x}}}", "'n' is a number and never {\"$starts\":\"x\"}"},
      {"{expect: r, where: {n: {$match: x}}}", "'n' is a number and never {\"$match\":\"x\"}"},
      {"{expect: r, where: {t: {$min: 1}}}", "'t' is a text and never {\"$min\":1}"},
      {"{expect: r, where: {$or: [{n: 1}, {m: 1}]}}", "the reply 'r' has no field 'm'"},
      {"{expect: r, where: {$or: [{n: a}]}}", "'n' is a number and never \"a\""},
      {"{expect: r, where: {$or: {n: 1}}}", "'$or' takes a list of maps, each of paths and values"},
      {"{expect: r, where: {t: {$match: '('}}}", "the pattern is not valid: missing ): ("},
      {"{expect: r, where: {t: {$end: x}}}", "unknown condition '$end'"},
      {"[{expect: r}, {if: {$or: [{reply.m: 1}]}, then: [{sleep: 1s}]}]", "the reply 'r' has no field 'm'"},
  };
  for (const auto& [step, mistake] : rows) {
    INFO(step);
    const std::string text = step;
    const bool is_list = text.starts_with('[');
    const auto found = mistakes_of(is_list ? "{gather: [" + text + "]}" : text);
    REQUIRE_FALSE(found.empty());
    INFO(found.front());
    CHECK(found.front().find(mistake) != std::string::npos);
  }
}

}  // namespace duplexd::config::testing
