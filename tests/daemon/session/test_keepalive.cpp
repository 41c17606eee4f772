#include "daemon/session/keepalive.hpp"
#include "daemon/session/send_watch.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;

namespace {
const clock::time_point start{};
}

TEST_CASE("a link is pinged at its interval, busy or not") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 60s};
  keepalive watch{settings, start};
  CHECK_FALSE(watch.step(start + 19s, start + 19s).ping);
  CHECK(watch.step(start + 20s, start + 20s).ping);
  CHECK_FALSE(watch.step(start + 21s, start + 21s).ping);
  CHECK(watch.step(start + 40s, start + 40s).ping);
}

TEST_CASE("a link is dead when nothing was heard for the idle timeout, not before") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 60s};
  keepalive watch{settings, start};
  CHECK_FALSE(watch.step(start + 59'999ms, start).dead);
  CHECK(watch.step(start + 60s, start).dead);
}

TEST_CASE("the next check is never later than what is due") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 25s};
  keepalive watch{settings, start};
  CHECK(watch.step(start, start).check_at == start + 20s);
  CHECK(watch.step(start + 20s, start).check_at == start + 25s);
}

TEST_CASE("zero switches pings and the idle timeout off") {
  const config::liveness_settings settings{.ping_interval = 0s, .idle_timeout = 0s};
  keepalive watch{settings, start};
  const auto step = watch.step(start + 24h, start);
  CHECK_FALSE(step.ping);
  CHECK_FALSE(step.dead);
  CHECK(step.check_at == clock::time_point::max());
}

// A look may come late. The next ping is an interval after the last one, not after when that was due.
TEST_CASE("pings are an interval apart, however late the look is") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 0s};
  keepalive watch{settings, start};
  CHECK_FALSE(watch.step(start + 20s - 1ns, start).ping);
  const auto late = watch.step(start + 27s, start);
  CHECK(late.ping);
  CHECK(late.check_at == start + 47s);
  CHECK_FALSE(watch.step(start + 40s, start).ping);
  CHECK(watch.step(start + 46s, start).check_at == start + 47s);
  CHECK(watch.step(start + 47s, start).ping);
}

TEST_CASE("a dead link is not pinged, and the idle timeout is looked at in time") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 20s};
  keepalive watch{settings, start};
  const auto over = watch.step(start + 20s, start);
  CHECK(over.dead);
  CHECK_FALSE(over.ping);
  const config::liveness_settings quiet{.ping_interval = 0s, .idle_timeout = 1ms};
  keepalive strict{quiet, start};
  CHECK(strict.step(start, start).check_at == start + 1ms);
  CHECK_FALSE(strict.step(start + 1ms - 1ns, start).dead);
  CHECK(strict.step(start + 1ms, start).dead);
  CHECK(strict.step(start + 5s, start + 5s).check_at == start + 5s + 1ms);
}

TEST_CASE("without an idle timeout only pings are looked at") {
  const config::liveness_settings settings{.ping_interval = 1ms, .idle_timeout = 0s};
  keepalive watch{settings, start};
  const auto step = watch.step(start + 24h, start);
  CHECK(step.ping);
  CHECK_FALSE(step.dead);
  CHECK(step.check_at == start + 24h + 1ms);
}

TEST_CASE("a peer is stuck when nothing that is pending is delivered for the limit") {
  send_watch watch{10s, start};
  CHECK_FALSE(watch.is_stuck(start + 9'999ms, {.pending = 5, .delivered = 0}));
  CHECK(watch.check_at(start + 6s) == start + 10s);
  CHECK(watch.is_stuck(start + 10s, {.pending = 5, .delivered = 0}));
  CHECK_FALSE(watch.is_stuck(start + 11s, {.pending = 9, .delivered = 1}));  // slow is not stuck
  CHECK_FALSE(watch.is_stuck(start + 20s, {.pending = 8, .delivered = 1}));
  CHECK_FALSE(watch.is_stuck(start + 25s, {.pending = 0, .delivered = 1}));  // nothing to deliver
  CHECK(watch.check_at(start + 25s) == start + 30s);
  CHECK_FALSE(watch.is_stuck(start + 34s, {.pending = 1, .delivered = 1}));
  CHECK(watch.is_stuck(start + 35s, {.pending = 1, .delivered = 1}));
}

TEST_CASE("without a limit no peer is stuck") {
  send_watch watch{0s, start};
  CHECK_FALSE(watch.is_stuck(start + 24h, {.pending = 1, .delivered = 0}));
  CHECK(watch.check_at(start) == clock::time_point::max());
}
