#include "protocol/text/suggest.hpp"

#include "tests/catch.hpp"

namespace duplexd::protocol {

// One slip for each three letters is forgiven; a swap is one slip.
TEST_CASE("the nearest name is suggested") {
  const std::vector<std::string> known{"timeout", "send", "sleep"};
  CHECK(suggest_or_list("timeuot", known) == "did you mean 'timeout'?");
  CHECK(suggest_or_list("tmeot", known) == "did you mean 'timeout'?");
  CHECK(suggest_or_list("sned", known) == "did you mean 'send'?");
  CHECK(suggest_or_list("sen", known) == "did you mean 'send'?");
  CHECK(suggest_or_list("xyz", known) == "known: timeout, send, sleep");
  CHECK(suggest_or_list("", known) == "known: timeout, send, sleep");
  CHECK(suggest_or_list("anything", {}).empty());
}

// Long lists and long names neither help nor cost time.
TEST_CASE("suggestions are bounded") {
  std::vector<std::string> many(10'000, "name");
  CHECK(suggest_or_list("other", many).empty());
  CHECK(suggest_or_list(std::string(100'000, 'x'), {"send"}) == "known: send");
}

// A third of the longer name's letters, and one at least, may be wrong.
TEST_CASE("how many slips are forgiven") {
  const auto is_near = [](const char* written, const char* name) {
    return suggest_or_list(written, {name}).find("did you mean") == 0;
  };
  CHECK(is_near("a", "b"));
  CHECK_FALSE(is_near("ab", "cd"));
  CHECK(is_near("abcde", "abcdx"));
  CHECK_FALSE(is_near("abcde", "abcxy"));
  CHECK(is_near("abcdef", "abcdxy"));
  CHECK_FALSE(is_near("abcdef", "abcxyz"));
  CHECK(is_near("abcdefghi", "abcdefxyz"));
  CHECK_FALSE(is_near("abcdefghi", "abcdewxyz"));
  CHECK(is_near("abcd", "abcdef"));
  CHECK(is_near("abcdef", "abcd"));
  CHECK_FALSE(is_near("abc", "abcde"));
  CHECK_FALSE(is_near("abc", "xyz"));
}

// Insertion, removal, change and swap of neighbours are one slip each; two are two.
TEST_CASE("what one slip is") {
  const auto near = [](const char* written) { return suggest_or_list(written, {"abcd"}) != "known: abcd"; };
  for (const char* one : {"abxcd", "xabcd", "abcdx", "acd", "bcd", "abc", "abxd", "xbcd", "abcx", "bacd",
                          "acbd", "abdc", "abcd"}) {
    INFO(one);
    CHECK(near(one));
  }
  for (const char* two : {"axxd", "badc", "cbad", "bcda", "ab", "xbcx", "xbdc"}) {
    INFO(two);
    CHECK_FALSE(near(two));
  }
}

TEST_CASE("a suggestion without a list") {
  CHECK(suggest("sned", {"send"}) == "did you mean 'send'?");
  CHECK(suggest("xyz", {"send"}).empty());
  CHECK(nearest("sned", {"send"}) == "send");
  CHECK(nearest("xyz", {"send"}).empty());
}

TEST_CASE("the nearest is suggested, and of equals the first") {
  CHECK(suggest_or_list("abcdef", {"abcdxy", "abcdex"}) == "did you mean 'abcdex'?");
  CHECK(suggest_or_list("abcdef", {"abcdex", "abcdxy"}) == "did you mean 'abcdex'?");
  CHECK(suggest_or_list("abcd", {"abcx", "abcy"}) == "did you mean 'abcx'?");
}

TEST_CASE("the bounds of suggestions") {
  const std::string long_name(64, 'x');
  CHECK(suggest_or_list(long_name, {long_name}) == "did you mean '" + long_name + "'?");
  CHECK(suggest_or_list(long_name + "x", {long_name}) == "known: " + long_name);
  CHECK(suggest_or_list(long_name, {long_name + "x"}) == "known: " + long_name + "x");
  std::vector<std::string> names;
  for (char c = 'a'; c <= 'l'; ++c) names.push_back(std::string(3, c));
  REQUIRE(names.size() == 12);
  CHECK(suggest_or_list("zzz", names) == "known: aaa, bbb, ccc, ddd, eee, fff, ggg, hhh, iii, jjj, kkk, lll");
  names.emplace_back("mmm");
  CHECK(suggest_or_list("zzz", names).empty());
  std::vector<std::string> many(2'000, "name");
  CHECK(suggest_or_list("nam", many) == "did you mean 'name'?");
  many.emplace_back("name");
  CHECK(suggest_or_list("nam", many).empty());
}

}  // namespace duplexd::protocol
