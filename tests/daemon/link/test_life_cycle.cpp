#include <random>

#include "daemon/link/backoff.hpp"
#include "daemon/link/life_cycle.hpp"
#include "daemon/link/verdict.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;
using config::fault_class;
using std::chrono::milliseconds;

TEST_CASE("the backoff grows to its cap, with full jitter") {
  backoff delays{config::reconnect_settings{}};
  CHECK(delays.next(0.0) == 0ms);
  CHECK(delays.next(0.5) == 1000ms);
  CHECK(delays.next(0.25) == 1000ms);
  for (int i = 0; i < 1000; ++i) delays.next(0.9);
  CHECK(delays.next(0.5) == 30s);
}

TEST_CASE("only a link that was stable resets the backoff") {
  backoff delays{config::reconnect_settings{}};
  for (int i = 0; i < 4; ++i) delays.next(0.5);
  delays.link_lived(29'999ms);
  CHECK(delays.next(0.5) == 8s);
  delays.link_lived(30s);
  CHECK(delays.next(0.5) == 500ms);
}

TEST_CASE("what follows from which fault") {
  struct row {
    fault what;
    verdict expected;
  };
  const config::reconnect_settings settings{.fatal = {fault_class::tls}};
  const row table[] = {
      {{.kind = fault_class::secret}, verdict::retry},
      {{.kind = fault_class::resolve}, verdict::retry},
      {{.kind = fault_class::connect}, verdict::retry},
      {{.kind = fault_class::tls}, verdict::fatal},
      {{.kind = fault_class::http, .http_status = 503}, verdict::retry},
      {{.kind = fault_class::http, .http_status = 429}, verdict::retry_slowly},
      {{.kind = fault_class::login_rejected, .http_status = 401}, verdict::retry_slowly},
      {{.kind = fault_class::closed, .close_code = 1001}, verdict::retry},
      {{.kind = fault_class::lost}, verdict::retry},
      {{.kind = fault_class::protocol_error}, verdict::retry},
      {{.kind = fault_class::liveness}, verdict::retry},
      {{.kind = fault_class::script}, verdict::retry},
  };
  for (const row& each : table) {
    INFO(config::name_of(each.what.kind));
    CHECK(classify(each.what, settings) == each.expected);
  }
}

TEST_CASE("a server's Retry-After is respected, but not for ever") {
  life_cycle life{{}, false};
  life.start();
  const auto wait =
      life.failed({.kind = fault_class::http, .http_status = 503, .retry_after = 90s}, 0ms, 0.0);
  REQUIRE(std::holds_alternative<wait_action>(wait));
  CHECK(std::get<wait_action>(wait).delay == 90s);
  const auto forever =
      life.failed({.kind = fault_class::http, .http_status = 503, .retry_after = 24h * 365}, 0ms, 0.0);
  CHECK(std::get<wait_action>(forever).delay == 1h);
}

// The reconnect loop can't end by itself: whatever happens, in whatever order, only the three things that may
// end a session do. Every class of fault is drawn, with every lifetime and every random number.
TEST_CASE("no run of faults ends a session by itself") {
  std::mt19937_64 random{20'260'101};
  std::uniform_int_distribution<std::size_t> any_class{0, config::fault_class_names.size() - 1};
  std::uniform_int_distribution<milliseconds::rep> any_time{0, 10'000'000};
  for (int run = 0; run < 200; ++run) {
    life_cycle life{{}, false};
    link_action next = life.start();
    for (int step = 0; step < 2000; ++step) {
      REQUIRE_FALSE(std::holds_alternative<end_action>(next));
      REQUIRE(life.state() != link_state::ended);
      const fault what{.kind = config::fault_class_names[any_class(random)].first};
      const milliseconds lifetime{any_time(random)};
      const double jitter = std::uniform_real_distribution<>{}(random);
      if (std::holds_alternative<wait_action>(next)) {
        const auto delay = std::get<wait_action>(next).delay;
        REQUIRE(delay >= 0ms);
        REQUIRE(delay <= config::reconnect_settings{}.maximum);
        next = life.waited();
      } else if (std::holds_alternative<dial_action>(next) && random() % 2 == 0) {
        next = life.dialed();
      } else {
        next = life.failed(what, lifetime, jitter);
      }
    }
  }
}

TEST_CASE("with once, the first fault ends the session") {
  life_cycle life{{}, true};
  life.start();
  const auto end = life.failed({.kind = fault_class::connect, .cause = "refused"}, 0ms, 0.5);
  REQUIRE(std::holds_alternative<end_action>(end));
  CHECK(std::get<end_action>(end).why->cause == "refused");
  CHECK(life.state() == link_state::ended);
}
