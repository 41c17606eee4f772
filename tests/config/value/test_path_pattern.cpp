// The paths of an output's files.
#include "config/value/path_pattern.hpp"
#include "tests/catch.hpp"

namespace duplexd::config::testing {

namespace {

constexpr const char* time = "2026-11-21T02:13:55.123456Z";

path_pattern pattern(const std::string& text) {
  std::string error;
  auto made = path_pattern::parse(text, error);
  INFO(error);
  REQUIRE(made.has_value());
  return *made;
}

std::string path(const std::string& text, const std::string& session = "s",
                 const std::string& reply = "tick") {
  return pattern(text).path_of(session, reply, time);
}

}  // namespace

TEST_CASE("placeholders of a path stand for names and for the time", "[path_pattern]") {
  CHECK(path("/a/b.jsonl") == "/a/b.jsonl");
  CHECK(path("/a/${session}/${reply}-%Y.%m.%d_%H:%M:%S") == "/a/s/tick-2026.11.21_02:13:55");
  CHECK(path("%F$%%%F$") == "2026-11-21$%2026-11-21$");
  CHECK(path("/a/${reply}", "s", "") == "/a/raw");
}

// A name that a configuration or a server's text chose does not lead elsewhere.
TEST_CASE("names cannot leave their directory", "[path_pattern]") {
  CHECK(path("/a/${session}/${reply}", "..", "../x/.y") == "/a/_./_._x_.y");
  CHECK(path("/a/${reply}", "s", std::string("a\0b", 3)) == "/a/a_b");
}

TEST_CASE("a path with an unknown placeholder is refused", "[path_pattern]") {
  const auto refused = [](const std::string& text) {
    std::string error;
    CHECK_FALSE(path_pattern::parse(text, error).has_value());
    return error;
  };
  CHECK(refused("a%y").starts_with("'%y'"));
  CHECK(refused("a%").starts_with("'%'"));
  CHECK(refused("${sess}").starts_with("'${sess}'"));
  CHECK(refused("${session").starts_with("'${session"));
}

// What the output did not write is not deleted by it.
TEST_CASE("a pattern knows its own files", "[path_pattern]") {
  const path_pattern of = pattern("/a/x-${session}-%F.jsonl");
  for (const char* own : {"/a/x-s-2026-11-21.jsonl", "/a/x-a.b_c-2026-11-21.jsonl",
                          "/a/x-s-2026-11-21.jsonl.gz", "/a/x-s-2026-11-21~20261121T021355.000001Z.jsonl",
                          "/a/x-s-2026-11-21~20261121T021355.000001Z.jsonl.zst"}) {
    INFO(own);
    CHECK(of.may_have_made(own));
  }
  for (const char* other :
       {"/a/x-s.jsonl", "/a/x-s-2026-11-21.jsonl.bak", "/b/x-s-2026-11-21.jsonl", "/a/x-s/t-2026-11-21.jsonl",
        "/a/x--2026-11-21.jsonl", "/a/x-s-2026-11-21~old.jsonl", "/a/x-s-2026-11-21.jsonl.gz.part", ""}) {
    INFO(other);
    CHECK_FALSE(of.may_have_made(other));
  }
  CHECK(of.directory() == "/a");
  CHECK(pattern("/a/b/c").directory() == "/a/b");
  CHECK(pattern("/a/%Y/c").directory() == "/a");
  CHECK(pattern("/c").directory() == "/");
}

TEST_CASE("an ended file has its time before the extension", "[path_pattern]") {
  CHECK(path_pattern::ended("/a.b/c.jsonl", "T") == "/a.b/c~T.jsonl");
  CHECK(path_pattern::ended("/a.b/c", "T") == "/a.b/c~T");
  CHECK(path_pattern::ended("/a.b/.c", "T") == "/a.b/.c~T");
  CHECK(
      pattern("/a.b/c.jsonl").may_have_made(path_pattern::ended("/a.b/c.jsonl", "20261121T021355.000001Z")));
}

}  // namespace duplexd::config::testing
