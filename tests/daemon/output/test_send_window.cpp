// What may be on its way to a broker, and what an answer means.
#include "daemon/output/broker_message.hpp"
#include "daemon/output/send_window.hpp"
#include "tests/catch.hpp"

using namespace duplexd;

TEST_CASE("a window is bounded in bytes, and one message alone is always sent", "[broker]") {
  send_window window;
  CHECK(window.has_room(send_window::most_bytes + 1));
  window.add(1, send_window::most_bytes - 1);
  CHECK(window.has_room(1));
  CHECK_FALSE(window.has_room(2));
  window.answer(1);
  CHECK_FALSE(window.has_room(2));
  CHECK(window.take() == "");
  CHECK(window.bytes() == 0);
  CHECK(window.has_room(send_window::most_bytes + 1));
}

TEST_CASE("a window is bounded in messages", "[broker]") {
  send_window window;
  for (std::uint64_t key = 1; key < send_window::most_messages; ++key) window.add(key, 0);
  CHECK(window.has_room(0));
  window.add(0, 0);
  CHECK_FALSE(window.has_room(0));
}

TEST_CASE("messages leave a window in order, each with its answer", "[broker]") {
  send_window window;
  for (const std::uint64_t key : {7, 8, 9}) window.add(key, 10);
  window.answer(9);
  window.answer(8, "too large");
  window.answer(8);  // said once more
  window.answer(5);  // of none that is on its way
  CHECK(window.take() == std::nullopt);
  window.answer(7);
  CHECK(window.take() == "");
  CHECK(window.take() == "too large");
  CHECK(window.take() == "");
  CHECK(window.take() == std::nullopt);
  CHECK(window.size() == 0);
}

// Packet identifiers are used again.
TEST_CASE("a key may be used again while its answered message waits", "[broker]") {
  send_window window;
  for (const std::uint64_t key : {1, 2}) window.add(key, 1);
  window.answer(2, "first");
  window.add(2, 1);
  window.answer(2, "second");
  window.answer(1);
  CHECK(window.take() == "");
  CHECK(window.take() == "first");
  CHECK(window.take() == "second");
}

TEST_CASE("the topic of an event", "[broker]") {
  std::string error;
  const auto pattern = config::path_pattern::parse("feeds/${session}/${reply}/%Y", error);
  REQUIRE(pattern);
  const auto topic = [&](std::string_view name, std::string_view special) {
    return topic_of(*pattern, "a/b+#", name, "2026-11-21T02:11:55.123456Z", special);
  };
  CHECK(topic("c.d", "/+#") == "feeds/a_b__/c.d/2026");
  CHECK(topic("c.d", ".*> ") == "feeds/a_b+#/c_d/2026");
  CHECK(topic("", "/+#") == "feeds/a_b__/raw/2026");
  const std::string_view with_nul("/\0", 2);
  CHECK(topic(with_nul, with_nul) == "feeds/a_b+#/__/2026");
}

TEST_CASE("a message has the record, without the newline behind a map", "[broker]") {
  record_batch::record event;
  const auto payload = [&event](std::string_view text) {
    event.text = text;
    return payload_of(event);
  };
  CHECK(payload("{\"n\":1}\n") == "{\"n\":1}");
  CHECK(payload("{\"n\":1}") == "{\"n\":1}");
  CHECK(payload("a,b\r\n") == "a,b\r\n");
  CHECK(payload("{\n") == "{\n");
  CHECK(payload("\n") == "\n");
  CHECK(payload("") == "");
}
