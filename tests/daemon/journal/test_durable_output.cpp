// Outputs that get their events from the journal.
#include "tests/daemon/journal/journal_scene.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

TEST_CASE("an event is written after it was journaled, in order", "[durable_output]") {
  const journal_place at;
  shelf target;
  journal_scene s{at, target};
  s.start();
  for (int i = 1; i <= 5; ++i) s.add(std::to_string(i));
  CHECK(target.written.empty());
  CHECK(s.out.waiting() > 0);
  s.pass(1s);
  CHECK(target.written == lines{"1", "2", "3", "4", "5"});
  CHECK(s.out.waiting() == 0);
  CHECK(s.log.lines.empty());
}

// The process ends between the journal and the target: what was journaled is there, and what was not is not.
TEST_CASE("what was journaled is written by the next run, and only once if its end was clean",
          "[durable_output]") {
  const journal_place at;
  shelf target;
  {
    journal_scene s{at, target};
    s.start();
    target.failed = "no disk";
    s.add("1");
    s.add("2");
    s.pass(1s);
    CHECK(s.out.waiting() == 0);
    CHECK(s.log.lines.at(0) == "output o failed: no disk; events wait, next attempt in 0.4 s");
  }
  target.failed.clear();
  for (int run = 0; run < 2; ++run) {
    journal_scene s{at, target};
    s.start();
    s.pass(1s);
    CHECK(target.written == lines{"1", "2"});
  }
}

TEST_CASE("a target that takes a part gets the rest again, and only that", "[durable_output]") {
  const journal_place at;
  shelf target;
  target.at_most = 2;
  journal_scene s{at, target};
  s.start();
  for (int i = 1; i <= 5; ++i) s.add(std::to_string(i));
  s.pass(10s);
  CHECK(target.written == lines{"1", "2", "3", "4", "5"});
  CHECK(s.log.lines.back() == "output o works again");
}

// A commit whose answer was lost: the target knows, and is asked.
TEST_CASE("a target that keeps its place gets nothing twice, whatever it says", "[durable_output]") {
  const journal_place at;
  shelf target;
  target.keeps_place = true;
  target.failed = "the answer was lost";
  target.forgets_to_say = true;
  {
    journal_scene s{at, target};
    s.start();
    s.add("1");
    s.pass(10ms);
    s.add("2");
    s.pass(10s);
    CHECK(target.written == lines{"1", "2"});
  }
  target.failed.clear();
  target.forgets_to_say = false;
  journal_scene s{at, target};
  s.start();
  s.add("3");
  s.pass(10s);
  CHECK(target.written == lines{"1", "2", "3"});
}

// The target was put back from an older copy.
TEST_CASE("a target that keeps its place goes on from there, not from where the journal was",
          "[durable_output]") {
  journal_place at;
  at.how.settings.keep = 1h;
  shelf target;
  target.keeps_place = true;
  {
    journal_scene s{at, target};
    s.start();
    for (const char* each : {"1", "2", "3"}) s.add(each);
    s.pass(1s);
  }
  target.written = {"1"};
  target.place = 1;
  journal_scene s{at, target};
  s.start();
  s.pass(1s);
  CHECK(target.written == lines{"1", "2", "3"});
}

TEST_CASE("more than fits into one batch comes in several", "[durable_output]") {
  const journal_place at;
  shelf target;
  journal_scene s{at, target};
  s.start();
  for (int i = 0; i < 50; ++i) s.add(std::string(300'000, 'x') + std::to_string(i));
  s.pass(5s);
  REQUIRE(target.written.size() == 50);
  CHECK(target.calls >= 3);
  CHECK(target.written.back().ends_with("x49"));
}

// The next batch is read while one is written. If the target fails and tells its place, that batch is not
// what comes next.
TEST_CASE("after a failure of a target that keeps its place nothing is skipped and nothing comes twice",
          "[durable_output]") {
  const journal_place at;
  shelf target;
  target.keeps_place = true;
  target.at_most = 7;
  journal_scene s{at, target};
  s.start();
  for (int i = 0; i < 50; ++i) s.add(std::string(300'000, 'x') + std::to_string(i));
  s.pass(10min);
  REQUIRE(target.written.size() == 50);
  for (std::size_t i = 0; i < 50; ++i) CHECK(target.written[i].ends_with('x' + std::to_string(i)));
}

TEST_CASE("the end waits for the target as long as that works", "[durable_output]") {
  const journal_place at;
  shelf target;
  journal_scene s{at, target};
  s.start();
  s.settle();
  s.add("1");
  SECTION("it works") {
    s.ask_written();
    s.pass(1s);
    CHECK(s.is_written);
    CHECK(target.written == lines{"1"});
  }
  SECTION("it fails: the event is in the journal, and nothing is lost") {
    target.failed = "no disk";
    s.ask_written();
    s.pass(300ms);
    CHECK(s.is_written);
    CHECK(s.out.waiting() == 0);
    CHECK(s.out.held_up().empty());
  }
}

TEST_CASE("a writer may tidy up now and then, and at once if files were renamed", "[durable_output]") {
  const journal_place at;
  shelf target;
  journal_scene s{at, target};
  s.start();
  s.pass(1s);
  s.out.reopen();
  s.settle();
  s.add("1");
  s.pass(2min);
  CHECK(target.written == lines{"1"});
}
