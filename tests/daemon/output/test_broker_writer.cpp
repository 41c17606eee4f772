// Events on their way to a broker, over a connection that the test plays.
#include <deque>

#include "daemon/module/mqtt/mqtt_link.hpp"
#include "daemon/output/broker_message.hpp"
#include "daemon/output/broker_writer.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

/// What the broker was sent, and what it says to that.
struct broker {
  lines sent;
  unsigned opened = 0;
  unsigned closed = 0;
  bool is_open = false;
  std::string no_connection{};
  std::deque<broker_link::answers> says{};
};

class scripted_link final : public broker_link {
 public:
  explicit scripted_link(broker& with) : with_(with) {}
  [[nodiscard]] bool is_open() override { return with_.is_open; }
  [[nodiscard]] std::string open() override {
    ++with_.opened;
    with_.is_open = with_.no_connection.empty();
    return with_.no_connection;
  }
  void close() noexcept override {
    ++with_.closed;
    with_.is_open = false;
  }
  [[nodiscard]] sent publish(const message& what) override {
    with_.sent.push_back(std::string(what.payload) + (what.id.empty() ? "" : " " + what.id));
    sent made{.key = with_.sent.size()};
    if (what.payload == "large") made.refusal = "too large";
    if (what.payload == "cut") made.failed = "it is gone";
    return made;
  }
  [[nodiscard]] answers wait(deadline /*until*/) override {
    REQUIRE_FALSE(with_.says.empty());
    answers next = std::move(with_.says.front());
    with_.says.pop_front();
    return next;
  }

 private:
  broker& with_;
};

class keeping_host final : public module_host {
 public:
  [[nodiscard]] std::optional<std::string> resolve(const config::text_template& text,
                                                   std::string& /*error*/) override {
    return text.display();
  }
  [[nodiscard]] bool keeps_refused() const noexcept override { return true; }
  [[nodiscard]] std::string keep_refused(const record_batch::record& refused,
                                         const std::string& why) override {
    kept.push_back(std::string(refused.text) + ": " + why);
    return failed;
  }
  lines kept;
  std::string failed;
};

struct broker_writer_scene {
  event_writer::progress write(const lines& texts) { return writer.write(batch_of(texts)); }
  broker with;
  keeping_host host;
  broker_writer writer{std::make_unique<scripted_link>(with), {"X", 1s}, host};
};

}  // namespace

TEST_CASE("an event is written when the broker has answered, in the events' order", "[broker]") {
  broker_writer_scene s;
  s.with.says = {{.come = {{2, ""}, {3, ""}}}, {.come = {{1, ""}}}};
  const auto made = s.write({"a", "b", "c"});
  CHECK(made.written == 3);
  CHECK(made.failed.empty());
  CHECK(s.with.sent == lines{"a", "b", "c"});
  s.with.says = {{.come = {{4, ""}}}};
  CHECK(s.write({"d"}).written == 1);
  CHECK(s.with.opened == 1);
}

TEST_CASE("what came before the end of a connection counts, and the rest is given again", "[broker]") {
  broker_writer_scene s;
  s.with.says = {{.come = {{1, ""}}, .failed = "it is gone"}};
  const auto made = s.write({"a", "b"});
  CHECK(made.written == 1);
  CHECK(made.failed == "X: it is gone");
  CHECK_FALSE(s.with.is_open);
  s.with.no_connection = "refused";
  CHECK(s.write({"b"}).failed == "X: refused");
  s.with.no_connection.clear();
  CHECK(s.write({"cut"}).failed == "X: it is gone");
}

TEST_CASE("what is refused, at once or by the broker, goes to the host", "[broker]") {
  broker_writer_scene s;
  s.with.says = {{.come = {{1, ""}}}, {.come = {{3, "no"}}}};
  const auto made = s.write({"a", "large", "c"});
  CHECK(made.written == 3);
  CHECK(made.refused == 2);
  CHECK(made.refusal == "no");
  CHECK(made.is_kept);
  CHECK(s.host.kept == lines{"large: too large", "c: no"});
  s.host.failed = "the disk is full";
  const auto failed = s.write({"large"});
  CHECK(failed.written == 0);
  CHECK(failed.failed == "X: the disk is full");
}

TEST_CASE("no more is on its way than the window allows", "[broker]") {
  broker_writer_scene s;
  lines texts;
  for (std::size_t i = 0; i < send_window::most_messages + 1; ++i) texts.push_back("x");
  broker_link::answers first;
  for (std::size_t i = 1; i <= send_window::most_messages; ++i) first.come.push_back({i, ""});
  first.failed = "it is gone";
  s.with.says = {std::move(first)};
  CHECK(s.write(texts).written == send_window::most_messages);
  CHECK(s.with.sent.size() == send_window::most_messages);
}

TEST_CASE("what means something to the broker is not taken from names", "[broker]") {
  std::string error;
  const auto pattern = config::path_pattern::parse("a/${session}/${reply}", error);
  REQUIRE(pattern);
  using namespace std::string_view_literals;
  CHECK(topic_of(*pattern, "s/+"sv, "r#\0x"sv, some_time, mqtt_special) == "a/s__/r__x");
}
