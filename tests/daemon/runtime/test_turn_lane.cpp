#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "daemon/runtime/turn_budget.hpp"
#include "daemon/runtime/turn_lane.hpp"
#include "tests/catch.hpp"

namespace {

using namespace duplexd;
using namespace std::chrono_literals;

/// Time that passes when somebody says so.
struct hand_clock final : duplexd::clock {
  [[nodiscard]] time_point now() const override { return now_; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const override { return {}; }
  asio::awaitable<bool> sleep_until(time_point /*deadline*/) override { co_return false; }
  asio::awaitable<bool> wait_until(notifier& /*changed*/, time_point /*deadline*/) override {
    co_return false;
  }
  void skip(duration time) { now_ += time; }

 private:
  time_point now_{};
};

using lane_log = std::vector<std::string>;

/// Takes turns of a millisecond each.
asio::awaitable<void> take_turns(turn_lane& lane, hand_clock& time, int count, std::string name,
                                 lane_log& log) {
  co_await asio::this_coro::throw_if_cancelled(false);
  turn_lane::place place{lane};
  for (int i = 0; i < count; ++i) {
    co_await place.enter();
    log.push_back(name);
    time.skip(1ms);
    place.leave();
    co_await asio::post(co_await asio::this_coro::executor, asio::deferred);
  }
}

/// Needs the loop for a moment, again and again.
asio::awaitable<void> tick(int count, lane_log& log) {
  for (int i = 0; i < count; ++i) {
    log.push_back(".");
    co_await asio::post(co_await asio::this_coro::executor, asio::deferred);
  }
}

struct lane_stage {
  void start(int count, const std::string& name) {
    asio::co_spawn(loop, take_turns(lane, time, count, name, log), [](const std::exception_ptr&) {});
  }
  asio::io_context loop{1};
  hand_clock time;
  turn_lane lane{loop.get_executor(), time};
  lane_log log;
};

}  // namespace

// However many there are.
TEST_CASE("between two long turns the loop has a round for everything else") {
  lane_stage play;
  for (char name = 'a'; name <= 'h'; ++name) play.start(3, std::string(1, name));
  asio::co_spawn(play.loop, tick(200, play.log), [](const std::exception_ptr&) {});
  play.loop.run();
  std::string seen;
  for (const auto& each : play.log) seen += each;
  std::string turns;
  std::size_t in_row = 0;
  for (const char each : seen) {
    in_row = each == '.' ? 0 : in_row + 1;
    CHECK(in_row <= 1);
    if (each != '.') turns += each;
  }
  CHECK(turns == "abcdefghabcdefghabcdefgh");
}

TEST_CASE("one alone goes on at once when its round is over") {
  lane_stage play;
  play.start(5, "a");
  play.loop.run();
  CHECK(play.log == lane_log(5, "a"));
}

TEST_CASE("who is told to end, or is gone, does not keep the others from their turn") {
  lane_stage play;
  asio::cancellation_signal stop;
  play.start(2, "a");
  asio::co_spawn(play.loop, take_turns(play.lane, play.time, 1, "stopped", play.log),
                 asio::bind_cancellation_slot(stop.slot(), [](const std::exception_ptr&) {}));
  play.start(1, "b");
  std::optional<turn_lane::place> gone{play.lane};
  play.loop.poll_one();
  play.loop.poll_one();
  play.loop.poll_one();
  stop.emit(asio::cancellation_type::terminal);
  gone.reset();
  play.loop.run();
  CHECK(std::count(play.log.begin(), play.log.end(), "a") == 2);
  CHECK(std::count(play.log.begin(), play.log.end(), "b") == 1);
}

TEST_CASE("long turns get as much time as everything else took, within bounds") {
  struct row {
    std::size_t turns;
    duplexd::clock::duration spent, others;
    std::size_t next;
  };
  for (const auto& [turns, spent, others, next] : std::vector<row>{
           {0, 0ms, 0ms, 1},     // nothing is known yet
           {1, 1ms, 0ms, 1},     // nobody else has anything to do
           {1, 1ms, 1999us, 1},  //
           {1, 1ms, 2ms, 2},     //
           {4, 2ms, 3ms, 6},     // half a millisecond each
           {1, 1ms, 4ms, 4},     // the longest round
           {1, 1ms, 1h, 4},      //
           {1, 9ms, 4ms, 1},     // one at least
           {64, 1us, 4ms, 64},   // so many at most
           {3, -1ms, -1ms, 1},   // a clock that is wrong
       }) {
    CAPTURE(turns, spent.count(), others.count());
    CHECK(turn_lane::turns_of_round(turns, spent, others) == next);
  }
}

TEST_CASE("a turn is long by its bytes or by its messages") {
  const hand_clock time;
  turn_budget turn{time};
  CHECK_FALSE(turn.was_long());
  turn.spend(turn_budget::long_bytes - 1);
  CHECK_FALSE(turn.was_long());
  turn.spend(1);
  CHECK(turn.was_long());
  turn.begin();
  for (unsigned i = 1; i < turn_budget::long_items; ++i) turn.spend(0);
  CHECK_FALSE(turn.was_long());
  turn.spend(0);
  CHECK(turn.was_long());
}

// The clock is read after a large message, not only after so many.
TEST_CASE("a turn of large messages is over by its time") {
  hand_clock time;
  turn_budget turn{time};
  time.skip(turn_budget::work);
  turn.spend(100);
  CHECK_FALSE(turn.is_over());
  turn.spend(70'000);
  CHECK(turn.is_over());
  turn.begin();
  turn.spend(70'000);
  CHECK_FALSE(turn.is_over());
}
