// The tasks of one link: who may still ask for an ending, and what is forgotten. And variables.
#include "daemon/session/exchange/variables.hpp"
#include "daemon/session/script/task_registry.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/virtual_clock.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

struct task_registry_scene {
  asio::io_context loop{1};
  virtual_clock time{loop};
  task_group<flow_result> group{loop.get_executor()};
  task_registry tasks{loop.get_executor(), group};

  static asio::awaitable<flow_result> nothing() { co_return flow_result{}; }
  asio::awaitable<flow_result> sleep() {
    co_await time.sleep_for(1h);
    co_return flow_result{};
  }
  asio::awaitable<flow_result> wait(int& woken) {
    const bool some_task_ended = co_await tasks.wait();
    if (some_task_ended) ++woken;
    co_return flow_result{};
  }
  void turn() { time.run_for(0s); }
  ~task_registry_scene() {
    group.cancel_all();
    turn();
  }
};

flow_result failed(const char* why) {
  return {.failed = fault{.kind = config::fault_class::script, .cause = why}};
}

}  // namespace

// A link may live for months: tasks that nobody can ask for any more leave nothing behind.
TEST_CASE("ended tasks are forgotten unless somebody may ask for them") {
  task_registry_scene s;
  const int held = s.tasks.start({}, task_registry_scene::nothing());
  s.tasks.hold(held);
  s.tasks.start({}, task_registry_scene::nothing());
  s.tasks.start({"named"}, task_registry_scene::nothing());
  s.tasks.start({"named"}, task_registry_scene::nothing());
  s.turn();
  CHECK(s.tasks.size() == 4);
  for (int number = 1'000; number < 1'004; ++number) CHECK(s.tasks.ended(number, {}) == (number == held));
  CHECK(s.tasks.size() == 2);
  CHECK(s.tasks.find("named") == 1'003);
  CHECK_FALSE(s.tasks.knows(1'001));
  s.tasks.release(held);
  CHECK(s.tasks.size() == 1);
}

TEST_CASE("an ended task is forgotten when another takes its name") {
  task_registry_scene s;
  s.tasks.start({"named"}, task_registry_scene::nothing());
  s.tasks.ended(1'000, {});
  CHECK(s.tasks.knows(1'000));
  s.tasks.start({"named"}, task_registry_scene::nothing());
  CHECK_FALSE(s.tasks.knows(1'000));
  CHECK(s.tasks.find("named") == 1'001);
  CHECK_FALSE(s.tasks.at(1'001).has_ended);
  CHECK_FALSE(s.tasks.find("another"));
  s.turn();
}

TEST_CASE("the ending of a task is kept for all who wait for it") {
  task_registry_scene s;
  const int number = s.tasks.start({}, task_registry_scene::nothing());
  s.tasks.hold(number);
  s.tasks.hold(number);
  CHECK(s.tasks.ended(number, failed("oh")));
  s.tasks.release(number);
  REQUIRE(s.tasks.knows(number));
  CHECK(s.tasks.at(number).has_ended);
  CHECK(s.tasks.at(number).how.failed->cause == "oh");
  s.tasks.release(number);
  CHECK_FALSE(s.tasks.knows(number));
  s.turn();
}

TEST_CASE("a task whose fault is kept is looked after when it fails, not when it ends well") {
  task_registry_scene s;
  const int good = s.tasks.start({"good", {}, true}, task_registry_scene::nothing());
  const int bad = s.tasks.start({"bad", {}, true}, task_registry_scene::nothing());
  const int usual = s.tasks.start({"usual"}, task_registry_scene::nothing());
  s.turn();
  CHECK_FALSE(s.tasks.ended(good, {}));
  CHECK(s.tasks.ended(bad, failed("oh")));
  CHECK_FALSE(s.tasks.ended(usual, failed("oh")));
}

TEST_CASE("a task that nobody waits for any more and that goes on is not forgotten") {
  task_registry_scene s;
  const int number = s.tasks.start({}, s.sleep());
  s.tasks.hold(number);
  s.tasks.release(number);
  CHECK(s.tasks.knows(number));
  CHECK_FALSE(s.tasks.ended(number, {}));
}

TEST_CASE("one task is cancelled, not the others, and whoever waits is told of an ending") {
  task_registry_scene s;
  int woken = 0;
  const int first = s.tasks.start({}, s.sleep());
  s.tasks.start({}, s.sleep());
  s.group.spawn(1, s.wait(woken));
  s.turn();
  CHECK(s.group.running() == 3);
  s.tasks.cancel(first);
  s.turn();
  CHECK(s.group.running() == 2);
  CHECK(woken == 0);
  s.tasks.ended(first, {});
  s.turn();
  CHECK(woken == 1);
}

TEST_CASE("tasks are found by their name and by the steps that they were started in, while they run") {
  task_registry_scene s;
  const int first = s.tasks.start({"a", {1, 2}}, s.sleep());
  const int second = s.tasks.start({"a", {2}}, s.sleep());
  const int third = s.tasks.start({"b", {}}, s.sleep());
  CHECK(s.tasks.running("a") == std::vector{first, second});
  CHECK(s.tasks.running("b") == std::vector{third});
  CHECK(s.tasks.running("c").empty());
  CHECK(s.tasks.running(1) == std::vector{first});
  CHECK(s.tasks.running(2) == std::vector{first, second});
  CHECK(s.tasks.running(3).empty());
  s.tasks.ended(second, {});
  CHECK(s.tasks.running("a") == std::vector{first});
  CHECK(s.tasks.running(2) == std::vector{first});
}

TEST_CASE("variables keep their last value, and each counter counts by itself") {
  variables all;
  CHECK(all.find("a") == nullptr);
  REQUIRE(all.set("a", 1) == variables::outcome::done);
  REQUIRE(all.set("a", "two") == variables::outcome::done);
  REQUIRE(all.set("b", nullptr) == variables::outcome::done);
  REQUIRE(all.find("a") != nullptr);
  CHECK(*all.find("a") == "two");
  REQUIRE(all.find("b") != nullptr);
  CHECK(all.find("b")->is_null());
  CHECK(all.count("x") == 1);
  CHECK(all.count("x") == 2);
  CHECK(all.count("y") == 1);
}
