#include "config/load/load.hpp"
#include "daemon/event/event_line.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

namespace {

const char* const yaml = R"(version: 1
sessions:
  s:
    url: ws://server/
    protocol:
      byte_order: big
      opcode: {at: 0, type: B}
      replies:
        - {as: one, when: {opcode: 1}, layout: 'x n:B'}
        - {as: two, when: {opcode: 2}, layout: 'x body:json'}
        - {as: news, frame: text}
)";

std::shared_ptr<const protocol::protocol> replies() {
  static const auto made = [] {
    protocol::diagnostics mistakes;
    const auto loaded = config::load_text(yaml, config::document_format::yaml, "f", {}, mistakes);
    return loaded ? loaded->sessions.front().protocol : nullptr;
  }();
  REQUIRE(made);
  return made;
}

/// What the daemon does with one message: its line, and what was wrong with it.
class reader {
 public:
  reader() : packets_(replies(), protocol::direction::reply) {}
  std::string line(std::string_view time, protocol::frame_kind kind, std::string_view bytes) {
    const protocol::packet packet = find(kind, bytes);
    const protocol::codec_error* error = nullptr;
    std::string made(line_.compose(time, packet, &error));
    const std::string wrong = error == nullptr ? "" : error->text();
    const auto* unseen = line_.check(packet);
    CHECK((unseen == nullptr ? "" : unseen->text()) == wrong);
    return made;
  }
  event_line line_{"s"};

 private:
  protocol::packet find(protocol::frame_kind kind, std::string_view bytes) {
    packets_.begin({kind, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}});
    protocol::packet found;
    REQUIRE(packets_.next(found));
    return found;
  }
  protocol::packet_reader packets_;
};

}  // namespace

// What stands before the data is kept from line to line: every change of reply or time must show.
TEST_CASE("event lines are the same whatever came before them") {
  using protocol::frame_kind;
  struct each {
    frame_kind kind;
    std::string bytes;
  };
  const std::vector<each> messages = {
      {frame_kind::binary, {1, 7}},        {frame_kind::binary, "\x02 { \"a\" : [1, 2] }"},
      {frame_kind::text, "[\"x\", 1.50]"}, {frame_kind::text, "[1,"},
      {frame_kind::binary, "\x02{"},       {frame_kind::binary, {1, 7, 7}},
      {frame_kind::binary, {1}},           {frame_kind::binary, {9, 9}},
  };
  const std::string_view times[] = {"2026-11-21T02:11:55.123456Z", "2026-11-21T02:11:55.123457Z", "2026"};
  reader used;
  for (const auto first_time : times)
    for (const each& first : messages)
      for (const auto time : times)
        for (const each& second : messages) {
          used.line(first_time, first.kind, first.bytes);
          reader fresh;
          const std::string line = fresh.line(time, second.kind, second.bytes);
          CHECK(used.line(time, second.kind, second.bytes) == line);
          CHECK(used.line(time, second.kind, second.bytes) == line);
        }
  CHECK(used.line(times[0], frame_kind::binary, "\x02 { \"a\" : [1, 2] }") ==
        R"({"v":1,"time":"2026-11-21T02:11:55.123456Z","session":"s","event":"reply","reply":"two",)"
        R"("data":{"body":{"a":[1,2]}}})"
        "\n");
  used.line_.note(times[0], "gap", {{"n", 1}});
  CHECK(used.line(times[0], frame_kind::binary, "\x01\x07").find(R"("reply":"one","data":{"n":7}})") !=
        std::string::npos);
}

TEST_CASE("a message that no layout fits is shown as it is, and why") {
  using protocol::frame_kind;
  struct each {
    frame_kind kind;
    std::string bytes;
    std::string shown;
  };
  const std::vector<each> messages = {
      {frame_kind::binary, std::string("\x00\x0f\xa9\xff", 4),
       R"("frame":"binary","bytes":"000fa9ff","size":4,"error":{"field":"","offset":)"},
      {frame_kind::text, "[1,\"",
       R"("reply":"news","frame":"text","text":"[1,\"","size":4,"error":{"field":)"},
      {frame_kind::binary, "\x01\x07\x07",
       R"("reply":"one","frame":"binary","bytes":"010707","size":3,"error":{"field":)"},
  };
  for (const each& message : messages) {
    const std::string line = reader{}.line("T", message.kind, message.bytes);
    CHECK(line.starts_with(R"({"v":1,"time":"T","session":"s","event":"raw",)" + message.shown));
    CHECK(line.ends_with("}}\n"));
    const auto error = nlohmann::json::parse(line)["error"];
    CHECK(error.size() == 3);
    CHECK_FALSE(error["message"].get<std::string>().empty());
  }
}

TEST_CASE("names and notes are JSON texts") {
  const std::string replaced = "\xef\xbf\xbd";
  event_line line{"a \"b\" \xff"};
  const std::string start = R"({"v":1,"time":"T","session":"a \"b\" )" + replaced + R"(","event":)";
  CHECK(line.note("T", "what", nullptr) == start + "\"what\"}\n");
  CHECK(line.note("T", "gap\n", {{"a\t", 1}, {"b", {{"c", "\xff"}}}}) ==
        start + R"("gap\n","a\t":1,"b":{"c":")" + replaced + "\"}}\n");
}
