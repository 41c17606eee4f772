// How old events are by their own time: what is a time, what is counted, and what follows.
#include <limits>

#include "daemon/control/metrics_page.hpp"
#include "daemon/session/lag_watch.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/session/link_scene.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
using protocol::time_unit;
using std::chrono::nanoseconds;
using change = lag_news::change;

namespace {

constexpr auto latest = nanoseconds::max();
constexpr nanoseconds noon = 1'800'000'000s;

const config::lag_settings rule{.reply = "tick", .field = "at", .unit = time_unit::ms};

/// An event that happened so long before `noon`.
ordered_json aged(nanoseconds age) {
  return {{"at", std::chrono::duration_cast<std::chrono::milliseconds>(noon - age).count()}};
}

/// A session whose `tick`s have their time in `at`, at a wall-clock time of our century.
struct lag_scene : link_scene {
  explicit lag_scene(const std::string& limit)
      : link_scene(
            "    lag: {reply: tick, field: at, unit: s}\n    subscribe: [{send: get}]\n"
            "    liveness: {ping_interval: 0, idle_timeout: 0" +
            limit + "}\n") {
    play.time.wall_shift = noon;
    play.run_for(1s);
  }
  void tick_aged(std::chrono::seconds age) {
    const auto now = play.time.wall().time_since_epoch();
    tick({{"at", std::chrono::duration<double>(now - age).count()}});
    play.run_for(1ms);
  }
  std::string page() {
    metrics_page made;
    made.add(*play.session, play.time.now());
    return std::move(made).take("1");
  }
};

}  // namespace

TEST_CASE("the time of an event is a number of its unit", "[lag]") {
  const auto number = ordered_json(1'800'000'000);
  CHECK(event_time(number, time_unit::s) == noon);
  CHECK(event_time(number, time_unit::ms) == 1'800'000s);
  CHECK(event_time(number, time_unit::us) == 1'800s);
  CHECK(event_time(number, time_unit::ns) == 1'800ms);
  const auto real = event_time(ordered_json(1'800'000'000.25), time_unit::s);
  CHECK(real.has_value());
  CHECK(std::chrono::abs(real.value_or(0ns) - noon - 250ms) < 1us);  // a double has no more
  CHECK(event_time(ordered_json(1.5), time_unit::ns) == 2ns);
  CHECK(event_time(ordered_json(std::uint64_t{1} << 63), time_unit::ns) == latest);
  CHECK(event_time(ordered_json(std::numeric_limits<std::int64_t>::max()), time_unit::ns) == latest);
}

TEST_CASE("the time of an event is a text that holds a number, or RFC 3339", "[lag]") {
  CHECK(event_time("1800000000", time_unit::s) == noon);
  CHECK(event_time("1800000000.5", time_unit::s) == noon + 500ms);
  CHECK(event_time("2027-01-15T08:00:00Z", time_unit::us) == noon);
  CHECK(event_time("2027-01-15T10:00:00.000000001+02:00", time_unit::s) == noon + 1ns);
  CHECK(event_time("2262-04-11T23:47:16.854775807Z", time_unit::s) == latest);
  CHECK(event_time("9999-12-31T23:59:59.999Z", time_unit::s) == latest);
}

TEST_CASE("times out of range saturate, and what is no time after 1970 is none", "[lag]") {
  const auto largest = std::numeric_limits<std::uint64_t>::max();
  for (const time_unit unit : {time_unit::s, time_unit::ms, time_unit::us, time_unit::ns}) {
    CHECK(event_time(ordered_json(largest), unit) == latest);
    CHECK(event_time(ordered_json(1e300), unit) == latest);
    CHECK(event_time(std::to_string(largest), unit) == latest);
    for (const ordered_json& none : {ordered_json(0),
                                     ordered_json(-1),
                                     ordered_json(0.0),
                                     ordered_json(-1e300),
                                     ordered_json(0.4e-10),
                                     ordered_json(std::numeric_limits<std::int64_t>::min()),
                                     ordered_json(),
                                     ordered_json(true),
                                     ordered_json::array({1}),
                                     ordered_json::object(),
                                     ordered_json(""),
                                     ordered_json("soon"),
                                     ordered_json("12 "),
                                     ordered_json("nan"),
                                     ordered_json("inf"),
                                     ordered_json("-5"),
                                     ordered_json("2027-01-15"),
                                     ordered_json("1969-12-31T23:59:59Z"),
                                     ordered_json("0001-01-01T00:00:00Z"),
                                     ordered_json(std::numeric_limits<double>::quiet_NaN()),
                                     ordered_json(std::numeric_limits<double>::infinity())}) {
      INFO(none.dump());
      CHECK_FALSE(event_time(none, unit).has_value());
    }
  }
}

// A bound belongs to its bucket, as Prometheus has it.
TEST_CASE("each lag is counted in one bucket", "[lag]") {
  lag_histogram lags;
  lags.add(0ns);
  lags.add(1ms);
  lags.add(1ms + 1ns);
  lags.add(5min);
  lags.add(5min + 1ns);
  lags.add(latest);
  CHECK(lags.counts == decltype(lags.counts){2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2});
  CHECK(lags.sum > 9.2e9);
}

TEST_CASE("the newest event counts, whatever comes after it", "[lag]") {
  lag_watch watch{rule};
  CHECK_FALSE(watch.newest_age(noon).has_value());
  CHECK(watch.see(aged(3s), noon, 10s).age == 3s);
  CHECK(watch.last_lag() == 3s);
  CHECK(watch.see(aged(50s), noon, 10s).is == change::none);  // told late: an older one
  CHECK(watch.last_lag() == 50s);
  CHECK(watch.newest_age(noon + 4s) == 7s);
  CHECK(watch.newest_age(noon - 1min) == 0s);  // somebody has set the clock
}

TEST_CASE("lateness is told at its begin and at its end", "[lag]") {
  lag_watch watch{rule};
  CHECK(watch.see(aged(10s), noon, 10s).is == change::none);
  CHECK(watch.see(aged(10s), noon + 1ms, 10s).is == change::late);
  CHECK(watch.see(aged(9s), noon + 2s, 10s).is == change::none);
  CHECK(watch.see(aged(1s), noon + 2s, {}).is == change::none);  // not judged
  CHECK(watch.see(aged(0s), noon + 2s, 10s).is == change::in_time);
  CHECK(watch.see(aged(0s), noon + 3s, 10s).is == change::none);
  CHECK(watch.see(aged(0s), noon + 11s, 10s).is == change::late);
  watch.begin_link();
  CHECK(watch.see(aged(0s), noon + 12s, 10s).is == change::late);
}

TEST_CASE("the future is now, and the first far one in a row is told", "[lag]") {
  lag_watch watch{rule};
  CHECK(watch.see(aged(-1s), noon, 10s).ahead == 0ns);
  CHECK(watch.ahead() == 1);
  CHECK(watch.see(aged(-1001ms), noon, 10s).ahead == 1001ms);
  CHECK(watch.see(aged(-1h), noon, 10s).ahead == 0ns);
  CHECK(watch.last_lag() == 0s);
  CHECK(watch.newest_age(noon + 1s) == 1s);  // not in an hour
  CHECK(watch.see(aged(0s), noon, 10s).ahead == 0ns);
  CHECK(watch.ahead() == 3);
  CHECK(watch.see({{"at", std::numeric_limits<std::uint64_t>::max()}}, noon, 10s).ahead == latest - noon);
}

TEST_CASE("an event without a time is counted, and the first in a row is told", "[lag]") {
  lag_watch watch{rule};
  CHECK(watch.see({{"at", "x"}}, noon, 10s).is_unusable);
  CHECK_FALSE(watch.see(ordered_json::object(), noon, 10s).is_unusable);
  CHECK(watch.unusable() == 2);
  CHECK_FALSE(watch.newest_age(noon).has_value());
  CHECK_FALSE(watch.see(aged(1s), noon, 10s).is_unusable);
  CHECK(watch.see({{"at", nullptr}}, noon, 10s).is_unusable);
}

TEST_CASE("another rule is about other events, and counts go on", "[lag]") {
  lag_watch watch{rule};
  watch.see(aged(1s), noon, {});
  watch.adopt(rule);
  CHECK(watch.newest_age(noon) == 1s);
  config::lag_settings other = rule;
  other.unit = time_unit::s;
  watch.adopt(other);
  CHECK_FALSE(watch.newest_age(noon).has_value());
  CHECK_FALSE(watch.last_lag().has_value());
  CHECK(watch.histogram().counts[5] == 1);
}

TEST_CASE("late events are told, and do what the rule says", "[lag]") {
  const auto [action, gets, open] = GENERATE(table<std::string, std::size_t, bool>(
      {{"log", 1, true}, {"resubscribe", 2, true}, {"reconnect", 1, false}}));
  lag_scene s{", lag: {at_most: 10s, action: " + action + "}"};
  s.tick_aged(9s);
  CHECK(logged(s.play, "s: the newest event") == 0);
  s.tick_aged(60s);  // an old one, but the newest is in time still
  CHECK(logged(s.play, "s: the newest event") == 0);
  s.play.run_for(2s);
  s.tick_aged(60s);
  CHECK(logged(s.play, "s: the newest event of tick is 11.0 s old, allowed: 10.0 s") == 1);
  CHECK(s.sent().size() == gets);
  CHECK((s.play.session->state() == link_state::open) == open);
  CHECK(logged(s.play, "s: liveness: the newest event of tick is 11.0") == (open ? 0 : 1));
  if (!open) return;
  s.tick_aged(60s);
  s.tick_aged(0s);
  CHECK(logged(s.play, "s: the newest event of tick is") == 2);
  CHECK(logged(s.play, "s: the newest event of tick is 0 ms old: in time again") == 1);
}

TEST_CASE("silence alone is not lateness", "[lag]") {
  lag_scene s{", lag: {at_most: 10s, action: reconnect}"};
  s.tick_aged(1s);
  s.play.run_for(1h);
  CHECK(s.play.session->state() == link_state::open);
  CHECK(s.play.session->status().newest_event_age > 1h);
}

// Nobody can tell whose fault it is that they are old: outputs held them back.
TEST_CASE("what waited for an output is counted and not judged", "[lag]") {
  lag_scene s{", lag: {at_most: 10s, action: reconnect}"};
  s.play.out.full = true;
  s.tick_aged(0s);
  s.tick_aged(0s);
  s.play.run_for(1min);
  s.play.out.full = false;
  s.play.out.changed.notify();
  s.play.run_for(1s);
  CHECK(s.play.out.lines.size() == 2);
  CHECK(s.play.session->state() == link_state::open);
  CHECK(s.play.session->lag().last_lag() > 1min);
  s.tick_aged(2min);  // but what comes now is
  CHECK(s.play.session->state() != link_state::open);
}

TEST_CASE("a time that is none, or in the future, is told", "[lag]") {
  lag_scene s{""};
  s.tick({{"at", "soon"}});
  s.tick({{"at", "later"}});
  s.play.run_for(1ms);
  s.tick_aged(-90s);
  CHECK(logged(s.play, "s: tick.at is not a time: the lag of this event is not known") == 1);
  CHECK(logged(s.play, "s: tick.at is 90.0 s in the future: the lag of this event counts as 0") == 1);
  const std::string page = s.page();
  INFO(page);
  for (const char* line : {R"(duplexd_session_event_times_unusable_total{session="s"} 2)",
                           R"(duplexd_session_event_times_ahead_total{session="s"} 1)",
                           R"(duplexd_session_newest_event_age_seconds{session="s"} 0.001000)",
                           R"(duplexd_session_event_lag_seconds_bucket{session="s",le="0.001"} 1)",
                           R"(duplexd_session_event_lag_seconds_bucket{session="s",le="300"} 1)",
                           R"(duplexd_session_event_lag_seconds_bucket{session="s",le="+Inf"} 1)",
                           R"(duplexd_session_event_lag_seconds_sum{session="s"} 0.000000)",
                           R"(duplexd_session_event_lag_seconds_count{session="s"} 1)"}) {
    INFO("-- is not there: " << line);
    CHECK(page.find('\n' + std::string(line) + '\n') != std::string::npos);
  }
}

TEST_CASE("a session that names no field has no lag", "[lag]") {
  link_scene s{""};
  s.play.run_for(1s);
  s.tick({{"at", 1}});
  s.play.run_for(1s);
  metrics_page made;
  made.add(*s.play.session, s.play.time.now());
  const std::string page = std::move(made).take("1");
  CHECK(page.find("# TYPE duplexd_session_event_lag_seconds histogram") != std::string::npos);
  CHECK(page.find("event_lag_seconds_bucket") == std::string::npos);
  CHECK(page.find("event_age_seconds{") == std::string::npos);
  CHECK(page.find("times_unusable_total{") == std::string::npos);
}
