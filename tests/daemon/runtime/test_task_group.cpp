#include <boost/asio/co_spawn.hpp>
#include <stdexcept>

#include "daemon/runtime/cancelled.hpp"
#include "daemon/runtime/task_group.hpp"
#include "daemon/runtime/within.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/virtual_clock.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

struct fixture {
  asio::io_context loop{1};
  virtual_clock time{loop};

  asio::awaitable<int> sleep(clock::duration how_long, int result) {
    const bool whole = co_await time.sleep_for(how_long);
    co_return whole ? result : -result;
  }
  asio::awaitable<int> stubborn(notifier& may_end) {  // comes to its end in its own time
    co_await may_end.wait_regardless();
    co_return 7;
  }
  asio::awaitable<int> broken() {
    co_await time.sleep_for(1s);
    throw std::logic_error("a bug");
  }
  void run(asio::awaitable<void> main, clock::duration how_long = 1h) {
    std::exception_ptr error;
    bool ended = false;
    asio::co_spawn(loop, std::move(main), [&](const std::exception_ptr& e) {
      error = e;
      ended = true;
    });
    time.run_for(how_long);
    REQUIRE(ended);
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace

TEST_CASE("endings come in the order in which children end") {
  fixture f;
  std::vector<int> order;
  auto main = [](fixture& self, std::vector<int>& seen) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.sleep(3s, 30));
    tasks.spawn(2, self.sleep(1s, 10));
    tasks.spawn(3, self.sleep(2s, 20));
    for (int i = 0; i < 3; ++i) {
      auto ended = co_await tasks.next();
      seen.push_back(ended.how);
    }
    co_await tasks.join();
  };
  f.run(main(f, order));
  CHECK(order == std::vector<int>{10, 20, 30});
}

TEST_CASE("join cancels and awaits every child") {
  fixture f;
  auto main = [](fixture& self) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.sleep(24h, 1));
    tasks.spawn(2, self.sleep(1s, 2));
    auto first = co_await tasks.next();
    CHECK(first.how == 2);
    co_await tasks.join();
    CHECK(tasks.running() == 0);
    auto second = co_await tasks.next();
    CHECK(second.how == -1);
  };
  f.run(main(f));
  CHECK(f.time.now().time_since_epoch() == 1h);
}

TEST_CASE("a child that is cancelled before it ran sees it at its first wait") {
  fixture f;
  auto main = [](fixture& self) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.sleep(24h, 1));
    tasks.cancel_all();
    co_await tasks.join();
  };
  f.run(main(f), 1s);
}

TEST_CASE("an exception in a child is thrown at its owner after the others have ended") {
  fixture f;
  auto main = [](fixture& self) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.sleep(24h, 1));
    tasks.spawn(2, self.broken());
    co_await tasks.next();
  };
  CHECK_THROWS_AS(f.run(main(f)), std::logic_error);
}

TEST_CASE("a cancelled owner cancels its children and gets their endings") {
  fixture f;
  std::vector<int> seen;
  auto inner = [](fixture& self, std::vector<int>& endings) -> asio::awaitable<int> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.sleep(24h, 1));
    tasks.spawn(2, self.sleep(24h, 2));
    auto first = co_await tasks.next();
    auto second = co_await tasks.next();
    endings = {first.how, second.how};
    co_await tasks.join();
    co_return 0;
  };
  auto main = [](fixture& self, auto& child, std::vector<int>& endings) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, child(self, endings));
    co_await self.time.sleep_for(1s);
    co_await tasks.join();
  };
  f.run(main(f, inner, seen));
  CHECK(seen == std::vector<int>{-1, -2});
}

TEST_CASE("an ending that needs no child is taken like one") {
  fixture f;
  auto main = [](fixture& self) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.sleep(1s, 10));
    tasks.put(2, 20);
    const auto first = co_await tasks.next();
    const auto second = co_await tasks.next();
    CHECK((first.id == 2 && first.how == 20));
    CHECK((second.id == 1 && second.how == 10));
    co_await tasks.join();
  };
  f.run(main(f));
}

TEST_CASE("an owner without children waits until it is cancelled") {
  fixture f;
  auto alone = [](fixture& self) -> asio::awaitable<int> {
    task_group<int> tasks{self.loop.get_executor()};
    const auto nobodys = co_await tasks.next();
    co_return nobodys.id;
  };
  auto main = [](fixture& self, auto& child) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, child(self));
    co_await self.time.sleep_for(1h);
    tasks.cancel_all();
    const auto ended = co_await tasks.next();
    CHECK(ended.how == task_group<int>::nobody);
    co_await tasks.join();
  };
  f.run(main(f, alone), 2h);
}

TEST_CASE("within gives the result, or nothing once the deadline has passed") {
  fixture f;
  auto main = [](fixture& self) -> asio::awaitable<void> {
    auto quick = self.sleep(1s, 5);
    const auto in_time =
        co_await within(self.loop.get_executor(), self.time, self.time.now() + 2s, std::move(quick));
    CHECK(in_time == 5);
    auto slow = self.sleep(3s, 5);
    const auto late =
        co_await within(self.loop.get_executor(), self.time, self.time.now() + 2s, std::move(slow));
    CHECK_FALSE(late);
  };
  f.run(main(f));
}

TEST_CASE("one child is cancelled by its name, the others go on") {
  fixture f;
  auto main = [](fixture& self) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.sleep(1h, 10));
    tasks.spawn(2, self.sleep(1h, 20));
    tasks.spawn(2, self.sleep(1h, 30));
    CHECK(tasks.running() == 3);
    co_await self.time.sleep_for(1s);
    tasks.cancel(2);
    tasks.cancel(3);
    const auto first = co_await tasks.next();
    const auto second = co_await tasks.next();
    CHECK(first.id == 2);
    CHECK(first.how == -20);
    CHECK(second.how == -30);
    CHECK(self.time.now() == clock::time_point{} + 1s);
    const auto third = co_await tasks.next();
    CHECK(third.id == 1);
    CHECK(third.how == 10);
    CHECK(self.time.now() == clock::time_point{} + 1h);
    co_await tasks.join();
  };
  f.run(main(f), 2h);
}

// A cancelled owner awaits a child that takes its time, without spinning.
TEST_CASE("a child that does not end at once is awaited all the same") {
  fixture f;
  notifier may_end{f.loop.get_executor()};
  std::vector<int> seen;
  auto owner = [](fixture& self, notifier& end, std::vector<int>& endings) -> asio::awaitable<int> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.stubborn(end));
    const auto ending = co_await tasks.next();
    endings.push_back(ending.how);
    co_await tasks.join();
    co_return 1;
  };
  auto main = [](fixture& self, auto& child, notifier& end,
                 std::vector<int>& endings) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, child(self, end, endings));
    co_await self.time.sleep_for(1s);
    tasks.cancel_all();
    co_await self.time.sleep_for(1s);
    CHECK(endings.empty());
    CHECK(tasks.running() == 1);
    end.notify();
    co_await tasks.join();
    CHECK(endings == std::vector<int>{7});
  };
  f.run(main(f, owner, may_end, seen));
}

TEST_CASE("join waits for a child that does not end at once") {
  fixture f;
  notifier may_end{f.loop.get_executor()};
  auto main = [](fixture& self, notifier& end) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, self.stubborn(end));
    tasks.spawn(2, self.sleep(1h, 1));
    co_await tasks.join();
    CHECK(tasks.running() == 0);
    CHECK(self.time.now() == clock::time_point{} + 1s);
  };
  auto release = [](fixture& self, notifier& end) -> asio::awaitable<void> {
    co_await self.time.sleep_for(1s);
    end.notify();
  };
  asio::co_spawn(f.loop, release(f, may_end), [](const std::exception_ptr&) {});
  f.run(main(f, may_end));
}

TEST_CASE("the first exception is the one that is thrown, and only once all have ended") {
  fixture f;
  auto fails = [](fixture& self, clock::duration after, const char* why) -> asio::awaitable<int> {
    co_await self.time.sleep_for(after);
    throw std::runtime_error(why);
  };
  bool all_ended = false;
  auto main = [](fixture& self, auto& child, bool& ended) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, child(self, 1s, "first"));
    tasks.spawn(2, child(self, 24h, "second"));
    std::string thrown;
    try {
      co_await tasks.next();
    } catch (const std::runtime_error& error) {
      thrown = error.what();
    }
    CHECK(thrown == "first");
    CHECK(tasks.running() == 0);
    ended = true;
  };
  f.run(main(f, fails, all_ended));
  CHECK(all_ended);
}

TEST_CASE("within is cut short when its caller is cancelled, and awaits what it began") {
  fixture f;
  std::optional<std::optional<int>> result;
  auto caller = [](fixture& self, std::optional<std::optional<int>>& out) -> asio::awaitable<int> {
    auto work = self.sleep(1h, 5);
    out = co_await within(self.loop.get_executor(), self.time, self.time.now() + 2h, std::move(work));
    co_return 0;
  };
  auto main = [](fixture& self, auto& child,
                 std::optional<std::optional<int>>& out) -> asio::awaitable<void> {
    task_group<int> tasks{self.loop.get_executor()};
    tasks.spawn(1, child(self, out));
    co_await self.time.sleep_for(1s);
    co_await tasks.join();
    REQUIRE(out);
    CHECK(self.time.now() == clock::time_point{} + 1s);
    CHECK(out->value_or(-5) == -5);
  };
  f.run(main(f, caller, result));
}

TEST_CASE("within cancels the work at its deadline, and returns at the work's end") {
  fixture f;
  auto main = [](fixture& self) -> asio::awaitable<void> {
    auto slow = self.sleep(3s, 5);
    const auto late =
        co_await within(self.loop.get_executor(), self.time, self.time.now() + 2s, std::move(slow));
    CHECK_FALSE(late);
    CHECK(self.time.now() == clock::time_point{} + 2s);
    auto quick = self.sleep(1s, 6);
    const auto in_time =
        co_await within(self.loop.get_executor(), self.time, self.time.now() + 2s, std::move(quick));
    CHECK(in_time == 6);
    CHECK(self.time.now() == clock::time_point{} + 3s);
  };
  f.run(main(f));
}
