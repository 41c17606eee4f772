// The wish for a session's end.
#include "daemon/runtime/stop_flag.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/virtual_clock.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

struct stop_flag_scene {
  asio::io_context loop{1};
  virtual_clock time{loop};
  stop_flag stop{loop.get_executor()};
  task_group<int> tasks{loop.get_executor()};
  std::vector<bool> results;

  asio::awaitable<int> wait() {
    const bool raised = co_await stop.wait();
    results.push_back(raised);
    co_return 0;
  }
  void start_wait() {
    tasks.spawn(0, wait());
    time.run_for(0s);
  }
};

}  // namespace

TEST_CASE("all who wait for a stop are woken by it, and nobody waits after it") {
  stop_flag_scene s;
  s.start_wait();
  s.start_wait();
  CHECK(s.results.empty());
  s.stop.raise();
  s.time.run_for(0s);
  CHECK(s.results == std::vector{true, true});
  s.start_wait();
  CHECK(s.results == std::vector{true, true, true});
}

TEST_CASE("who is cancelled while it waits for a stop is told that there was none") {
  stop_flag_scene s;
  s.start_wait();
  s.tasks.cancel_all();
  s.time.run_for(0s);
  CHECK(s.results == std::vector{false});
}

TEST_CASE("the listener is called at each stop, and the last one that was named") {
  stop_flag_scene s;
  int first = 0;
  int second = 0;
  s.stop.on_raise([&] { ++first; });
  CHECK(first == 0);
  s.stop.raise();
  CHECK(first == 1);
  s.stop.on_raise([&] { ++second; });
  s.stop.raise();
  CHECK(first == 1);
  CHECK(second == 1);
  s.stop.on_raise({});
  s.stop.raise();
  CHECK(second == 1);
  CHECK(s.stop.raised());
}
