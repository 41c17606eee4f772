#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>

#include "daemon/runtime/notifier.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/virtual_clock.hpp"

namespace {

using namespace duplexd;
using namespace std::chrono_literals;

/// One wait: what it returned, and when.
struct waiter {
  std::optional<bool> result;
  duplexd::clock::time_point when;
};

asio::awaitable<void> wait(notifier& changed, duplexd::clock& time, duplexd::clock::time_point deadline,
                           waiter& out) {
  co_await asio::this_coro::throw_if_cancelled(false);
  out.result = co_await changed.wait_until(time, deadline);
  out.when = time.now();
}

/// The real clock and the virtual one must keep the same promises.
struct place {
  explicit place(bool real) {
    if (real)
      time = std::make_unique<steady_clock>(loop.get_executor());
    else
      time = std::make_unique<test::virtual_clock>(loop);
    start = time->now();
  }
  void start_wait(duplexd::clock::duration limit) {
    asio::co_spawn(loop, wait(changed, *time, start + limit, seen),
                   asio::bind_cancellation_slot(stop.slot(), [](const std::exception_ptr&) {}));
    poll();
  }
  void poll() {
    loop.restart();
    while (loop.poll() != 0) {
    }
  }
  void pass(duplexd::clock::duration limit) {
    if (auto* skipped = dynamic_cast<test::virtual_clock*>(time.get())) return skipped->run_for(limit);
    loop.restart();
    loop.run_for(limit);
  }

  asio::io_context loop{1};
  std::unique_ptr<duplexd::clock> time;
  notifier changed{loop.get_executor()};
  asio::cancellation_signal stop;
  duplexd::clock::time_point start;
  waiter seen;
};

}  // namespace

TEST_CASE("a wait with a deadline ends at the notification") {
  place here(GENERATE(false, true));
  here.start_wait(1h);
  CHECK_FALSE(here.seen.result);
  here.changed.notify();
  here.poll();
  REQUIRE(here.seen.result);
  CHECK(*here.seen.result);
  CHECK(here.seen.when < here.start + 1h);
}

TEST_CASE("a wait with a deadline ends at the deadline") {
  place here(GENERATE(false, true));
  here.start_wait(20ms);
  CHECK_FALSE(here.seen.result);
  here.pass(1s);
  REQUIRE(here.seen.result);
  CHECK_FALSE(*here.seen.result);
  CHECK(here.seen.when >= here.start + 20ms);
  here.changed.notify();  // nobody is left to be woken
  here.poll();
}

TEST_CASE("a wait with a deadline says when it was cancelled") {
  place here(GENERATE(false, true));
  here.start_wait(1h);
  here.stop.emit(asio::cancellation_type::terminal);
  here.poll();
  REQUIRE(here.seen.result);
  CHECK_FALSE(*here.seen.result);
  here.changed.notify();
  here.pass(1ms);
}

namespace {

asio::awaitable<void> sleep(duplexd::clock& time, duplexd::clock::time_point deadline, waiter& out) {
  co_await asio::this_coro::throw_if_cancelled(false);
  out.result = co_await time.sleep_until(deadline);
  out.when = time.now();
}

asio::awaitable<void> wait_for_ever(notifier& changed, std::optional<bool>& result) {
  co_await asio::this_coro::throw_if_cancelled(false);
  result = co_await changed.wait();
}

/// Goes on waiting when it is cancelled: sees each further wait return at once.
asio::awaitable<void> wait_again(notifier& changed, duplexd::clock& time, int& waits) {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool go_on = co_await changed.wait();
  while (!go_on && waits < 3) {
    ++waits;
    const bool slept = co_await time.sleep_until(time.now() + 1h);
    const bool notified = co_await changed.wait_until(time, time.now() + 1h);
    const bool woken = co_await changed.wait();
    go_on = slept || notified || woken;
  }
}

}  // namespace

TEST_CASE("a sleep is over at its time, and says when it was cut short") {
  place here(GENERATE(false, true));
  const auto begin = [&](duplexd::clock::duration length) {
    asio::co_spawn(here.loop, sleep(*here.time, here.start + length, here.seen),
                   asio::bind_cancellation_slot(here.stop.slot(), [](const std::exception_ptr&) {}));
    here.poll();
  };
  SECTION("it ends") {
    begin(5ms);
    here.pass(1h);
    REQUIRE(here.seen.result);
    CHECK(*here.seen.result);
    CHECK(here.seen.when >= here.start + 5ms);
  }
  SECTION("it is cancelled") {
    begin(1h);
    CHECK_FALSE(here.seen.result);
    here.stop.emit(asio::cancellation_type::terminal);
    here.poll();
    REQUIRE(here.seen.result);
    CHECK_FALSE(*here.seen.result);
    CHECK(here.seen.when < here.start + 1h);
  }
}

// A cancellation that comes between two waits must not be lost.
TEST_CASE("every wait of a cancelled coroutine returns at once") {
  place here(GENERATE(false, true));
  int waits = 0;
  asio::co_spawn(here.loop, wait_again(here.changed, *here.time, waits),
                 asio::bind_cancellation_slot(here.stop.slot(), [](const std::exception_ptr&) {}));
  here.poll();
  CHECK(waits == 0);
  here.stop.emit(asio::cancellation_type::terminal);
  here.poll();
  CHECK(waits == 3);
}

TEST_CASE("a notification wakes all who wait, with and without a deadline, once") {
  place here(GENERATE(false, true));
  std::optional<bool> first;
  std::optional<bool> second;
  here.start_wait(1h);
  for (auto* result : {&first, &second})
    asio::co_spawn(here.loop, wait_for_ever(here.changed, *result), [](const std::exception_ptr&) {});
  here.poll();
  CHECK_FALSE(first);
  here.changed.notify();
  here.poll();
  CHECK(first == true);
  CHECK(second == true);
  CHECK(here.seen.result == true);
}

TEST_CASE("a notification with nobody waiting is lost") {
  place here(GENERATE(false, true));
  here.changed.notify();
  here.start_wait(1h);
  CHECK_FALSE(here.seen.result);
  here.changed.notify();
  here.poll();
  CHECK(here.seen.result == true);
}

TEST_CASE("a cancelled wait without a deadline says so") {
  place here(false);
  std::optional<bool> result;
  asio::co_spawn(here.loop, wait_for_ever(here.changed, result),
                 asio::bind_cancellation_slot(here.stop.slot(), [](const std::exception_ptr&) {}));
  here.poll();
  here.stop.emit(asio::cancellation_type::terminal);
  here.poll();
  CHECK(result == false);
}

TEST_CASE("the real clock tells the system's times") {
  asio::io_context loop{1};
  const steady_clock time{loop.get_executor()};
  const auto wall = std::chrono::system_clock::now();
  const auto now = std::chrono::steady_clock::now();
  const auto told_wall = time.wall();
  const auto told_now = time.now();
  CHECK(told_wall >= wall);
  CHECK(told_now >= now);
  CHECK(told_wall <= std::chrono::system_clock::now());
  CHECK(told_now <= std::chrono::steady_clock::now());
}
