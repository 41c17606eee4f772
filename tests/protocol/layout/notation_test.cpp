#include "protocol/layout/notation.hpp"

#include <string>
#include <utility>

#include "tests/catch.hpp"

using namespace duplexd::protocol;

namespace {

std::string shown(const extent_notation& extent) {
  static constexpr const char* kinds[] = {"-", "", ":", "*", "until "};
  const auto kind = static_cast<std::size_t>(extent.what);
  if (extent.most > 0) return kinds[kind] + extent.text.text + ", " + std::to_string(extent.most);
  return kinds[kind] +
         (kind == 1 || kind == 2 || kind == 4 ? extent.text.text + "@" + std::to_string(extent.text.at) : "");
}

// A token with the places of its parts.
std::string shown(const token& t) {
  std::string out = std::to_string(t.at) + " " + (t.spread ? "..." : "");
  if (t.named) out += t.name.text + "@" + std::to_string(t.name.at) + ":";
  if (t.order != 0) out += t.order;
  out += t.type.text + "@" + std::to_string(t.type.at) + " (" + shown(t.size) + ")[" + shown(t.count) + "]";
  if (t.value != token::value_kind::absent)
    out += (t.value == token::value_kind::constant ? " =" : " ?=") +
           std::string(t.value_is_text ? "text " : "") + t.value_text.text + "@" +
           std::to_string(t.value_text.at);
  for (const piece& scale : t.scales) out += " " + scale.text + "@" + std::to_string(scale.at);
  if (!t.unit.text.empty()) out += " unit " + t.unit.text + "@" + std::to_string(t.unit.at);
  return out;
}

std::string parsed(const char* line) {
  notation_fault fault;
  const auto found = parse_line(line, fault);
  if (!found)
    return std::to_string(fault.at) + ": " + fault.message +
           (fault.hint.empty() ? "" : " (" + fault.hint + ")");
  std::string out = found->order == 0 ? "" : std::string("order ") + found->order;
  for (const token& t : found->tokens) out += (out.empty() ? "" : "; ") + shown(t);
  return out;
}

void check_lines(const std::vector<std::pair<const char*, const char*>>& lines) {
  for (const auto& [line, out] : lines) {
    INFO(line);
    CHECK(parsed(line) == out);
  }
}

}  // namespace

// Each part of a token, with its place.
TEST_CASE("parts of tokens have their places") {
  check_lines({
      {"", ""},
      {"  > \t\r\n", "order >"},
      {"@bi", "order @; 1 bi@1 (-)[-]"},
      {" =  2i  3x", "order =; 4 2i@4 (-)[-]; 8 3x@8 (-)[-]"},
      {"a:<H b:!i", "0 a@0:<H@3 (-)[-]; 5 b@5:!i@8 (-)[-]"},
      {"a:>H b:=H c:@H", "0 a@0:>H@3 (-)[-]; 5 b@5:=H@8 (-)[-]; 10 c@10:@H@13 (-)[-]"},
      {"_a1:u24", "0 _a1@0:u24@4 (-)[-]"},
      {"Z9:zstr", "0 Z9@0:zstr@3 (-)[-]"},
      {"...rec x", "0 ...rec@3 (-)[-]; 7 x@7 (-)[-]"},
      {"a:str(n + (1))[m[2]]", "0 a@0:str@2 (n + (1)@6)[m[2]@15]"},
      {"a:str(:H)[:varint]", "0 a@0:str@2 (:H@7)[:varint@11]"},
      {"a:B[*]", "0 a@0:B@2 (-)[*]"},
      {R"(a:? b:?=1 c:??=0 d:?=(x))",
       "0 a@0:?@2 (-)[-]; 4 b@4:?@6 (-)[-] =1@8; 10 c@10:?@12 (-)[-] ?=0@15; 17 d@17:?@19 (-)[-] =x@22"},
      {"?b? 2?", "0 ?b?@0 (-)[-]; 4 2?@4 (-)[-]"},
      {"a:B=5 b:B?=0x10 c:i=-3",
       "0 a@0:B@2 (-)[-] =5@4; 6 b@6:B@8 (-)[-] ?=0x10@11; 16 c@16:i@18 (-)[-] =-3@20"},
      {"a:3s=\"x y\" b:3s='\"' c:s=\"\"",
       "0 a@0:3s@2 (-)[-] =text x y@5; 11 b@11:3s@13 (-)[-] =text \"@16; 20 c@20:s@22 (-)[-] =text @24"},
      {R"(a:4s="\x41\"\\\x7e" b:s='\'')",
       R"(0 a@0:4s@2 (-)[-] =text A"\~@5; 20 b@20:s@22 (-)[-] =text '@24)"},
      {"a:B=$size b:B=(1 + 2)", "0 a@0:B@2 (-)[-] =$size@4; 10 b@10:B@12 (-)[-] =1 + 2@15"},
      {"a:B=5=6 b:B=5?=6", "0 a@0:B@2 (-)[-] =5=6@4; 8 b@8:B@10 (-)[-] =5?=6@12"},
      {"a:B=5/2*3@s", "0 a@0:B@2 (-)[-] =5@4 /2@5 *3@7 unit s@10"},
      {"a:I/100*1e-7@ms b:I/_d", "0 a@0:I@2 (-)[-] /100@3 *1e-7@7 unit ms@13; 16 b@16:I@18 (-)[-] /_d@19"},
      {"a:I*1.5E+3 b:I*.5", "0 a@0:I@2 (-)[-] *1.5E+3@3; 11 b@11:I@13 (-)[-] *.5@14"},
  });
}

// A line that breaks the grammar is refused where it does.
TEST_CASE("each break of the grammar has its place") {
  check_lines({
      {":B",
       "0: expected a field's name before ':' (a name is a letter or '_', then letters, digits or '_')"},
      {"1a:B", "0: '1a' is not a valid field name (a name is a letter or '_', then letters, digits or '_')"},
      {"a:<", "3: expected a type"},
      {"a:%", "2: expected a type, found '%'"},
      {"%", "0: expected a type, found '%'"},
      {"a:B%",
       "3: unexpected '%' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens are "
       "separated by spaces)"},
      {"a:B(", "3: no ')' for this '('"},
      {"a:B(1", "3: no ')' for this '('"},
      {"a:B((1)", "3: no ')' for this '('"},
      {"a:B[", "3: no ']' for this '['"},
      {"a:B[1]]",
       "6: unexpected ']' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens are "
       "separated by spaces)"},
      {"a:B()", "4: there is nothing between '(' and ')'"},
      {"a:B[ ]", "4: there is nothing between '[' and ']'"},
      {"a:B(*)", "4: a size cannot be '*' (without a size the field takes the rest)"},
      {"a:B=", "4: expected a value after '='"},
      {R"(a:B=")", "4: the text has no closing quote"},
      {R"(a:B="x)", "4: the text has no closing quote"},
      {R"(a:2s="\q")",
       "6: an unknown escape (\\r, \\n, \\t, \\0, \\\\, \\\", \\' or \\x and two hex digits)"},
      {R"(a:2s="\")", "5: the text has no closing quote"},
      {"a:B=()", "5: there is nothing between '(' and ')'"},
      {"a:B=(:x)", "3: expected an expression"},
      {"a:B@", "4: expected a unit after '@': s, ms, us or ns"},
      {"a:B/1-7-7",
       "7: unexpected '-' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens are "
       "separated by spaces)"},
      {"a:B-7/1", "5: an offset comes after the scale (such as *0.1-127)"},
      {"...", "3: expected a type"},
      {"...a:B",
       "4: unexpected ':' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens are "
       "separated by spaces)"},
      {">>", "1: expected a type, found '>'"},
      {R"(a:B="x"="y")", "7: a second value"},
      {R"(a:B="x"?=2)", "7: a second value"},
      {"a:B(2)(3)",
       "6: unexpected '(' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens are "
       "separated by spaces)"},
      {"a:B[2](3)",
       "6: unexpected '(' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens are "
       "separated by spaces)"},
      {"...:B", "3: expected a type, found ':'"},
      {"a b:", "4: expected a type"},
      {"a:B@s@", "6: expected a unit after '@': s, ms, us or ns"},
      {"a:B%2",
       "3: unexpected '%' (a token is name:type(size)[count]=value/divisor*factor+offset@unit; tokens are "
       "separated by spaces)"},
      {"-", "0: expected a type, found '-'"},
  });
}

// Names and struct groups.
TEST_CASE("what is a name and what is a struct group") {
  for (const char* name : {"a", "_", "Az_09", "Z", "z"}) CHECK(is_field_name(name));
  for (const char* name : {"", "0", "9a", "a-b", "a b", "a.b", "a:", "[", "`", "{", "@"})
    CHECK_FALSE(is_field_name(name));
  for (const char* group : {"b", "2i3x", "bid", "xcbB?hHiIlLqQnNefdspP", "0s", "9x"})
    CHECK(is_struct_group(group));
  for (const char* group : {"", "2", "i2", "a", "z", "b b", "u24", "_b"}) CHECK_FALSE(is_struct_group(group));
}

// The text that ends a field, with its escapes.
TEST_CASE("a size can be a text") {
  check_lines({
      {"a:str(until ' ')", "0 a@0:str@2 (until  @12)[-]"},
      {"a:str( until\"x\" )", "0 a@0:str@2 (until x@12)[-]"},
      {"a:str(until 'ab', 512)", "0 a@0:str@2 (until ab, 512)[-]"},
      {"a:str(until ')')[2]", "0 a@0:str@2 (until )@12)[2@17]"},
      {R"~(a:str(until "\"\'\\\x41"))~", R"~(0 a@0:str@2 (until "'\A@12)[-])~"},
      {"a:str(until)", "0 a@0:str@2 (until@6)[-]"},
      {"a:str(until * 2)", "0 a@0:str@2 (until * 2@6)[-]"},
      {R"~(a:str(:decnum(until ")")))~", R"~(0 a@0:str@2 (:decnum(until ")")@7)[-])~"},
      {"a:str(until '1234567890123456')", "0 a@0:str@2 (until 1234567890123456@12)[-]"},
      {"a:str(until '12345678901234567')", "12: a text ends in 1 to 16 bytes"},
      {"a:str(until '')", "12: a text ends in 1 to 16 bytes"},
      {"a:str(until ' )", "12: the text has no closing quote"},
      {"a:str(until '\\",
       "13: an unknown escape (\\r, \\n, \\t, \\0, \\\\, \\\", \\' or \\x and two hex digits)"},
      {"a:str(until '\\q')",
       "13: an unknown escape (\\r, \\n, \\t, \\0, \\\\, \\\", \\' or \\x and two hex digits)"},
      {"a:str(until '\\x4')",
       "13: an unknown escape (\\r, \\n, \\t, \\0, \\\\, \\\", \\' or \\x and two hex digits)"},
      {"a:str(until 'x'", R"(15: expected ')' ((until "\r\n") or (until "\r\n", 512)))"},
      {"a:str(until 'x' + 1)", R"(16: expected ')' ((until "\r\n") or (until "\r\n", 512)))"},
      {"a:str(until 'x', 2147483648)", "0 a@0:str@2 (until x, 2147483648)[-]"},
      {"a:str(until 'x', 2147483649)", "17: expected the largest number of bytes, 1 to 2147483648"},
      {"a:str(until 'x', 0)", "17: expected the largest number of bytes, 1 to 2147483648"},
      {"a:str(until 'x', n)", "17: expected the largest number of bytes, 1 to 2147483648"},
      {"a:B[until 'x']", "0 a@0:B@2 (-)[until x@10]"},
      {"a:B[until 12 ]", "0 a@0:B@2 (-)[until 12@10]"},
      {"a:B[until -1]", "0 a@0:B@2 (-)[until -1@4]"},
      {"a:B[until 'x', 2]", R"(13: expected ']' ([until "\0"] or [until 0]))"},
      {"a:str(:decnum(until ')", "5: no ')' for this '('"},
  });
}
