#include "protocol/codec/expression.hpp"

#include <map>

#include "tests/protocol/codec_harness.hpp"
#include "tests/protocol/peer_rows.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

const std::vector<std::int64_t> slots{7, -3, 5, 11, 13, 17};

std::optional<expression> parsed(std::string_view text, expression_fault& fault) {
  const slot_lookup lookup = [](std::string_view name, std::string& error) -> std::optional<std::int64_t> {
    static const std::map<std::string_view, std::int64_t> names{{"a", 0},  {"b", 1},   {"z_A.Z09", 2},
                                                                {"_x", 3}, {"ora", 4}, {"Z", 5}};
    const auto found = names.find(name);
    if (found != names.end()) return found->second;
    error = "no field '" + std::string(name) + "'";
    return std::nullopt;
  };
  return parse_expression(text, lookup, fault);
}

// The value, "none", or where and why the text is refused.
std::string value_of(std::string_view text) {
  expression_fault fault;
  const auto made = parsed(text, fault);
  if (!made) return std::to_string(fault.offset) + ": " + fault.message;
  CHECK(made->text == text);
  const auto value = evaluate(*made, {slots, 100, 200, 30});
  return value ? std::to_string(*value) : "none";
}

void check_values(const std::vector<std::pair<std::string, std::string>>& table) {
  for (const auto& [text, value] : table) {
    INFO(text);
    CHECK(value_of(text) == value);
  }
}

std::string repeated(const std::string& piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += piece;
  return out;
}

}  // namespace

// Each line has another value if the two operators bound the other way.
TEST_CASE("operators bind as in Python") {
  check_values(
      {{"1 or 0 and 0", "1"}, {"0 and 0 or 1", "1"}, {"not 0 and 0", "0"}, {"not 1 == 2", "1"},
       {"not 0 or 1", "1"},   {"1 | 2 == 2", "0"},   {"1 ^ 3 | 1", "3"},   {"1 | 3 ^ 1", "3"},
       {"6 ^ 3 & 1", "7"},    {"3 & 1 ^ 6", "7"},    {"1 & 3 << 1", "0"},  {"1 << 1 & 1", "0"},
       {"1 << 1 + 1", "4"},   {"1 + 1 << 1", "4"},   {"32 >> 1 + 1", "8"}, {"2 + 3 * 4", "14"},
       {"2 * 3 + 4", "10"},   {"9 - 6 / 3", "7"},    {"9 - 6 // 3", "7"},  {"9 - 7 % 4", "6"},
       {"~1 + 1", "-1"},      {"-7 / 2", "-4"},      {"-7 % 3", "2"},      {"-1 >> 1", "-1"},
       {"1 + 1 == 2", "1"},   {"2 == 1 + 1", "1"},   {"4 != 2 | 4", "1"},  {"2 < 1 | 4", "1"},
       {"4 > 4 | 1", "0"},    {"5 <= 4 | 2", "1"},   {"4 >= 4 | 1", "0"},  {"(1 + 2) * 3", "9"},
       {"3 * (1 + 2)", "9"},  {"4 == 2 | 4", "0"},   {"4 = 2 | 4", "0"},   {"1 == 1 and 2 == 2", "1"},
       {"2 = 2 and 3", "1"}});
}

TEST_CASE("operators of one level go from left to right") {
  check_values({{"10 - 3 - 2", "5"},
                {"10 - 3 + 2", "9"},
                {"100 / 10 / 5", "2"},
                {"100 / 10 * 5", "50"},
                {"7 % 4 % 2", "1"},
                {"1 << 2 << 3", "32"},
                {"64 >> 2 >> 1", "8"},
                {"3 > 2 > 1", "0"},  // comparisons do not chain
                {"1 == 2 == 0", "1"},
                {"10 - (3 - 2)", "9"}});
}

// Any two operators of one level, and numbers that tell the two orders apart.
TEST_CASE("no operator binds tighter than others of its level") {
  for (const strings& level : {strings{"==", "!=", "<", "<=", ">", ">=", "="}, strings{"+", "-"},
                               strings{"*", "/", "//", "%"}, strings{"<<", ">>"}})
    for (const std::string& first : level)
      for (const std::string& second : level)
        for (const char* a : {"0", "1", "7"})
          for (const char* b : {"1", "3"})
            for (const char* c : {"0", "1", "2", "3"}) {
              const std::string left = a + first + b;
              CHECK(value_of(left + second + c) == value_of("(" + left + ")" + second + c));
            }
}

TEST_CASE("each operator") {
  check_values({{"6 + 3", "9"},
                {"6 - 8", "-2"},
                {"6 * 3", "18"},
                {"12 & 10", "8"},
                {"12 | 10", "14"},
                {"12 ^ 10", "6"},
                {"5 << 2", "20"},
                {"20 >> 2", "5"},
                {"3 == 3", "1"},
                {"3 == 4", "0"},
                {"3 = 3", "1"},
                {"3 = 4", "0"},
                {"3 != 3", "0"},
                {"3 != 4", "1"},
                {"3 < 3", "0"},
                {"3 < 4", "1"},
                {"4 < 3", "0"},
                {"3 <= 3", "1"},
                {"3 <= 4", "1"},
                {"4 <= 3", "0"},
                {"3 > 3", "0"},
                {"4 > 3", "1"},
                {"3 > 4", "0"},
                {"3 >= 3", "1"},
                {"4 >= 3", "1"},
                {"3 >= 4", "0"},
                {"2 and 4", "1"},
                {"0 and 4", "0"},
                {"4 and 0", "0"},
                {"0 or 0", "0"},
                {"0 or 4", "1"},
                {"4 or 0", "1"},
                {"not 0", "1"},
                {"not 5", "0"},
                {"not not 5", "1"},
                {"-a", "-7"},
                {"- -5", "5"},
                {"--5", "5"},
                {"~5", "-6"},
                {"~-1", "0"},
                {"+5", "0: expected a number, a field or '('"}});
}

// For each pair of signs, with a remainder and without.
TEST_CASE("division and modulo round down") {
  check_values({{"7 / 2", "3"},
                {"-7 / 2", "-4"},
                {"7 / -2", "-4"},
                {"-7 / -2", "3"},
                {"6 / -2", "-3"},
                {"-6 / 2", "-3"},
                {"7 % 2", "1"},
                {"-7 % 2", "1"},
                {"7 % -2", "-1"},
                {"-7 % -2", "-1"},
                {"6 % -2", "0"},
                {"-6 % 2", "0"},
                {"7 // -2", "-4"},
                {"0 / 5", "0"},
                {"0 % -5", "0"},
                {"5 / -1", "-5"},
                {"5 / 0", "none"},
                {"5 % 0", "none"},
                {"0 / 0", "none"}});
}

// What 64 bits with a sign do not hold has no value, at the bound and one before it.
TEST_CASE("overflow has no value") {
  const std::string max = "9223372036854775807";
  const std::string min = "(-9223372036854775807 - 1)";
  check_values({{max + " + 0", max},
                {max + " + 1", "none"},
                {min + " + 0", "-9223372036854775808"},
                {min + " - 1", "none"},
                {"-" + max + " - 2", "none"},
                {"3037000499 * 3037000499", "9223372030926249001"},
                {"3037000500 * 3037000500", "none"},
                {"(" + max + " + 1) * 0", "none"},
                {"-" + min, "none"},
                {"-(" + min + " + 1)", max},
                {"~" + max, "-9223372036854775808"},
                {min + " / -1", "none"},
                {min + " % -1", "none"},
                {min + " / 1", "-9223372036854775808"},
                {min + " / -2", "4611686018427387904"},
                {"(" + min + " + 1) / -1", max},
                {"0 and 1 / 0", "none"},
                {"1 or 1 / 0", "none"}});
}

TEST_CASE("shifts at the ends of their range") {
  check_values({{"5 << 0", "5"},
                {"1 << 62", "4611686018427387904"},
                {"-2 << 62", "-9223372036854775808"},
                {"2 << 62", "none"},
                {"1 << 63", "none"},
                {"1 << 64", "none"},
                {"0 << 64", "none"},
                {"1 << -1", "none"},
                {"3 << 61", "6917529027641081856"},
                {"5 >> 0", "5"},
                {"9223372036854775807 >> 62", "1"},
                {"9223372036854775807 >> 63", "0"},
                {"-1 >> 63", "-1"},
                {"-1 >> 64", "none"},
                {"1 >> -1", "none"},
                {"-8 >> 1", "-4"}});
}

TEST_CASE("numbers, names and variables") {
  check_values({{"0x10", "16"},
                {"0b101", "5"},
                {"0o17", "15"},
                {"9", "9"},
                {"9223372036854775808", "0: not an integer of 64 bits"},
                {"1 + 12ab", "4: not an integer of 64 bits"},
                {"1.5", "0: not an integer of 64 bits"},
                {"a", "7"},
                {"z_A.Z09", "5"},
                {"_x", "11"},
                {"Z", "17"},
                {"ora", "13"},
                {"1 or ora", "1"},
                {"$size", "100"},
                {"$packet", "200"},
                {"$rest", "30"},
                {"1 + $res", "4: '$res' is unknown; there are $size, $packet and $rest"},
                {"1 + c", "4: no field 'c'"},
                {"nota", "0: no field 'nota'"},
                {" 1\t+\t2 ", "3"}});
}

TEST_CASE("what is not an expression is refused where it stands") {
  check_values({{"", "0: the expression ends too early"},
                {"  ", "2: the expression ends too early"},
                {"1 +", "3: the expression ends too early"},
                {"-", "1: the expression ends too early"},
                {"1 or", "4: the expression ends too early"},
                {"1 or2", "2: expected an operator"},
                {"1 and.x", "2: expected an operator"},
                {"1 or(2)", "1"},
                {"1 2", "2: expected an operator"},
                {"1\n+ 2", "1: expected an operator"},
                {"1 )", "2: expected an operator"},
                {"a:2", "1: expected an operator"},
                {"a`", "1: expected an operator"},
                {"(1", "2: expected ')'"},
                {"(1 2)", "3: expected ')'"},
                {"()", "1: expected a number, a field or '('"},
                {"1 + *", "4: expected a number, a field or '('"},
                {"`", "0: expected a number, a field or '('"},
                {"{", "0: expected a number, a field or '('"},
                {"@", "0: expected a number, a field or '('"},
                {"[", "0: expected a number, a field or '('"},
                {"/", "0: expected a number, a field or '('"},
                {":", "0: expected a number, a field or '('"},
                {".a", "0: expected a number, a field or '('"},
                {"1 + not 0", "4: put 'not …' into parentheses"},
                {"1 == not 0", "5: put 'not …' into parentheses"},
                {"- not 0", "2: put 'not …' into parentheses"},
                {"1 + (not 0)", "2"},
                {"1 and not 0", "1"},
                {"not", "3: the expression ends too early"}});
}

// 31 pairs of parentheses are read and 32 are not; operators in a row are no deeper for being many.
TEST_CASE("expressions have a depth limit") {
  CHECK(value_of(repeated("(", 31) + "7" + repeated(")", 31)) == "7");
  CHECK(value_of(repeated("(", 32) + "7" + repeated(")", 32)) == "32: the expression is too deep");
  CHECK(value_of(repeated("-", 31) + "7") == "-7");
  CHECK(value_of(repeated("-", 32) + "7") == "32: the expression is too deep");
  CHECK(value_of(repeated("not ", 31) + "7") == "0");
  CHECK(value_of(repeated("not ", 32) + "7") == "127: the expression is too deep");
  CHECK(value_of(repeated("1 + ", 200) + "1") == "201");
  CHECK(value_of(repeated("(1) * -(1) + ", 99) + "100") == "1");
  CHECK(value_of(repeated("1+(", 15) + "1+1" + repeated(")", 15)) == "17");
  CHECK(value_of(repeated("1+(", 15) + "1+(1)" + repeated(")", 15)).ends_with("the expression is too deep"));
}

TEST_CASE("an expression knows whether it needs the region") {
  for (const auto& [text, needs] :
       {std::pair{"a + 1", false}, {"$size - 1", true}, {"1 + $packet", true}, {"a * $rest", true}}) {
    expression_fault fault;
    const auto made = parsed(text, fault);
    REQUIRE(made);
    CHECK(made->uses_region() == needs);
  }
}

// Expressions made up at random have the value that this machine's Python gives them, or none as there.
TEST_CASE("expressions agree with Python") {
  std::map<std::string, std::size_t> kinds;
  const auto compare = [&](const nlohmann::ordered_json& row, const std::string& line) {
    const std::string ours = value_of(row["text"].get<std::string>());
    std::string kind = "refused";
    bool same = ours.find(": ") != std::string::npos;
    if (row.contains("value")) {
      kind = row["value"].is_null() ? "none" : "value";
      same = ours == (kind == "none" ? "none" : row["value"].dump());
    }
    ++kinds[kind];
    if (!same) FAIL_CHECK(line << "ours " << ours);
  };
  for (const char* seed : {"1", "2026"})
    CHECK(each_peer_row("expression_peer.py", seed + std::string(" 6000"), compare) == 6000);
  for (const char* kind : {"refused", "none", "value"}) CHECK(kinds[kind] > 500);
}
