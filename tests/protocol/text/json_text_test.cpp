#include "protocol/text/json_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>

#include "protocol/text/json_tree.hpp"
#include "protocol/text/text_encoding.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd::protocol;
using nlohmann::json;

std::string copied(std::string_view text) {
  std::string out = "before";
  if (const auto fault = copy_json(text, out, 64)) {
    CHECK(out == "before");
    return "at " + std::to_string(fault->offset) + ": " + fault->message;
  }
  return out.substr(6);
}

/// The same by looking at each byte.
std::size_t bad_utf8_bytewise(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = 1;
    while (length <= 4 && at + length <= text.size()) {
      const bool whole = json::accept("\"" + std::string(text.substr(at, length)) + "\"");
      const auto c = static_cast<unsigned char>(text[at]);
      if (whole || c < 0x80) break;
      ++length;
    }
    if (length > 4 || at + length > text.size()) return at;
    at += length;
  }
  return at;
}

}  // namespace

// Each byte that ends a plain run, at each place of a word and behind the last whole word.
TEST_CASE("strings are copied whatever stands where in them") {
  for (std::size_t before = 0; before < 20; ++before) {
    for (const std::string_view special :
         {"", "\\\"", "\\\\", "\\u00e9", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x7f", " ", "~"}) {
      for (std::size_t behind = 0; behind < 10; ++behind) {
        const std::string text = "\"" + std::string(before, 'x') + std::string(special) +
                                 std::string(special) + std::string(behind, 'y') + "\"";
        CHECK(copied(text) == text);
        CHECK(copied(fmt::format("{{{0}:{0}}}", text)) == fmt::format("{{{0}:{0}}}", text));
        CHECK(copied(fmt::format(" [ {0} , {0} ] ", text)) == fmt::format("[{0},{0}]", text));
      }
    }
  }
}

TEST_CASE("what is wrong in a string is found where it stands") {
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string start = "\"" + std::string(before, 'x');
    const std::string place = "at " + std::to_string(start.size()) + ": ";
    for (char c = 0; c < 0x20; ++c)
      CHECK(copied(start + c + "yyyyyyyyyy\"") == place + "a control character in a text");
    for (const std::string_view bad :
         {"\x80", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
      CHECK(copied(start + std::string(bad) + "\"") == place + "not UTF-8");
      CHECK(copied(start + std::string(bad) + "yyyyyyyyyy\"") == place + "not UTF-8");
    }
    CHECK(copied(start) == place + "the JSON text ends too early");
  }
  // Whatever else is wrong, also before it.
  CHECK(copied("[1,,\"\xff\"]") == "at 5: not UTF-8");
  CHECK(copied("\xff") == "at 0: not UTF-8");
  CHECK(copied("[\xc3\xa9]") == "at 1: expected a JSON value");
}

// At each place of a word, and of sixteen bytes, and where fewer are left.
TEST_CASE("numbers of all lengths are what another reader takes for numbers") {
  const std::string_view pieces[] = {"0", "7", "42", "1234567", "12345678901234567890123", "00", ""};
  for (const std::string_view sign : {"", "-", "+"})
    for (const std::string_view whole : pieces)
      for (const std::string_view part : {"", ".", ".5", ".25000000000000001", ".123456789012", ".x", "..1"})
        for (const std::string_view power : {"", "e5", "E-12", "e", "e+", "e+000000000012"})
          for (const std::string_view behind : {"", " ", ",1,2,3,4,5,6,7,8,9", ",\"a text that is long\""}) {
            const std::string text = fmt::format("[{}{}{}{}{}]", sign, whole, part, power, behind);
            std::string out;
            const bool ours = !copy_json(text, out, 64);
            if (ours != json::accept(text)) FAIL(text);
            if (ours && behind != " ") CHECK(out == text);
          }
}

TEST_CASE("deep nesting is followed, up to the limit") {
  for (const std::size_t depth : std::initializer_list<std::size_t>{1, 2, 63, 64, 65, 127, 128, 129, 200}) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += i % 3 == 0 ? "{\"a\":" : "[";
    text += "1";
    for (std::size_t i = depth; i > 0; --i) text += (i - 1) % 3 == 0 ? "}" : "]";
    std::string out;
    CHECK_FALSE(copy_json(text, out, depth));
    CHECK(out == text);
    CHECK(check_json(text, depth - 1)->message == std::string_view("nested too deeply"));
    for (std::size_t at = text.size() - depth; at < text.size(); ++at) {
      std::string wrong = text;
      wrong[at] = wrong[at] == ']' ? '}' : ']';
      CHECK(check_json(wrong, depth)->offset == at);
    }
  }
}

// Another reader's word on texts that are nearly JSON: the same are accepted, and mean the same afterwards.
TEST_CASE("the same texts are JSON for us and for another reader") {
  std::mt19937 random(20261121);
  const std::string seed =
      R"( {"a": [1, -2.5e+3, true ,false,null, "\u00e9\"\\ and more text"], "long key with spaces": {"b":{} , "c" : [ ]},)"
      "\t\"\xc3\xa9\xe2\x82\xac\": \"\xf0\x9f\x98\x80 0123456789\", \"n\" : 0 ,\n\"e\":1E5, "
      "\"s\":\"\\ud83d\\ude00\" } ";
  const std::string_view bytes = "{}[],:\"\\ \n\te0-+.9untrfls\x80\xc3\xff\x01";
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = seed;
    for (auto edits = random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text.erase(at, 1 + random() % 3);
          break;
        case 1:
          text.insert(at, 1, bytes[random() % bytes.size()]);
          break;
        default:
          text[at] = bytes[random() % bytes.size()];
      }
    }
    std::string out;
    const auto fault = copy_json(text, out, 64);
    const auto seen = check_json(text, 64);
    const bool same = seen.has_value() == fault.has_value() &&
                      (!seen || (seen->offset == fault->offset && seen->message == fault->message));
    if (!same) FAIL("checked otherwise than copied: " << text);
    const bool theirs = json::accept(text);
    if (theirs == fault.has_value()) FAIL((fault ? "refused: " : "accepted: ") << text);
    if (!theirs) continue;
    ++accepted;
    if (json::parse(text) != json::parse(out)) FAIL("changed: " << text << " to " << out);
    CHECK(out.size() <= text.size());
  }
  CHECK(accepted > 5'000);
}

TEST_CASE("bad UTF-8 is found as if each byte were looked at") {
  std::mt19937 random(7);
  const std::string_view pieces[] = {"plain text of some length",
                                     "\xc3\xa9",
                                     "\xe2\x82\xac",
                                     "\xf0\x9f\x98\x80",
                                     "x",
                                     "\x80",
                                     "\xc3",
                                     "\xe2\x82",
                                     "\xf5",
                                     "\xc0\x80"};
  for (int i = 0; i < 2'000; ++i) {
    std::string text;
    for (auto count = random() % 6; count > 0; --count) {
      const std::size_t known = random() % 8 == 0 ? std::size(pieces) : 5;  // mostly good ones
      text += pieces[random() % known];
    }
    CHECK(find_bad_utf8(text) == bad_utf8_bytewise(text));
  }
}

TEST_CASE("JSON that others wrote becomes a tree that is no deeper than allowed") {
  const auto lists = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  const auto maps = [](std::size_t depth) {
    std::string text = "1";
    for (std::size_t i = 0; i < depth; ++i) text = R"({"a":)" + text + "}";
    return text;
  };
  nlohmann::ordered_json out = "before";
  for (const std::string& text :
       {lists(4), maps(4), lists(100'000), std::string(100'000, '['), maps(1'000)}) {
    const auto fault = parse_json(text, out, 3);
    REQUIRE(fault);
    CHECK(fault->too_deep);
    CHECK(out == "before");
  }
  for (const std::string& text : {lists(3), maps(3), std::string(" [ {\"b\": 2, \"a\": [1.50]} ]\n")}) {
    CHECK_FALSE(parse_json(text, out, 3));
    CHECK(out == nlohmann::ordered_json::parse(text));
    CHECK_FALSE(is_deeper(out, 3));
    CHECK(is_deeper(out, 2));
  }
  CHECK_FALSE(is_deeper(7, 0));
  CHECK(is_deeper(nlohmann::ordered_json::array(), 0));
}

TEST_CASE("what is not JSON says where, and leaves the value alone") {
  nlohmann::ordered_json out = "before";
  for (const auto& [text, offset] : std::initializer_list<std::pair<std::string, std::size_t>>{
           {"", 0}, {"[1,", 3}, {"[1]x", 3}, {"\xEF\xBB\xBF[1]x", 6}, {"\"\xff\"", 1}}) {
    INFO(text);
    const auto fault = parse_json(text, out, 3);
    REQUIRE(fault);
    CHECK(fault->offset == offset);
    CHECK_FALSE(fault->too_deep);
    CHECK(out == "before");
    CHECK_FALSE(parse_json(text));
  }
  CHECK(parse_json("\xEF\xBB\xBF[1]") == nlohmann::ordered_json{1});
}

// What conditions look at is what a tree would hold, whatever stands around it.
TEST_CASE("fields read from a text are those of its tree") {
  const std::vector<std::string> names{"a", "b.c", "", "\xC3\xA4"};
  nlohmann::ordered_json out;
  for (const std::string text :
       {R"({})", R"({"a":1})", R"({"x":{"a":2},"a":-5,"b":{"c":1},"b.c":[{"a":3}]})", R"({"a":1,"a":"two"})",
        R"({"":null,"a":"q\"\\","z":"{\"a\":7}"})",
        R"({"a":18446744073709551615,"b.c":-9223372036854775809})", R"({"a":1.0,"b.c":1e3})",
        R"({"a":-0,"b.c":true})", R"({"a":"","\u00e4":1})", "{ \"x\" : 2 , \"a\" : 1 }", R"([1,2])", R"("a")",
        R"(7)",
        "{\"\xC3\xA4\":\"\xE2\x82\xAC\",\"l\":\"0123456789abcdef0123456789\xC3\xA4\\\\\",\"a\":[]}"}) {
    INFO(text);
    const auto tree = json_tree(text);
    const bool plain = tree.is_object() && text.find("\\u00e4") == std::string::npos;
    REQUIRE(read_json_fields(text, names, out) == plain);
    if (!plain) continue;
    for (const std::string& name : names) {
      INFO(name);
      CHECK(out.contains(name) == tree.contains(name));
      if (tree.contains(name)) {
        CHECK(out[name] == tree[name]);
        CHECK(out[name].is_number_float() == tree[name].is_number_float());
      }
    }
    CHECK_FALSE(out.contains("x"));
  }
}
