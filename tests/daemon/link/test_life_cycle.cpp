#include <random>

#include "daemon/link/backoff.hpp"
#include "daemon/link/life_cycle.hpp"
#include "daemon/link/retry_policy.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;
using config::fault_class;
using std::chrono::milliseconds;

TEST_CASE("the backoff grows to its cap, with full jitter") {
  backoff delays{config::backoff_settings{}};
  CHECK(delays.next(0.0) == 0ms);
  CHECK(delays.next(0.5) == 1000ms);
  CHECK(delays.next(0.25) == 1000ms);
  for (int i = 0; i < 1000; ++i) delays.next(0.9);
  CHECK(delays.next(0.5) == 30s);
}

TEST_CASE("jitter can be halved or switched off") {
  backoff half{{.jitter = config::jitter_kind::half}};
  CHECK(half.next(0.0) == 500ms);
  CHECK(half.next(0.5) == 1500ms);
  backoff none{{.jitter = config::jitter_kind::none}};
  CHECK(none.next(0.0) == 1s);
  CHECK(none.next(0.9) == 2s);
}

TEST_CASE("only a link that was stable resets backoff and counts") {
  config::reconnect_settings settings;
  settings.faults.push_back({.on = {{fault_class::tls, {}, 0}}, .give_up_after = 3});
  retry_policy policy{settings};
  const fault lost{.kind = fault_class::lost};
  const fault tls{.kind = fault_class::tls};
  for (int i = 0; i < 4; ++i) policy.failed(lost, 0.5);
  CHECK(policy.failed(tls, 0.5).delay);
  policy.link_lived(29'999ms);
  CHECK(policy.failed(lost, 0.5).delay == 8s);
  CHECK(policy.failed(tls, 0.5).delay);
  policy.link_lived(30s);
  CHECK(policy.failed(lost, 0.5).delay == 500ms);
  CHECK(policy.failed(tls, 0.5).delay);
  CHECK(policy.failed(tls, 0.5).delay);
  CHECK_FALSE(policy.failed(tls, 0.5).delay);
}

// One row for each kind of fault: the delay that the built-in table gives the first of them.
TEST_CASE("what follows from which fault") {
  struct row {
    fault what;
    std::optional<milliseconds> delay;
  };
  config::reconnect_settings settings;
  settings.fatal = {fault_class::tls};
  const milliseconds slow = settings.maximum;
  const row table[] = {
      {{.kind = fault_class::secret}, 1s},
      {{.kind = fault_class::resolve}, 1s},
      {{.kind = fault_class::connect}, 1s},
      {{.kind = fault_class::tls}, std::nullopt},
      {{.kind = fault_class::http, .http_status = 503}, 1s},
      {{.kind = fault_class::http, .http_status = 404}, slow},
      {{.kind = fault_class::http, .http_status = 429}, slow},
      {{.kind = fault_class::login_rejected, .http_status = 401}, slow},
      {{.kind = fault_class::closed, .close_code = 1001}, 1s},
      {{.kind = fault_class::closed, .close_code = 1008}, slow},
      {{.kind = fault_class::closed, .close_code = 1013}, slow},
      {{.kind = fault_class::lost}, 1s},
      {{.kind = fault_class::protocol_error}, 1s},
      {{.kind = fault_class::liveness}, 1s},
      {{.kind = fault_class::script}, 1s},
  };
  for (const row& each : table) {
    INFO(config::name_of(each.what.kind));
    CHECK(retry_policy{settings}.failed(each.what, 1.0).delay == each.delay);
  }
}

TEST_CASE("the configuration's rules come before the built-in table, the first that fits holds") {
  config::reconnect_settings settings;
  settings.faults = {{.on = {{fault_class::http, 500, 599}},
                      .initial = 5s,
                      .factor = 1.0,
                      .jitter = config::jitter_kind::none},
                     {.on = {{fault_class::login_rejected, {}, 0}}, .give_up_after = 2, .exit_code = 64},
                     {.on = {{fault_class::closed, 4001, 4001}}, .give_up_after = 1}};
  retry_policy policy{settings};
  CHECK(policy.failed({.kind = fault_class::http, .http_status = 502}, 0.1).delay == 5s);
  CHECK(policy.failed({.kind = fault_class::http, .http_status = 599}, 0.1).delay == 5s);
  CHECK(policy.failed({.kind = fault_class::http, .http_status = 600}, 1.0).delay == 1s);
  CHECK(policy.failed({.kind = fault_class::closed, .close_code = 4000}, 1.0).delay == 2s);
  CHECK_FALSE(policy.failed({.kind = fault_class::closed, .close_code = 4001}, 1.0).delay);
  CHECK(policy.failed({.kind = fault_class::login_rejected}, 1.0).delay == settings.maximum);
  const auto end = policy.failed({.kind = fault_class::login_rejected}, 1.0);
  CHECK_FALSE(end.delay);
  CHECK(end.exit_code == 64);
}

TEST_CASE("a renewed link is dialled at once, but not in a spin") {
  life_cycle life{{}, false};
  life.start();
  life.dialed();
  CHECK(std::holds_alternative<dial_action>(life.renewed(1h)));
  life.dialed();
  const auto pause = life.renewed(10ms);
  REQUIRE(std::holds_alternative<wait_action>(pause));
  CHECK(std::get<wait_action>(pause).delay == 1s);
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

TEST_CASE("with once, a link that is left to be renewed is the end") {
  life_cycle life{{}, true};
  life.start();
  life.dialed();
  const auto end = life.renewed(1h);
  REQUIRE(std::holds_alternative<end_action>(end));
  CHECK_FALSE(std::get<end_action>(end).why);
}

TEST_CASE("with once, the first fault ends the session") {
  life_cycle life{{}, true};
  life.start();
  const auto end = life.failed({.kind = fault_class::connect, .cause = "refused"}, 0ms, 0.5);
  REQUIRE(std::holds_alternative<end_action>(end));
  CHECK(std::get<end_action>(end).why->cause == "refused");
  CHECK(life.state() == link_state::ended);
}

TEST_CASE(
    "with once, the first fault has the exit code of its rule, and no other URL follows one that is fatal") {
  config::reconnect_settings settings;
  settings.fatal = {fault_class::secret};
  settings.faults = {{.on = {{fault_class::tls, {}, 0}}, .give_up_after = 3, .exit_code = 64}};
  life_cycle life{settings, true};
  life.start();
  CHECK(life.ends_with({.kind = fault_class::tls}));
  CHECK(life.ends_with({.kind = fault_class::secret}));
  CHECK_FALSE(life.ends_with({.kind = fault_class::connect}));
  const auto end = life.failed({.kind = fault_class::tls}, 0ms, 0.5);
  CHECK(std::get<end_action>(end).exit_code == 64);
  life_cycle other{settings, true};
  other.start();
  CHECK_FALSE(std::get<end_action>(other.failed({.kind = fault_class::connect}, 0ms, 0.5)).exit_code);
}

TEST_CASE("each report leads to its state and its action") {
  life_cycle life{{}, false};
  CHECK(life.state() == link_state::idle);
  CHECK(std::holds_alternative<dial_action>(life.start()));
  CHECK(life.state() == link_state::dialing);
  CHECK(std::holds_alternative<serve_action>(life.dialed()));
  CHECK(life.state() == link_state::open);
  CHECK(std::holds_alternative<wait_action>(life.failed({.kind = fault_class::lost}, 0ms, 0.5)));
  CHECK(life.state() == link_state::waiting);
  CHECK(std::holds_alternative<dial_action>(life.waited()));
  CHECK(life.state() == link_state::dialing);
  life.dialed();
  CHECK(std::holds_alternative<dial_action>(life.renewed(1s)));
  CHECK(life.state() == link_state::dialing);
  life.dialed();
  CHECK(std::holds_alternative<wait_action>(life.renewed(999ms)));
  CHECK(life.state() == link_state::waiting);
  for (const bool by_itself : {true, false}) {
    life.start();
    const auto end = by_itself ? life.finished() : life.stopped();
    REQUIRE(std::holds_alternative<end_action>(end));
    CHECK_FALSE(std::get<end_action>(end).why);
    CHECK_FALSE(std::get<end_action>(end).exit_code);
    CHECK(life.state() == link_state::ended);
  }
}

// What counts is how long a link was open, not how long a dial took.
TEST_CASE(
    "a link that was open long starts the delays again from the first, a dial that took long does not") {
  const auto delay_of = [](const link_action& what) { return std::get<wait_action>(what).delay; };
  const fault lost{.kind = fault_class::lost};
  life_cycle life{{}, false};
  life.start();
  CHECK(delay_of(life.failed(lost, 1h, 1.0)) == 1s);
  life.waited();
  CHECK(delay_of(life.failed(lost, 1h, 1.0)) == 2s);
  life.waited();
  life.dialed();
  CHECK(delay_of(life.failed(lost, 1s, 1.0)) == 4s);
  life.waited();
  life.dialed();
  CHECK(delay_of(life.failed(lost, 1h, 1.0)) == 1s);
}

TEST_CASE("a link that lived long and is renewed starts the delays again from the first") {
  const auto delay_after = [](milliseconds lifetime) {
    life_cycle life{{}, false};
    life.start();
    for (int i = 0; i < 3; ++i) life.failed({.kind = fault_class::connect}, 0ms, 1.0);
    life.dialed();
    life.renewed(lifetime);
    return std::get<wait_action>(life.failed({.kind = fault_class::connect}, 0ms, 1.0)).delay;
  };
  CHECK(delay_after(30s) == 1s);
  CHECK(delay_after(29'999ms) == 8s);
}

TEST_CASE("a fault that the configuration calls the last ends the session with its exit code") {
  config::reconnect_settings settings;
  settings.faults = {{.on = {{fault_class::tls, {}, 0}}, .give_up_after = 2, .exit_code = 64}};
  const fault tls{.kind = fault_class::tls, .cause = "expired"};
  life_cycle life{settings, false};
  life.start();
  CHECK_FALSE(life.ends_with(tls));
  CHECK(std::holds_alternative<wait_action>(life.failed(tls, 0ms, 0.5)));
  CHECK(life.ends_with(tls));
  CHECK_FALSE(life.ends_with({.kind = fault_class::lost}));
  life.waited();
  const auto end = life.failed(tls, 0ms, 0.5);
  REQUIRE(std::holds_alternative<end_action>(end));
  CHECK(std::get<end_action>(end).why->cause == "expired");
  CHECK(std::get<end_action>(end).exit_code == 64);
  CHECK(life.state() == link_state::ended);
}
