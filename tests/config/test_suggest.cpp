#include "config/suggest.hpp"
#include "tests/catch.hpp"

namespace duplexd::config {

// One slip for each three letters is forgiven; a swap is one slip.
TEST_CASE("the nearest name is suggested", "[suggest]") {
  const std::vector<std::string> known{"timeout", "send", "sleep"};
  CHECK(suggest("timeuot", known) == "did you mean 'timeout'?");
  CHECK(suggest("tmeot", known) == "did you mean 'timeout'?");
  CHECK(suggest("sned", known) == "did you mean 'send'?");
  CHECK(suggest("sen", known) == "did you mean 'send'?");
  CHECK(suggest("xyz", known) == "known: timeout, send, sleep");
  CHECK(suggest("", known) == "known: timeout, send, sleep");
  CHECK(suggest("anything", {}).empty());
}

// Long lists and long names neither help nor cost time.
TEST_CASE("suggestions are bounded", "[suggest]") {
  std::vector<std::string> many(10'000, "name");
  CHECK(suggest("other", many).empty());
  CHECK(suggest(std::string(100'000, 'x'), {"send"}) == "known: send");
}

}  // namespace duplexd::config
