#include "protocol/codec/expression.hpp"
#include "protocol/layout/notation.hpp"
#include "protocol/text/json_text.hpp"
#include "tests/protocol/codec_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::string shown(const extent_notation& extent) {
  switch (extent.what) {
    case extent_notation::kind::absent:
      return "-";
    case extent_notation::kind::expression:
      return extent.text.text;
    case extent_notation::kind::prefix:
      return ":" + extent.text.text;
    default:
      return "*";
  }
}

// A line as the parser understood it.
std::string parsed(std::string_view line) {
  notation_fault fault;
  const auto result = parse_line(line, fault);
  if (!result) return std::to_string(fault.at) + ": " + fault.message;
  std::string out = result->order != 0 ? std::string(1, result->order) : "";
  for (const token& t : result->tokens) {
    out += (out.empty() ? "" : " ") + std::string(t.spread ? "..." : "") + (t.named ? t.name.text + ":" : "");
    if (t.order != 0) out += t.order;
    out += t.type.text + "(" + shown(t.size) + ")[" + shown(t.count) + "]";
    if (t.value != token::value_kind::absent)
      out += (t.value == token::value_kind::constant ? "=" : "?=") + t.value_text.text;
    for (const piece& scale : t.scales) out += scale.text;
    out += t.offset.text;
    if (!t.unit.text.empty()) out += "@" + t.unit.text;
  }
  return out;
}

std::string value_of(std::string_view text) {
  const std::vector<std::int64_t> slots{7, -3};
  const slot_lookup lookup = [](std::string_view name, std::string& error) -> std::optional<std::int64_t> {
    if (name == "a" || name == "b.c") return name == "a" ? 0 : 1;
    error = "no field";
    return std::nullopt;
  };
  expression_fault fault;
  const auto parsed = parse_expression(text, lookup, fault);
  if (!parsed) return std::to_string(fault.offset) + ": " + fault.message;
  const auto value = evaluate(*parsed, {slots, 100, 200, 30});
  return value ? std::to_string(*value) : "none";
}

std::string copied(std::string_view json) {
  std::string out;
  if (const auto fault = copy_json(json, out, 8))
    return std::to_string(fault->offset) + ": " + fault->message;
  return out;
}

}  // namespace

// The grammar, token by token.
TEST_CASE("lines are taken apart") {
  CHECK(parsed("=ib") == "= ib(-)[-]");
  CHECK(parsed("> code:i rest:bytes") == "> code:i(-)[-] rest:bytes(-)[-]");
  CHECK(parsed("a:str(:H)[:B] b:u24[*] c:rec(len - 2)[n]") == "a:str(:H)[:B] b:u24(-)[*] c:rec(len - 2)[n]");
  CHECK(parsed("p:I/100*3@s q:i*1e-7/_div") == "p:I(-)[-]/100*3@s q:i(-)[-]*1e-7/_div");
  CHECK(parsed("a:B=5 b:B?=7 c:3s=\"a b\" d:I=$size e:I=($size - 4)") ==
        "a:B(-)[-]=5 b:B(-)[-]?=7 c:3s(-)[-]=a b d:I(-)[-]=$size e:I(-)[-]=$size - 4");
  CHECK(parsed("...bid 2x f:<H g:? 2?") == "...bid(-)[-] 2x(-)[-] f:<H(-)[-] g:?(-)[-] 2?(-)[-]");
}

// What is not in the grammar is refused where it stands.
TEST_CASE("broken lines are refused at their column") {
  CHECK(parsed("a:") == "2: expected a type");
  CHECK(parsed("a:i b:str(x") == "9: no ')' for this '('");
  CHECK(parsed("1a:i") == "0: '1a' is not a valid field name");
  CHECK(parsed("a:i()") == "4: there is nothing between '(' and ')'");
  CHECK(parsed("a:i=") == "4: expected a value after '='");
  CHECK(parsed("a:i,b:i") == "3: unexpected ','");
  CHECK(parsed("a:str(*)") == "6: a size cannot be '*'");
}

// Precedence is Python's, and division rounds down.
TEST_CASE("expressions mean what they mean in Python") {
  CHECK(value_of("1 + 2 * 3 << 1") == "14");
  CHECK(value_of("-7 / 2") == "-4");
  CHECK(value_of("-7 % 3") == "2");
  CHECK(value_of("not a == 7 or b.c < 0") == "1");
  CHECK(value_of("~a & 0xff ^ 1 | 256") == "505");
  CHECK(value_of("$size + $packet + $rest") == "330");
  CHECK(value_of("(a - 2) * (b.c)") == "-15");
  CHECK(value_of("1 / 0") == "none");
  CHECK(value_of("9223372036854775807 + 1") == "none");
  CHECK(value_of("1 << 64") == "none");
  CHECK(value_of("a +") == "3: the expression ends too early");
  CHECK(value_of("a x") == "2: expected an operator");
  CHECK(value_of("c") == "0: no field");
  CHECK(value_of("$sise") == "0: '$sise' is unknown; there are $size, $packet and $rest");
}

// JSON passes through checked and without white space; nothing else passes.
TEST_CASE("JSON is checked and copied in one pass") {
  CHECK(copied(" { \"a\" : [ 1 , -2.5e+3, true , null, \"\\u00e9\\\"\" ] , \"b\":{} } ") ==
        R"({"a":[1,-2.5e+3,true,null,"\u00e9\""],"b":{}})");
  CHECK(copied("18446744073709551616") == "18446744073709551616");
  for (const char* bad : {"", "[1,]", "{\"a\"}", "01", "1.", "+1", "nul", "[1 2]", "\"\\x\"", "\"\\ud800\"",
                          "\"\t\"", "{a:1}", "[[[[[[[[[1]]]]]]]]]", "1 2", "\"a", "]", "\"\xff\""})
    CHECK(copied(bad).find(": ") != std::string::npos);
}

// The texts that Python's json.dumps gives by default.
TEST_CASE("JSON is written as json.dumps does") {
  const auto value = nlohmann::ordered_json::parse(
      R"({"a": [1, 2.0, 1e16, 1e-7, true, null], "é\u007f\n": "\ud83d\ude00"})");
  std::string python;
  std::string compact;
  REQUIRE(append_json(python, value, json_style::python));
  REQUIRE(append_json(compact, value, json_style::compact));
  CHECK(python == R"({"a": [1, 2.0, 1e+16, 1e-07, true, null], "\u00e9\u007f\n": "\ud83d\ude00"})");
  CHECK(compact == "{\"a\":[1,2.0,1e+16,1e-07,true,null],\"\u00e9\x7f\\n\":\"\U0001F600\"}");
}

// Sizes and counts are derived, and the command may say otherwise.
TEST_CASE("derived fields") {
  const auto types = with_layout(text("> _words:B _n:B data:bytes(_words * 4) list:H[_n - 1]"));
  CHECK(packed(*types, "c", {{"data", "0102030405060708"}, {"list", {7}}}) ==
        "02"
        "02"
        "0102030405060708"
        "0007");
  CHECK(packed(*types, "c", {{"_n", 9}, {"data", ""}, {"list", nlohmann::ordered_json::array()}}) == "0009");
  CHECK(packed(*types, "c", {{"data", "010203"}, {"list", nlohmann::ordered_json::array()}}) ==
        "data at byte 5: 3 bytes are not a multiple of 4");
  const auto shared = with_layout(text("_n:B a:B[_n] b:B[_n]"));
  CHECK(packed(*shared, "c", {{"a", {1, 2}}, {"b", {3}}}) ==
        "b at byte 4: found 1 elements, but another field with the same length has 2");
  const auto varint = with_layout(text("_n:varint a:str(_n) _m:varint=$size b:B"));
  CHECK(packed(*varint, "c", {{"a", std::string(200, 'a')}, {"b", 5}}).substr(0, 4) == "c801");
  CHECK(packed(*varint, "c", {{"a", std::string(200, 'a')}, {"b", 5}}).substr(404) ==
        "cd01"
        "05");
}

// The table that `check --layouts` prints.
TEST_CASE("byte tables") {
  const auto types = with_layout(text("> op:B=1 _skip:H 2x _n:B name:str(_n) rest:bytes"));
  CHECK(byte_table(*types->find(direction::reply, "r")) ==
        "reply r (binary)\n"
        "offset   bytes  field\n"
        "     0       1  op: u8, always 1\n"
        "     1       2  _skip: u16, big-endian\n"
        "     3       2  padding\n"
        "     5       1  _n: u8, derived when packing\n"
        "     6      _n  name: text\n"
        "     \u2026  the rest  rest: bytes\n"
        "packing also needs what unpacking leaves out: _skip\n");
}

// An example that is wrong says how.
TEST_CASE("examples are run") {
  const auto example = [](const char* bytes, long long value) {
    return map({{"hex", text(bytes)}, {"values", map({{"a", integer(value)}})}});
  };
  const auto types = compiled(
      map({{"replies",
            list({map({{"as", text("r")},
                       {"layout", text("> a:H")},
                       {"examples", list({example("0001", 1), example("0001", 2), example("01", 1)})}})})}}));
  strings found;
  for (const example_result& each : run_examples(types)) found.push_back(each.path + " " + each.message);
  CHECK(found == strings{"protocol.replies[0].examples[0] ",
                         "protocol.replies[0].examples[1] it unpacks to {\"a\":1}",
                         "protocol.replies[0].examples[2] a at byte 0: expected 2 bytes, found 1"});
}

// Mistakes of structure are found at load, each with its place.
TEST_CASE("mistakes of structure") {
  const auto mistake = [](node definition) {
    diagnostics out;
    CHECK(protocol::compile(definition, "p", out) == nullptr);
    REQUIRE_FALSE(out.empty());
    return out[0].path + ": " + out[0].message;
  };
  const auto layouts = [](std::vector<std::pair<std::string, node>> named, const char* use) {
    return map({{"layouts", map(std::move(named))}, {"commands", map({{"c", text(use)}})}});
  };
  CHECK(mistake(layouts({{"aa", text("x:aa2")}, {"aa2", text("y:aa")}}, "z:aa")) ==
        "p.commands.c: the layout 'aa' contains itself");
  CHECK(mistake(layouts({{"b", text("x:B")}}, "y:b")) == "p.layouts.b: 'b' is already the name of a type");
  CHECK(mistake(map({{"replise", list({})}})) == "p: unknown key 'replise'");
  CHECK(mistake(map({{"replies", list({map({{"as", text("a")}, {"layout", text("x:B")}}),
                                       map({{"as", text("b")}, {"layout", text("x:B")}})})}})) ==
        "p.replies[1]: never reached: 'a' before it takes every binary frame");
  CHECK(mistake(map({{"commands",
                      map({{"c", list({text("a:B"),
                                       map({{"switch", text("a")},
                                            {"cases", map({{"1", text("b:B")}, {"x", text("c:B")}})}}),
                                       text("d:str(b)")})}})}})) == "p.commands.c: 'x' is not an integer");
  CHECK(mistake(map({{"commands", map({{"c", list({map({{"if", text("1")}, {"then", text("b:B")}}),
                                                   text("d:str(b)")})}})}})) ==
        "p.commands.c: 'b' is out of reach here: it is in a case or an element that has ended");
}

// Layouts that multiply, and thousands of values, are refused soon rather than written out.
TEST_CASE("layouts have a size limit") {
  std::vector<std::pair<std::string, node>> named{{"ly0", nothing()}};
  for (int i = 1; i < 40; ++i)
    named.emplace_back("ly" + std::to_string(i),
                       text("ly" + std::to_string(i - 1) + " ly" + std::to_string(i - 1)));
  diagnostics out;
  CHECK(protocol::compile(map({{"layouts", map(named)}, {"commands", map({{"c", text("ly39")}})}}), "p",
                          out) == nullptr);
  REQUIRE_FALSE(out.empty());
  CHECK(out[0].message == "the layout is too large: layouts within layouts multiply");
  out.clear();
  CHECK(protocol::compile(map({{"commands", map({{"c", text("55555i")}})}}), "p", out) == nullptr);
  CHECK(out.size() <= 50);
}
