// Delays and ends: what each fault leads to, at and beside every bound of the table.
#include <vector>

#include "daemon/link/retry_policy.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;
using config::fault_class;
using config::jitter_kind;
using std::chrono::milliseconds;

namespace {

const fault lost{.kind = fault_class::lost};

fault http(std::uint16_t status) {
  return {.kind = fault_class::http, .http_status = status};
}

fault closed(std::uint16_t code) {
  return {.kind = fault_class::closed, .close_code = code};
}

/// Settings without jitter, so that delays are told exactly.
config::reconnect_settings steady() {
  config::reconnect_settings made;
  made.jitter = jitter_kind::none;
  return made;
}

std::vector<milliseconds> delays_of(backoff& from, int count, double random = 0) {
  std::vector<milliseconds> all;
  for (int i = 0; i < count; ++i) all.push_back(from.next(random));
  return all;
}

std::vector<milliseconds> delays_of(retry_policy& from, const fault& what, int count) {
  std::vector<milliseconds> all;
  for (int i = 0; i < count; ++i) all.push_back(from.failed(what, 0).delay.value());
  return all;
}

}  // namespace

TEST_CASE("a backoff grows by its factor up to its maximum, and starts again when reset", "[retry_policy]") {
  backoff delays{{.initial = 1s, .maximum = 5s, .factor = 1.5, .jitter = jitter_kind::none}};
  CHECK(delays_of(delays, 6) == std::vector<milliseconds>{1000ms, 1500ms, 2250ms, 3375ms, 5000ms, 5000ms});
  delays.reset();
  CHECK(delays_of(delays, 2) == std::vector<milliseconds>{1000ms, 1500ms});
  backoff level{{.initial = 1s, .maximum = 5s, .factor = 1, .jitter = jitter_kind::none}};
  CHECK(delays_of(level, 3) == std::vector<milliseconds>{1s, 1s, 1s});
  backoff capped{{.initial = 10s, .maximum = 5s, .factor = 2, .jitter = jitter_kind::none}};
  CHECK(delays_of(capped, 2) == std::vector<milliseconds>{5s, 5s});
}

TEST_CASE("a first delay of nothing grows all the same", "[retry_policy]") {
  backoff delays{{.initial = 0ms, .maximum = 1s, .factor = 2, .jitter = jitter_kind::none}};
  CHECK(delays_of(delays, 7) == std::vector<milliseconds>{0ms, 100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms});
  backoff level{{.initial = 0ms, .maximum = 1s, .factor = 1, .jitter = jitter_kind::none}};
  CHECK(delays_of(level, 3) == std::vector<milliseconds>{0ms, 100ms, 100ms});
  backoff capped{{.initial = 0ms, .maximum = 30ms, .factor = 2, .jitter = jitter_kind::none}};
  CHECK(delays_of(capped, 3) == std::vector<milliseconds>{0ms, 30ms, 30ms});
}

// The random number moves the delay, not the ceiling that the next one grows from.
TEST_CASE("jitter takes its share of the delay only", "[retry_policy]") {
  const config::backoff_settings base{.initial = 1s, .maximum = 1h, .factor = 2};
  auto full = base;
  full.jitter = jitter_kind::full;
  backoff all{full};
  CHECK(delays_of(all, 3, 0.25) == std::vector<milliseconds>{250ms, 500ms, 1000ms});
  auto half = base;
  half.jitter = jitter_kind::half;
  backoff some{half};
  CHECK(delays_of(some, 3, 0.5) == std::vector<milliseconds>{750ms, 1500ms, 3000ms});
  auto none = base;
  none.jitter = jitter_kind::none;
  backoff fixed{none};
  CHECK(delays_of(fixed, 3, 0.25) == std::vector<milliseconds>{1s, 2s, 4s});
}

// Half of such a delay is fixed, so that bad luck makes none of them short; it does not grow.
TEST_CASE("faults that haste makes worse wait for the maximum, their neighbours do not", "[retry_policy]") {
  const config::reconnect_settings settings = steady();
  const auto first = [&](const fault& what, double random) {
    return retry_policy{settings}.failed(what, random).delay.value();
  };
  std::vector<fault> slow{{.kind = fault_class::login_rejected}};
  std::vector<fault> quick{lost};
  for (std::uint16_t status = 400; status <= 599; ++status)
    (status == 404 || status == 410 || status == 429 ? slow : quick).push_back(http(status));
  for (std::uint16_t code = 1000; code <= 1015; ++code)
    (code == 1008 || code == 1013 ? slow : quick).push_back(closed(code));
  for (const fault& each : slow) {
    INFO(config::name_of(each.kind) << ' ' << each.http_status.value_or(each.close_code.value_or(0)));
    CHECK(first(each, 0) == settings.maximum / 2);
    CHECK(first(each, 1) == settings.maximum);
    retry_policy again{settings};
    CHECK(delays_of(again, each, 2) == std::vector{settings.maximum / 2, settings.maximum / 2});
  }
  for (const fault& each : quick) {
    INFO(config::name_of(each.kind) << ' ' << each.http_status.value_or(each.close_code.value_or(0)));
    CHECK(first(each, 0) == settings.initial);
  }
}

TEST_CASE("a rule holds from its first number to its last", "[retry_policy]") {
  auto settings = steady();
  settings.faults = {
      {.on = {{fault_class::http, 502, 504}, {fault_class::closed, 4001, 4003}}, .initial = 7s}};
  const auto first = [&](const fault& what) { return retry_policy{settings}.failed(what, 0).delay; };
  for (const auto each : std::vector<std::uint16_t>{502, 503, 504}) CHECK(first(http(each)) == 7s);
  for (const auto each : std::vector<std::uint16_t>{501, 505, 4001}) CHECK(first(http(each)) == 1s);
  for (const auto each : std::vector<std::uint16_t>{4001, 4002, 4003}) CHECK(first(closed(each)) == 7s);
  for (const auto each : std::vector<std::uint16_t>{4000, 4004, 503}) CHECK(first(closed(each)) == 1s);
  CHECK(first({.kind = fault_class::http}) == 1s);  // no status: no such number
  // Only the number that belongs to the class counts.
  CHECK(first({.kind = fault_class::http, .http_status = 500, .close_code = 503}) == 1s);
  CHECK(first({.kind = fault_class::closed, .http_status = 4001, .close_code = 1000}) == 1s);
}

TEST_CASE("what a rule does not say is as usual", "[retry_policy]") {
  auto settings = steady();
  settings.initial = 2s;
  settings.maximum = 9s;
  settings.factor = 3;
  const auto first_three = [&](config::fault_rule rule) {
    rule.on = {{fault_class::lost, {}, 0}};
    settings.faults = {std::move(rule)};
    retry_policy policy{settings};
    return delays_of(policy, lost, 3);
  };
  using delays = std::vector<milliseconds>;
  CHECK(first_three({}) == delays{2s, 6s, 9s});
  CHECK(first_three({.on = {}, .initial = 1s}) == delays{1s, 3s, 9s});
  CHECK(first_three({.on = {}, .maximum = 5s}) == delays{2s, 5s, 5s});
  CHECK(first_three({.on = {}, .factor = 1.0}) == delays{2s, 2s, 2s});
  CHECK(first_three({.on = {}, .jitter = jitter_kind::full}) == delays{0s, 0s, 0s});
  CHECK(first_three({.on = {}, .jitter = jitter_kind::half}) == delays{1s, 3s, 4500ms});
  // A first delay over the maximum raises it.
  CHECK(first_three({.on = {}, .initial = 1min}) == delays{1min, 1min, 1min});
  CHECK(first_three({.on = {}, .initial = 4s, .maximum = 3s}) == delays{4s, 4s, 4s});
}

// A rule that only counts does not make haste.
TEST_CASE("a rule that says nothing about delays leaves them as they are", "[retry_policy]") {
  auto settings = steady();
  settings.faults = {
      {.on = {{fault_class::login_rejected, {}, 0}, {fault_class::http, {}, 0}, {fault_class::lost, {}, 0}},
       .give_up_after = 9},
      {.on = {{fault_class::login_rejected, {}, 0}}, .initial = 3s}};
  const auto first = [&](const fault& what) { return retry_policy{settings}.failed(what, 1).delay; };
  CHECK(first({.kind = fault_class::login_rejected}) == settings.maximum);
  CHECK(first(http(404)) == settings.maximum);
  CHECK(first(http(500)) == settings.initial);
  CHECK(first(lost) == settings.initial);
  retry_policy counting{settings};
  for (int i = 0; i < 8; ++i) CHECK(counting.failed(http(404), 0).delay == settings.maximum / 2);
  CHECK_FALSE(counting.failed(http(404), 0).delay);
}

TEST_CASE("a rule that says anything about delays holds for slow faults, too", "[retry_policy]") {
  const auto first = [](config::fault_rule rule) {
    auto settings = steady();
    rule.on = {{fault_class::http, 404, 404}};
    settings.faults = {std::move(rule)};
    return retry_policy{settings}.failed(http(404), 1).delay;
  };
  CHECK(first({.on = {}, .initial = 7s}) == 7s);
  CHECK(first({.on = {}, .maximum = 8s}) == 1s);
  CHECK(first({.on = {}, .factor = 3.0}) == 1s);
  CHECK(first({.on = {}, .jitter = jitter_kind::full}) == 1s);
}

TEST_CASE("each rule has a backoff and a count of its own", "[retry_policy]") {
  auto settings = steady();
  settings.faults = {{.on = {{fault_class::tls, {}, 0}}, .give_up_after = 3, .exit_code = 7},
                     {.on = {{fault_class::connect, {}, 0}}, .initial = 3s}};
  retry_policy policy{settings};
  const fault tls{.kind = fault_class::tls};
  CHECK(delays_of(policy, lost, 3) == std::vector<milliseconds>{1s, 2s, 4s});
  CHECK(delays_of(policy, {.kind = fault_class::connect}, 2) == std::vector<milliseconds>{3s, 6s});
  CHECK(delays_of(policy, tls, 2) == std::vector<milliseconds>{1s, 2s});
  CHECK(delays_of(policy, lost, 1) == std::vector<milliseconds>{8s});
  const auto end = policy.failed(tls, 0);
  CHECK_FALSE(end.delay);
  CHECK(end.exit_code == 7);
  CHECK_FALSE(policy.failed(tls, 0).delay);  // it stays so
}

TEST_CASE("an exit code comes with the end only", "[retry_policy]") {
  auto settings = steady();
  settings.faults = {{.on = {{fault_class::tls, {}, 0}}, .give_up_after = 2, .exit_code = 7}};
  retry_policy policy{settings};
  CHECK_FALSE(policy.failed({.kind = fault_class::tls}, 0).exit_code);
  CHECK(policy.failed({.kind = fault_class::tls}, 0).exit_code == 7);
}

// Asked before the fault is counted, and counts nothing.
TEST_CASE("whether a fault would be the last is told without counting it", "[retry_policy]") {
  auto settings = steady();
  settings.fatal = {fault_class::secret};
  settings.faults = {{.on = {{fault_class::tls, {}, 0}}, .give_up_after = 3}};
  retry_policy policy{settings};
  const fault tls{.kind = fault_class::tls};
  for (int i = 0; i < 5; ++i) CHECK_FALSE(policy.ends_with(tls));
  CHECK(policy.failed(tls, 0).delay);
  CHECK_FALSE(policy.ends_with(tls));
  CHECK(policy.failed(tls, 0).delay);
  CHECK(policy.ends_with(tls));
  CHECK_FALSE(policy.ends_with(lost));
  CHECK(policy.ends_with({.kind = fault_class::secret}));
  policy.link_lived(30s);
  CHECK_FALSE(policy.ends_with(tls));
}

TEST_CASE("a fatal class ends the session before any rule is asked", "[retry_policy]") {
  auto settings = steady();
  settings.fatal = {fault_class::tls, fault_class::http};
  settings.faults = {{.on = {{fault_class::tls, {}, 0}}, .initial = 5s, .give_up_after = 9, .exit_code = 7}};
  retry_policy policy{settings};
  for (const fault& each : {fault{.kind = fault_class::tls}, http(503), http(404)}) {
    const auto end = policy.failed(each, 0);
    CHECK_FALSE(end.delay);
    CHECK_FALSE(end.exit_code);
  }
  CHECK(policy.failed(lost, 0).delay == 1s);
}

TEST_CASE("a server's wish lengthens a delay, up to an hour, and shortens none", "[retry_policy]") {
  auto settings = steady();
  settings.initial = 10s;
  settings.maximum = 10s;
  settings.faults = {{.on = {{fault_class::tls, {}, 0}}, .give_up_after = 1}};
  retry_policy policy{settings};
  const auto with = [&](milliseconds wish) {
    auto what = http(503);
    what.retry_after = wish;
    return policy.failed(what, 0).delay;
  };
  CHECK(with(0ms) == 10s);
  CHECK(with(9999ms) == 10s);
  CHECK(with(10'001ms) == 10'001ms);
  CHECK(with(1h) == 1h);
  CHECK(with(1h + 1ms) == 1h);
  CHECK_FALSE(policy.failed({.kind = fault_class::tls, .retry_after = 1s}, 0).delay);
}

TEST_CASE("a link as long as stable_after resets delays and counts, a shorter one neither",
          "[retry_policy]") {
  auto settings = steady();
  settings.stable_after = 5s;
  retry_policy policy{settings};
  CHECK(delays_of(policy, lost, 2) == std::vector<milliseconds>{1s, 2s});
  policy.link_lived(4999ms);
  CHECK(delays_of(policy, lost, 1) == std::vector<milliseconds>{4s});
  policy.link_lived(5s);
  CHECK(delays_of(policy, lost, 2) == std::vector<milliseconds>{1s, 2s});
}
