// Outputs with a queue and a writer beside the loop.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <mutex>
#include <thread>

#include "daemon/output/queued_output.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/output/event_records.hpp"
#include "tests/daemon/support/stage.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

/// What the writer was given, and what it answers; used from its thread.
struct shelf {
  std::mutex lock;
  lines written;
  std::vector<std::size_t> batches;
  std::string failed;          ///< why nothing is taken
  std::size_t at_most = 1000;  ///< of a batch
  std::size_t refused = 0;     ///< of each batch
  unsigned tidied = 0;
};

class shelf_writer final : public event_writer {
 public:
  explicit shelf_writer(shelf& to, bool values) : to_(to), values_(values) {}
  progress write(const record_batch& records) override {
    const std::lock_guard hold{to_.lock};
    to_.batches.push_back(records.size());
    if (!to_.failed.empty()) return {0, to_.failed};
    const std::size_t count = std::min(records.size(), to_.at_most);
    for (std::size_t i = 0; i < count; ++i)
      to_.written.push_back(std::string(records[i].session) + " " + std::string(records[i].name) + " " +
                            std::string(records[i].text));
    return {.written = count,
            .failed = count < records.size() ? "half" : "",
            .refused = to_.refused,
            .refusal = "too large"};
  }
  void tidy() override {
    const std::lock_guard hold{to_.lock};
    ++to_.tidied;
  }
  [[nodiscard]] bool wants_values() const noexcept override { return values_; }

 private:
  shelf& to_;
  bool values_;
};

struct queued_output_scene {
  explicit queued_output_scene(config::overflow_policy overflow = config::overflow_policy::block,
                               bool values = false)
      : out(
            loop.get_executor(), time, log, [] { return 0.5; },
            {.name = "o", .queue = 1000, .overflow = overflow}, std::make_unique<shelf_writer>(at, values)) {
    tasks.spawn(0, out.run());
  }
  ~queued_output_scene() {
    tasks.cancel_all();
    asio::co_spawn(loop, tasks.join(), asio::detached);
    settle();
  }

  /// Until the loop and the writer's thread are at rest.
  void settle() {
    std::size_t done = 1;
    while (done != 0 || out.writes()) {
      if (done == 0) std::this_thread::yield();
      loop.restart();
      done = loop.poll();
    }
  }
  void pass(std::chrono::milliseconds span) {
    settle();
    for (int part = 0; part < 8; ++part) {  // what the thread has done takes effect in between
      time.run_for(span / 8);
      settle();
    }
  }
  void add(const std::string& text) { out.append(reply_event(), text); }

  asio::io_context loop{1};
  virtual_clock time{loop};
  recorded_telemetry log;
  shelf at;
  queued_output out;
  task_group<std::string> tasks{loop.get_executor()};
};

}  // namespace

TEST_CASE("what comes while the writer is at work leaves together, in order", "[queued_output]") {
  queued_output_scene s;
  s.add("1");
  s.add("2");
  s.settle();
  s.add("3");
  s.settle();
  CHECK(s.at.written == lines{"s tick 1", "s tick 2", "s tick 3"});
  CHECK(s.at.batches == std::vector<std::size_t>{2, 1});
  CHECK(s.out.waiting() == 0);
  CHECK(s.log.lines.empty());
}

// Nothing is lost: told once for each attempt, and when it works again.
TEST_CASE("what the writer does not take is tried again with growing pauses", "[queued_output]") {
  queued_output_scene s;
  s.at.failed = "no disk";
  s.add("1");
  s.pass(0ms);
  CHECK(s.out.held_up() == "no disk");
  s.pass(368ms);
  CHECK(s.at.batches.size() == 1);
  s.pass(8ms);
  CHECK(s.at.batches.size() == 2);
  s.pass(60s);
  CHECK(s.at.batches.size() < 12);
  CHECK(s.log.lines.at(0) == "output o failed: no disk; events wait, next attempt in 0.4 s");
  CHECK(s.log.lines.at(1) == "output o failed: no disk; events wait, next attempt in 0.8 s");
  CHECK(s.at.written.empty());
  s.at.failed.clear();
  s.add("2");
  s.pass(60s);
  CHECK(s.at.written == lines{"s tick 1", "s tick 2"});
  CHECK(s.log.lines.back() == "output o works again");
  CHECK(s.out.held_up().empty());
}

TEST_CASE("what the writer can never take is told when its number has doubled", "[queued_output]") {
  queued_output_scene s;
  s.at.refused = 1;
  for (int i = 0; i < 5; ++i) {
    s.add("x");
    s.settle();
  }
  CHECK(s.log.lines == lines{"output o: too large; 1 event(s) are lost, 1 so far",
                             "output o: too large; 1 event(s) are lost, 2 so far",
                             "output o: too large; 1 event(s) are lost, 4 so far"});
  CHECK(s.out.waiting() == 0);
}

TEST_CASE("a writer that takes a part gets the rest again, and only that", "[queued_output]") {
  queued_output_scene s;
  s.at.at_most = 2;
  for (const char* each : {"1", "2", "3", "4", "5"}) s.add(each);
  s.pass(10s);
  CHECK(s.at.written == lines{"s tick 1", "s tick 2", "s tick 3", "s tick 4", "s tick 5"});
  CHECK(s.at.batches == std::vector<std::size_t>{5, 3, 1});
}

TEST_CASE("a full queue that blocks has no room until something is written", "[queued_output]") {
  queued_output_scene s;
  s.at.failed = "no disk";
  CHECK(s.out.has_room());
  for (int i = 0; i < 2; ++i) s.add(std::string(450, 'x'));
  CHECK_FALSE(s.out.has_room());
  bool room = false;
  asio::co_spawn(s.loop, s.out.wait_room(), [&](const std::exception_ptr&) { room = true; });
  s.pass(1s);
  CHECK_FALSE(room);
  s.at.failed.clear();
  s.pass(30s);
  CHECK(room);
  CHECK(s.at.written.size() == 2);
}

// At the limit and one byte beyond.
TEST_CASE("a full queue drops as it is told, and says how much", "[queued_output]") {
  const std::size_t each = record_batch::size_of(reply_event(), "") + 100;
  const std::string text(100 - 1, 'x');
  REQUIRE(1000 / each == 5);
  SECTION("the newest") {
    queued_output_scene s{config::overflow_policy::drop_newest};
    s.at.failed = "no disk";
    for (int i = 0; i < 9; ++i) s.add(std::to_string(i) + text);
    CHECK(s.out.has_room());
    s.at.failed.clear();
    s.pass(60s);
    REQUIRE(s.at.written.size() == 5);
    CHECK(s.at.written.front().starts_with("s tick 0"));
    CHECK(s.at.written.back().starts_with("s tick 4"));
    CHECK(s.log.lines == lines{"output o is too slow: 1 event(s) were dropped so far",
                               "output o is too slow: 2 event(s) were dropped so far",
                               "output o is too slow: 4 event(s) were dropped so far"});
  }
  SECTION("the oldest") {
    queued_output_scene s{config::overflow_policy::drop_oldest};
    for (int i = 0; i < 9; ++i) s.add(std::to_string(i) + text);
    CHECK(s.out.has_room());
    s.pass(60s);
    REQUIRE(s.at.written.size() == 5);
    CHECK(s.at.written.front().starts_with("s tick 4"));
    CHECK(s.at.written.back().starts_with("s tick 8"));
  }
  SECTION("an event that is larger than the queue is taken if it is alone") {
    queued_output_scene s{config::overflow_policy::drop_newest};
    s.add(std::string(5000, 'x'));
    s.pass(1s);
    CHECK(s.at.written.size() == 1);
  }
}

TEST_CASE("a writer of values gets a reply's values, and the whole of other events", "[queued_output]") {
  queued_output_scene s{config::overflow_policy::block, true};
  session_event reply = reply_event();
  reply.data = "{1}";
  reply.line = "line";
  s.out.append(reply, "record");
  reply.what = session_event::kind::raw;
  s.out.append(reply, "record");
  s.settle();
  CHECK(s.at.written == lines{"s tick {1}", "s tick line"});
}

TEST_CASE("the end waits until all is written", "[queued_output]") {
  queued_output_scene s;
  s.at.failed = "no disk";
  s.add("1");
  bool flushed = false;
  asio::co_spawn(s.loop, s.out.wait_written(), [&](const std::exception_ptr&) { flushed = true; });
  s.pass(5s);
  CHECK_FALSE(flushed);
  s.at.failed.clear();
  s.pass(60s);
  CHECK(flushed);
}

TEST_CASE("a writer may tidy up now and then, busy or not", "[queued_output]") {
  queued_output_scene s;
  s.pass(queued_output::tidy_interval - 1s);
  CHECK(s.at.tidied == 0);
  s.pass(2s);
  CHECK(s.at.tidied == 1);
  for (int i = 0; i < 60; ++i) {
    s.add("x");
    s.time.run_for(1s);
  }
  s.settle();
  CHECK(s.at.tidied >= 1);
  const unsigned before = s.at.tidied;
  s.out.reopen();
  s.settle();
  CHECK(s.at.tidied == before + 1);
}
