#include <sstream>

#include "daemon/capture/capture.hpp"
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
      {R"({"v":1,"x":)" + std::string(100, '[') + std::string(100, ']') + "}", "nested too deeply"},
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

// Read back, each part that may be left out has its usual value.
TEST_CASE("a capture line's optional parts") {
  const auto read = [](const std::string& rest) {
    std::string why;
    const auto entry = parse_capture_line(R"({"v":1,"time":"1970-01-01T00:00:01.5Z")" + rest + "}", why);
    INFO(rest << ": " << why);
    REQUIRE(entry);
    CHECK(entry->time == noon);
    return *entry;
  };
  const std::string in = R"(,"event":"message","direction":"in","frame":"text")";
  CHECK(read(R"(,"event":"opened")").session.empty());
  CHECK(read(R"(,"event":"opened","session":7)").session.empty());
  CHECK(read(R"(,"event":"opened","session":"desk")").session == "desk");
  CHECK(read(in + R"(,"text":"abc")").size == 3);
  CHECK(read(in + R"(,"text":"abc","size":9)").size == 9);
  CHECK(read(in + R"(,"text":"abc","size":-9)").size == 3);
  CHECK(read(in + R"(,"hex":"616263")").bytes == "abc");
  CHECK(read(in + R"(,"text":7,"hex":"61")").bytes == "a");
  CHECK_FALSE(read(in + R"(,"text":"abc")").redacted);
  CHECK_FALSE(read(in + R"(,"text":"abc","redacted":false)").redacted);
  CHECK(read(in + R"(,"text":"***","redacted":true)").redacted);
  const auto left_out = read(in + R"(,"redacted":true)");
  CHECK_FALSE(left_out.bytes);
  CHECK(left_out.size == 0);
  CHECK_FALSE(read(in + R"(,"hex":"0","redacted":true)").bytes);
  const auto close = read(R"(,"event":"close","direction":"out","code":65535,"reason":"bye")");
  CHECK(close.way == capture_way::out);
  CHECK(close.reason.code == 65535);
  CHECK(close.reason.text == "bye");
  CHECK(read(R"(,"event":"close","direction":"in","code":0)").reason.code == 0);
  const auto ended = read(R"(,"event":"ended","fault":"lost","cause":"reset")");
  CHECK(ended.fault == "lost");
  CHECK(ended.cause == "reset");
  CHECK(read(R"(,"event":"ended")").fault.empty());
}

TEST_CASE("bounds of a capture line") {
  const auto mistake_in = [](const std::string& line) {
    std::string why;
    CHECK_FALSE(parse_capture_line(line, why));
    return why;
  };
  const std::string head = R"({"v":1,"time":"1970-01-01T00:00:01Z","event":)";
  CHECK(mistake_in("[]") == "not a JSON object");
  CHECK(mistake_in(R"({"time":"1970-01-01T00:00:01Z","event":"opened"})").find("\"v\" must be 1") == 0);
  CHECK(mistake_in(R"({"v":0,"time":"1970-01-01T00:00:01Z","event":"opened"})").find("\"v\"") == 0);
  CHECK(mistake_in(R"({"v":1,"event":"opened"})").find("\"time\"") == 0);
  CHECK(mistake_in(head + R"("close","direction":"in","code":65536})").find("\"code\"") == 0);
  CHECK(mistake_in(head + R"("close","direction":"in","code":-1})").find("\"code\"") == 0);
  CHECK(mistake_in(head + R"("close","direction":"in"})").find("\"code\"") == 0);
  CHECK(mistake_in(head + R"("close","code":1000})").find("\"direction\"") == 0);
  CHECK(mistake_in(head + R"("message","direction":"in","frame":"ping","text":""})").find("\"frame\"") == 0);
  CHECK(mistake_in(head + R"("message","direction":"in","frame":"text","redacted":1})")
            .find("a message needs") == 0);
}

TEST_CASE("all lines of a capture are read in order, empty ones count for nothing") {
  std::istringstream file{
      "\n"
      R"({"v":1,"time":"1970-01-01T00:00:01Z","session":"a","event":"opened"})"
      "\n\n"
      R"({"v":1,"time":"1970-01-01T00:00:02Z","session":"b","event":"ended"})"};
  std::string why;
  const auto all = read_capture(file, why);
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->at(0).session == "a");
  CHECK(all->at(1).session == "b");
  std::istringstream none;
  CHECK(read_capture(none, why)->empty());
}

// Whatever the bytes are, the line is JSON.
TEST_CASE("what is not UTF-8 becomes U+FFFD in a capture's texts") {
  std::string line;
  append_capture_line(line, {.session = "a\xff", .event = capture_event::close, .reason = {1000, "b\xff"}});
  CHECK(line.find("\"session\":\"a\xef\xbf\xbd\"") != std::string::npos);
  CHECK(line.find("\"reason\":\"b\xef\xbf\xbd\"") != std::string::npos);
  line.clear();
  append_capture_line(line, {.event = capture_event::ended, .fault = "lost", .cause = "c\xff"});
  CHECK(line.find("\"cause\":\"c\xef\xbf\xbd\"") != std::string::npos);
}
