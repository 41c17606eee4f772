// Texts that hold pairs of a key and a value, as maps.
#include <fmt/format.h>

#include "tests/protocol/yaml_harness.hpp"

using namespace duplexd::protocol;
using namespace duplexd::protocol::testing;

namespace {

std::string unpacked_text(const std::string& layout, const std::string& text) {
  std::string hex;
  append_hex(hex, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return unpacked(layout, hex);
}

/// Packs, and says the bytes as they are; or the error.
std::string packed_text(const std::string& layout, const std::string& json) {
  const std::string out = packed_from(layout, json);
  const auto bytes = parse_hex(out);
  return bytes ? std::string(bytes->begin(), bytes->end()) : out;
}

const char* const query = "[{q: {type: str, pairs: {separator: '&', equals: '=', escape: percent}}}]";
const char* const headers = R"([{h: {type: 'str(until "\n\n")', pairs: {separator: "\n", equals: ':',
  escape: {'\n': "\n", '\c': ':', '\\': '\'}}}}, 'rest:str'])";
const char* const slashes =
    "[{m: {type: str, pairs: {separator: /, equals: '@=', closed: true, "
    "escape: {'@A': '@', '@S': /}}}}]";
const char* const named =
    "{layout: 'q:head', layouts: {head: {type: str, pairs: {separator: '&', equals: '='}}}}";
const char* const plain = "[{p: {type: str, pairs: {separator: '||', equals: '=='}}}]";
const char* const few =
    "{layout: ['n:B[1]', {p: {type: str, pairs: {separator: ',', equals: '='}}}], limits: {count: 3}}";

}  // namespace

TEST_CASE("a text of pairs is a map") {
  check_rows({{query, "", R"({"q":{}})"},
              {query, "a=1&b=x%20y&c=", R"({"q":{"a":"1","b":"x y","c":""}})"},
              {query, "a&=b&c=d=e", R"({"q":{"a":null,"":"b","c":"d=e"}})"},
              {query, "&a=1&&", R"({"q":{"a":"1"}})"},
              {named, "a=1", R"({"q":{"a":"1"}})"},
              {query, "%3d=%26%C3%a4", R"({"q":{"=":"&ä"}})"},
              {query, "a=1&b=%4", "! q at byte 6: '%' without two hex digits"},
              {query, "a=%-1", "! q at byte 2: '%' without two hex digits"},
              {query, "a=1&b=%ff", "! q at byte 4: a pair that is not UTF-8"},
              {query, "a=1&a=1", "! q at byte 4: a key that is there twice"},
              {slashes, "type@=login@Sreq/room@=1@A@=/", R"({"m":{"type":"login/req","room":"1@@="}})"},
              {slashes, "a@b@=@c", R"({"m":{"a@b":"@c"}})"},
              {headers, "a:1\nb\\c:x\\ny\n\nbody", R"({"h":{"a":"1","b:":"x\ny"},"rest":"body"})"},
              {plain, "a=b==c|d||e", R"({"p":{"a=b":"c|d","e":null}})"}},
             unpacked_text);
  CHECK(unpacked(query, "ff3d31") == "! q at byte 0: a pair that is not UTF-8");
}

TEST_CASE("a map is a text of pairs") {
  check_rows(
      {{query, R"({"q":{}})", ""},
       {query, R"({"q":{"a":"1","b":"x y","c":""}})", "a=1&b=x%20y&c="},
       {query, R"({"q":{"a":null,"":"b","=":"&ä"}})", "a&=b&%3D=%26%C3%A4"},
       {query, R"({"q":{"":null}})", "q at byte 0: a pair without key and value has no form"},
       {query, R"({"q":{"a":1}})", "q at byte 0: 'a': expected a text, found an integer"},
       {query, R"({"q":["a"]})", "q at byte 0: expected a map of texts, found a list"},
       {slashes, R"({"m":{"type":"login/req","room":"1@@="}})", "type@=login@Sreq/room@=1@A@A=/"},
       {slashes, R"({"m":{}})", ""},
       {headers, R"({"h":{"a":"1","b:":"x\ny"},"rest":"body"})", "a:1\nb\\c:x\\ny\n\nbody"},
       {plain, R"({"p":{"a=b":"c|d","e":null}})", "a=b==c|d||e"},
       {plain, R"({"p":{"a":"c|"}})",
        "p at byte 0: 'a' would be read as something else: it holds a separator, and no escape is for that"},
       {plain, R"({"p":{"a=":"c"}})",
        "p at byte 0: 'a=' would be read as something else: it holds a separator, and no escape is for that"},
       {plain, R"({"p":{"a==b":null}})",
        "p at byte 0: 'a==b' would be read as something else: it holds a separator, and no escape is for "
        "that"}},
      packed_text);
}

// The pairs of a packet count as its elements do.
TEST_CASE("pairs are bounded by the limit of elements") {
  check_rows({{few, "1a,b", R"({"n":[49],"p":{"a":null,"b":null}})"},
              {few, "1a,b,", R"({"n":[49],"p":{"a":null,"b":null}})"},
              {few, "1a,b,c", "! p at byte 5: more pairs than the limit of elements in a packet"}},
             unpacked_text);
  check_rows({{few, R"({"n":[49],"p":{"a":null,"b":null,"c":null}})", "1a,b,c"},
              {few, R"({"n":[49],"p":{"a":null,"b":null,"c":null,"d":null}})",
               "p at byte 1: 4 pairs, more than the limit of 3"}},
             packed_text);
}

TEST_CASE("mistakes of pairs") {
  check_pairs(
      {{"[{a: {type: str, pairs: x}}]",
        "1:33 'pairs' is a map ({separator: '&', equals: '=', escape: percent})"},
       {"[{a: {type: B, pairs: {separator: ',', equals: ':'}}}]",
        "1:31 'pairs' are in a str without a constant size and value (such as {type: str, pairs: …})"},
       {"[{a: {type: 'str(4)', pairs: {separator: ',', equals: ':'}}}]",
        "1:38 'pairs' are in a str without a constant size and value (such as {type: str, pairs: …})"},
       {"[{a: {type: str, pairs: {equals: ':'}}}]",
        "1:33 'separator' is missing ({separator: '&', equals: '='})"},
       {"[{a: {type: str, pairs: {separator: '12345678901234567', equals: ':'}}}]",
        "1:46 'separator' is a text of 1 to 16 bytes"},
       {"[{a: {type: str, pairs: {separator: '1234567890123456', equals: ':'}}}]", ""},
       {"[{a: {type: str, pairs: {separator: ',', equals: ''}}}]",
        "1:59 'equals' is a text of 1 to 16 bytes"},
       {"[{a: {type: str, pairs: {separator: ':', equals: '::'}}}]",
        "1:33 'separator' and 'equals' cannot be told apart (neither may begin with the other)"},
       {"[{a: {type: str, pairs: {separator: ',', equals: ':', closed: 1}}}]", "1:71 expected true or false"},
       {"[{a: {type: str, pairs: {separator: ',', equals: ':', escape: url}}}]",
        "1:71 expected percent, or a map of 1 to 64 escapes (what is in the text, and what it stands for: "
        "{'@A': '@', '@S': '/'})"},
       {"[{a: {type: str, pairs: {separator: '%', equals: ':', escape: percent}}}]",
        "1:71 '%' is an escape, so 'separator' and 'equals' cannot begin with it"},
       {"[{a: {type: str, pairs: {separator: ',', equals: ':', escape: {'@': a, '@A': b}}}}]",
        "1:81 '@' and '@A' cannot be told apart"},
       {"[{a: {type: str, pairs: {separator: ',', equals: ':', escape: {'@A': a, '@B': a}}}}]",
        "1:82 'a' has an escape already, '@A'"},
       {"[{a: {type: str, pairs: {separator: ',', equals: ':', escape: {'@A': ''}}}}]",
        "1:73 an escape and what it stands for are texts of 1 to 16 bytes"},
       {"[{a: {type: str, pairs: {separator: ',', equal: ':'}}}]",
        "1:50 unknown key 'equal' (did you mean 'equals'?)"}},
      mistakes_in);
}

TEST_CASE("a text of pairs has at most 64 escapes") {
  const auto with = [](int count) {
    std::string escapes;
    for (int i = 0; i < count; ++i) escapes += fmt::format("'%{:02x}': 'x{}', ", i, i);
    return mistakes_in("[{a: {type: str, pairs: {separator: ',', equals: ':', escape: {" + escapes + "}}}}]");
  };
  CHECK(with(64).empty());
  CHECK(with(65) ==
        "1:71 expected percent, or a map of 1 to 64 escapes (what is in the text, and what it stands "
        "for: {'@A': '@', '@S': '/'})");
}
