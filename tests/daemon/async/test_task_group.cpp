#include <boost/asio/co_spawn.hpp>
#include <stdexcept>

#include "daemon/async/cancelled.hpp"
#include "daemon/async/task_group.hpp"
#include "daemon/async/within.hpp"
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
  asio::awaitable<int> stubborn() {  // asks nobody and finishes in its own time
    notifier wake{loop.get_executor()};
    co_await time.sleep_for(1s);
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
