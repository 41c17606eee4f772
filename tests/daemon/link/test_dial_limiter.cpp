// Many sessions want to connect at once: the limiter on a loop, and a session that waits before it.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "daemon/link/dial_limiter.hpp"
#include "daemon/runtime/task_group.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/stage.hpp"
#include "tests/daemon/support/virtual_clock.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;

namespace {

/// Dials of some length through one limiter.
struct crowd {
  explicit crowd(std::size_t places) : limiter(loop.get_executor(), time, places) {
    asio::co_spawn(loop, pace(*this),
                   asio::bind_cancellation_slot(stop.slot(), [](const std::exception_ptr&) {}));
  }
  ~crowd() {
    stop.emit(asio::cancellation_type::terminal);
    time.run_for(1h);
  }
  static asio::awaitable<void> pace(crowd& self) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await self.limiter.run();
  }
  static asio::awaitable<void> dial(crowd& self, std::string server, duplexd::clock::duration length) {
    auto pass = co_await self.limiter.enter(std::move(server));
    REQUIRE(pass != nullptr);
    self.most = std::max(self.most, ++self.underway);
    co_await self.time.sleep_for(length);
    --self.underway;
    self.ends.push_back(self.time.now() - duplexd::clock::time_point{});
  }
  void start(const std::string& server, duplexd::clock::duration length) {
    asio::co_spawn(loop, dial(*this, server, length), [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    });
  }

  asio::io_context loop{1};
  virtual_clock time{loop};
  dial_limiter limiter;
  asio::cancellation_signal stop;
  int underway = 0;
  int most = 0;
  std::vector<duplexd::clock::duration> ends;
};

const char* const one_session = "sessions: {s: {url: 'wss://a:1/x'}}";

}  // namespace

TEST_CASE("a storm of dials comes in portions", "[dial_limiter]") {
  crowd all{10};
  for (int i = 0; i < 1000; ++i) all.start("a", 100ms);
  all.time.run_for(1min);
  CHECK(all.most == 10);
  REQUIRE(all.ends.size() == 1000);
  CHECK(all.ends.back() == 10s);
}

// Without the limit of a second the last of these would begin after 100 s.
TEST_CASE("dials to a server that does not answer hold nobody up for long", "[dial_limiter]") {
  crowd all{10};
  for (int i = 0; i < 100; ++i) all.start("mute", 10s);
  all.start("good", 100ms);
  all.time.run_for(1050ms);
  CHECK(all.ends.empty());  // ten wait for the mute server
  all.time.run_for(50ms);
  CHECK(all.ends.size() == 1);
  all.time.run_for(19s);
  CHECK(all.ends.size() == 101);
}

TEST_CASE("a session asks the limiter before it dials", "[dial_limiter]") {
  stage play{one_session, false, 1};
  std::unique_ptr<dial_limiter::pass> held = std::make_unique<dial_limiter::pass>(*play.limiter, "b:1");
  auto server = play.accept();
  play.run_for(500ms);
  CHECK(play.links.dials == 0);
  CHECK(play.log().empty());

  SECTION("and dials when there is a place") {
    held.reset();
    play.run_for(1ms);
    CHECK(play.session->state() == link_state::open);
    const dial_limiter::pass next{*play.limiter, "c:1"};  // the place is free again
    play.session->stop();
    play.run_for(1s);
  }
  SECTION("and ends at once when it is stopped there") {
    play.session->stop();
    play.run_for(1ms);
    REQUIRE(play.result);
    CHECK_FALSE(play.result->fatal);
    CHECK(play.links.dials == 0);
  }
}

TEST_CASE("the place is free again when the dial has failed", "[dial_limiter]") {
  stage play{one_session, false, 1};
  play.run_for(1h);
  CHECK(play.links.dials > 10);
}
