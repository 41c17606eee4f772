#include <sstream>

#include "daemon/link/capture.hpp"
#include "daemon/link/secret_register.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using protocol::frame_kind;

namespace {

const auto noon = std::chrono::system_clock::time_point{} + std::chrono::microseconds{1'500'000};

capture_entry reread(const capture_entry& entry, const std::string& line) {
  std::string text;
  append_capture_line(text, entry);
  CHECK(text == line + "\n");
  std::string why;
  const auto read = parse_capture_line(line, why);
  INFO(why);
  REQUIRE(read);
  CHECK(read->time == entry.time);
  CHECK(read->session == entry.session);
  CHECK(read->event == entry.event);
  return *read;
}

}  // namespace

TEST_CASE("each kind of capture line is read back as it was written") {
  reread({.time = noon, .session = "a", .event = capture_event::opened},
         R"({"v":1,"time":"1970-01-01T00:00:01.500000Z","session":"a","event":"opened"})");
  const auto text = reread(
      {.time = noon, .session = "a", .kind = frame_kind::text, .bytes = "é\n", .size = 3},
      R"({"v":1,"time":"1970-01-01T00:00:01.500000Z","session":"a","event":"message","direction":"in",)"
      R"("frame":"text","text":"é\n","size":3})");
  CHECK(text.bytes == "é\n");
  CHECK(text.kind == frame_kind::text);
  const auto binary = reread(
      {.time = noon, .session = "a", .way = capture_way::out, .bytes = std::string("\0\xff", 2), .size = 2},
      R"({"v":1,"time":"1970-01-01T00:00:01.500000Z","session":"a","event":"message","direction":"out",)"
      R"("frame":"binary","hex":"00ff","size":2})");
  CHECK(binary.bytes == std::string("\0\xff", 2));
  CHECK(binary.way == capture_way::out);
  const auto left_out = reread(
      {.time = noon, .session = "a", .way = capture_way::out, .size = 9, .redacted = true},
      R"({"v":1,"time":"1970-01-01T00:00:01.500000Z","session":"a","event":"message","direction":"out",)"
      R"("frame":"binary","size":9,"redacted":true})");
  CHECK_FALSE(left_out.bytes);
  CHECK(left_out.redacted);
  const auto close =
      reread({.time = noon, .session = "a", .event = capture_event::close, .reason = {1001, "bye"}},
             R"({"v":1,"time":"1970-01-01T00:00:01.500000Z","session":"a","event":"close","direction":"in",)"
             R"("code":1001,"reason":"bye"})");
  CHECK(close.reason.code == 1001);
  const auto ended =
      reread({.time = noon, .session = "a", .event = capture_event::ended, .fault = "lost", .cause = "reset"},
             R"({"v":1,"time":"1970-01-01T00:00:01.500000Z","session":"a","event":"ended","fault":"lost",)"
             R"("cause":"reset"})");
  CHECK(ended.fault == "lost");
}

TEST_CASE("a text message that is not UTF-8 is recorded as hex") {
  std::string line;
  append_capture_line(line, {.kind = frame_kind::text, .bytes = "\xff", .size = 1});
  CHECK(line.find(R"("frame":"text","hex":"ff")") != std::string::npos);
  std::string why;
  const auto read = parse_capture_line(line, why);
  REQUIRE(read);
  CHECK(read->kind == frame_kind::text);
  CHECK(read->bytes == "\xff");
}

TEST_CASE("a line that is none of a capture says what is wrong with it") {
  const auto [line, expected] = GENERATE(table<std::string, std::string>({
      {"{", "not a JSON object"},
      {R"({"v":2,"time":"1970-01-01T00:00:01Z","event":"opened"})", "\"v\" must be 1"},
      {R"({"v":1,"time":"1970-01-01T00:00:01Z","event":"reply"})", "\"event\" must be"},
      {R"({"v":1,"time":"noon","event":"opened"})", "\"time\" must be"},
      {R"({"v":1,"time":"1970-01-01T00:00:01Z","event":"message","frame":"text","text":""})",
       "\"direction\" must be"},
      {R"({"v":1,"time":"1970-01-01T00:00:01Z","event":"message","direction":"in","text":""})",
       "\"frame\" must be"},
      {R"({"v":1,"time":"1970-01-01T00:00:01Z","event":"message","direction":"in","frame":"binary","hex":"0"})",
       "hex digits"},
      {R"({"v":1,"time":"1970-01-01T00:00:01Z","event":"close","direction":"in","code":70000})",
       "\"code\" must be"},
  }));
  std::string why;
  CHECK_FALSE(parse_capture_line(line, why));
  INFO(why);
  CHECK(why.find(expected) != std::string::npos);
  std::istringstream file{"\n" + line + "\n"};
  CHECK_FALSE(read_capture(file, why));
  CHECK(why.find("line 2: ") == 0);
}

// A server may say our own token back to us in any of these.
TEST_CASE("a secret is found in every spelling") {
  secret_register secrets;
  secrets.take("tök\"en/+1");
  const std::string spelling =
      GENERATE(as<std::string>{}, "tök\"en/+1", "tök\\\"en/+1", "t\\u00f6k\\\"en/+1", "t%C3%B6k%22en%2F%2B1",
               "74c3b66b22656e2f2b31", "74C3B66B22656E2F2B31", "dMO2ayJlbi8rMQ==");
  std::string text = "<" + spelling + ">";
  CHECK(secrets.in(text));
  CHECK(secrets.mask(text));
  CHECK(text == "<***>");
}

TEST_CASE("a secret that is part of another leaves nothing of it") {
  secret_register secrets;
  secrets.take("abc");
  secrets.take("abcdef");
  std::string text = "abcdef abc";
  CHECK(secrets.mask(text));
  CHECK(text == "*** ***");
}

TEST_CASE("a value too short to be found by chance is masked only where it was used") {
  secret_register secrets;
  secrets.take("7");
  secrets.take("");
  std::string text = "1970";
  CHECK_FALSE(secrets.in(text));
  CHECK_FALSE(secrets.mask(text));
  CHECK(secrets.mask(text, secret_register::scope::all));
  CHECK(text == "19***0");
}

TEST_CASE("old secrets give way to new ones, so that memory is bounded") {
  secret_register secrets;
  for (std::size_t i = 0; i <= secret_register::capacity; ++i)
    secrets.take("secret" + std::to_string(1000 + i));
  CHECK_FALSE(secrets.in("secret1000"));
  CHECK(secrets.in("secret1001"));
}
