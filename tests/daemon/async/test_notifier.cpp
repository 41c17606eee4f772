#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>

#include "daemon/async/notifier.hpp"
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
