#include <string>

#include "daemon/capture/trace_line.hpp"
#include "tests/catch.hpp"

namespace duplexd {

namespace {

capture_entry message(capture_way way, protocol::frame_kind kind, std::string bytes) {
  capture_entry made;
  made.way = way;
  made.kind = kind;
  made.size = bytes.size();
  made.bytes = std::move(bytes);
  return made;
}

}  // namespace

TEST_CASE("what a trace shows") {
  using protocol::frame_kind;
  CHECK(trace_line(message(capture_way::out, frame_kind::text, "{\"a\":\x1b 1}")) == "> text {\"a\":? 1}");
  CHECK(trace_line(message(capture_way::in, frame_kind::binary, "\x01\xff")) == "< binary 01ff");
  CHECK(trace_line(message(capture_way::in, frame_kind::text, "")) == "< text ");
  capture_entry secret = message(capture_way::out, frame_kind::binary, "abc");
  secret.bytes.reset();
  CHECK(trace_line(secret) == "> binary 3 bytes, omitted: they hold a secret");
  CHECK(trace_line({.event = capture_event::opened}) == "* opened");
  CHECK(trace_line({.event = capture_event::close, .way = capture_way::in, .reason = {1008, "a\nb"}}) ==
        "< close 1008 a\\x0ab");
  CHECK(trace_line({.event = capture_event::ended}) == "* ended");
  CHECK(trace_line({.event = capture_event::ended, .fault = "lost", .cause = "reset"}) ==
        "* ended: lost: reset");
}

// At the bound, and one byte beyond.
TEST_CASE("a trace cuts long messages") {
  using protocol::frame_kind;
  for (const std::size_t size : {longest_trace, longest_trace + 1})
    CHECK(trace_line(message(capture_way::in, frame_kind::text, std::string(size, 'x'))) ==
          "< text " + std::string(longest_trace, 'x') + (size > longest_trace ? "…" : ""));
  for (const std::size_t size : {longest_trace / 2, longest_trace / 2 + 1})
    CHECK(trace_line(message(capture_way::in, frame_kind::binary, std::string(size, 'a'))).size() ==
          std::string("< binary ").size() + longest_trace + (size > longest_trace / 2 ? 3 : 0));
}

}  // namespace duplexd
