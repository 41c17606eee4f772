// Which topics and subjects a filter stands for.
#include "config/value/topic_filter.hpp"
#include "tests/catch.hpp"

namespace duplexd::config::testing {

TEST_CASE("names are between separators, and may be empty", "[filter]") {
  using names = std::vector<std::string_view>;
  CHECK(levels_of("a.bc.d", '.') == names{"a", "bc", "d"});
  CHECK(levels_of("", '.') == names{""});
  CHECK(levels_of(".a.", '.') == names{"", "a", ""});
  CHECK(levels_of("a.b", '/') == names{"a.b"});
}

TEST_CASE("a wildcard stands for one name, another for all that are left", "[filter]") {
  CHECK(is_heard("a.b", "a.b", nats_subjects));
  CHECK(is_heard("a.b", "a.*", nats_subjects));
  CHECK(is_heard("a.b", "*.b", nats_subjects));
  CHECK(is_heard("a.b.c", "a.>", nats_subjects));
  CHECK(is_heard("a.b.c", ">", nats_subjects));
  CHECK(is_heard("a/b", "+/b", mqtt_topics));
  CHECK(is_heard("a/b/c", "a/#", mqtt_topics));
  for (const char* filter : {"a", "a.b.c", "a.*.c", "b.*", "a.*.*", "a.+", "#", "a.bb"})
    CHECK_FALSE(is_heard("a.b", filter, nats_subjects));
}

}  // namespace duplexd::config::testing
