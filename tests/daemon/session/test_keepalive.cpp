#include "daemon/session/keepalive.hpp"
#include "daemon/session/send_watch.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;

namespace {
const clock::time_point opened{};
}

TEST_CASE("a link is pinged at its interval, busy or not") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 60s};
  keepalive watch{settings, opened};
  CHECK_FALSE(watch.step(opened + 19s, opened + 19s).ping);
  CHECK(watch.step(opened + 20s, opened + 20s).ping);
  CHECK_FALSE(watch.step(opened + 21s, opened + 21s).ping);
  CHECK(watch.step(opened + 40s, opened + 40s).ping);
}

TEST_CASE("a link is dead when nothing was heard for the idle timeout, not before") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 60s};
  keepalive watch{settings, opened};
  CHECK_FALSE(watch.step(opened + 59'999ms, opened).dead);
  CHECK(watch.step(opened + 60s, opened).dead);
}

TEST_CASE("the next check is never later than what is due") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 25s};
  keepalive watch{settings, opened};
  CHECK(watch.step(opened, opened).check_at == opened + 20s);
  CHECK(watch.step(opened + 20s, opened).check_at == opened + 25s);
}

TEST_CASE("zero switches pings and the idle timeout off") {
  const config::liveness_settings settings{.ping_interval = 0s, .idle_timeout = 0s};
  keepalive watch{settings, opened};
  const auto step = watch.step(opened + 24h, opened);
  CHECK_FALSE(step.ping);
  CHECK_FALSE(step.dead);
  CHECK(step.check_at == clock::time_point::max());
}

// A look may come late. The next ping is an interval after the last one, not after when that was due.
TEST_CASE("pings are an interval apart, however late the look is") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 0s};
  keepalive watch{settings, opened};
  CHECK_FALSE(watch.step(opened + 20s - 1ns, opened).ping);
  const auto late = watch.step(opened + 27s, opened);
  CHECK(late.ping);
  CHECK(late.check_at == opened + 47s);
  CHECK_FALSE(watch.step(opened + 40s, opened).ping);
  CHECK(watch.step(opened + 46s, opened).check_at == opened + 47s);
  CHECK(watch.step(opened + 47s, opened).ping);
}

TEST_CASE("a dead link is not pinged, and the idle timeout is looked at in time") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 20s};
  keepalive watch{settings, opened};
  const auto over = watch.step(opened + 20s, opened);
  CHECK(over.dead);
  CHECK_FALSE(over.ping);
  const config::liveness_settings quiet{.ping_interval = 0s, .idle_timeout = 1ms};
  keepalive strict{quiet, opened};
  CHECK(strict.step(opened, opened).check_at == opened + 1ms);
  CHECK_FALSE(strict.step(opened + 1ms - 1ns, opened).dead);
  CHECK(strict.step(opened + 1ms, opened).dead);
  CHECK(strict.step(opened + 5s, opened + 5s).check_at == opened + 5s + 1ms);
}

TEST_CASE("without an idle timeout only pings are looked at") {
  const config::liveness_settings settings{.ping_interval = 1ms, .idle_timeout = 0s};
  keepalive watch{settings, opened};
  const auto step = watch.step(opened + 24h, opened);
  CHECK(step.ping);
  CHECK_FALSE(step.dead);
  CHECK(step.check_at == opened + 24h + 1ms);
}

// Its pings may lie unread in the kernel, or its machine's answer was never asked for.
TEST_CASE("a peer that was silent while we slept is pinged once before it is given up") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 60s};
  keepalive watch{settings, opened};
  CHECK(watch.step(opened, opened).check_at == opened + 20s);
  const auto awake = watch.step(opened + 1h, opened);
  CHECK(awake.ping);
  CHECK_FALSE(awake.dead);
  CHECK(awake.check_at == opened + 1h + keepalive::waking_answer);
  SECTION("it does not answer") {
    CHECK_FALSE(watch.step(opened + 1h + 1s, opened).dead);
    CHECK_FALSE(watch.step(opened + 1h + 1s, opened).ping);
    CHECK(watch.step(opened + 1h + keepalive::waking_answer, opened).dead);
  }
  SECTION("it answers: all is as before") {
    const auto heard = opened + 1h + 1s;
    CHECK_FALSE(watch.step(heard, heard).dead);
    CHECK(watch.step(opened + 1h + 20s, heard).ping);
    CHECK(watch.step(opened + 1h + 40s, heard).ping);
    CHECK_FALSE(watch.step(opened + 1h + 60s, heard).dead);
    CHECK(watch.step(heard + 60s, heard).dead);
  }
}

TEST_CASE("a call that is late by less than a sleep spares nobody") {
  const config::liveness_settings settings{.ping_interval = 0s, .idle_timeout = 1s};
  keepalive watch{settings, opened};
  CHECK(watch.step(opened, opened).check_at == opened + 1s);
  CHECK(watch.step(opened + 1s + keepalive::sleep - 1ms, opened).dead);
  keepalive other{settings, opened};
  CHECK(other.step(opened, opened).check_at == opened + 1s);
  const auto awake = other.step(opened + 1s + keepalive::sleep, opened);
  CHECK(awake.ping);
  CHECK(awake.check_at == opened + 2s + keepalive::sleep);  // no longer than the idle timeout
}

TEST_CASE("a peer that took nothing while we slept has the whole limit again") {
  send_watch watch{10s, opened};
  CHECK(watch.check_at(opened) == opened + 5s);
  CHECK_FALSE(watch.is_stuck(opened + 1h, {.pending = 5, .delivered = 0}));
  CHECK(watch.check_at(opened + 1h) == opened + 1h + 5s);
  CHECK_FALSE(watch.is_stuck(opened + 1h + 5s, {.pending = 5, .delivered = 0}));
  CHECK(watch.check_at(opened + 1h + 5s) == opened + 1h + 10s);
  CHECK(watch.is_stuck(opened + 1h + 10s, {.pending = 5, .delivered = 0}));
}

TEST_CASE("a peer is stuck when nothing that is pending is delivered for the limit") {
  send_watch watch{10s, opened};
  CHECK_FALSE(watch.is_stuck(opened + 9'999ms, {.pending = 5, .delivered = 0}));
  CHECK(watch.check_at(opened + 6s) == opened + 10s);
  CHECK(watch.is_stuck(opened + 10s, {.pending = 5, .delivered = 0}));
  CHECK_FALSE(watch.is_stuck(opened + 11s, {.pending = 9, .delivered = 1}));  // slow is not stuck
  CHECK_FALSE(watch.is_stuck(opened + 20s, {.pending = 8, .delivered = 1}));
  CHECK_FALSE(watch.is_stuck(opened + 25s, {.pending = 0, .delivered = 1}));  // nothing to deliver
  CHECK(watch.check_at(opened + 25s) == opened + 30s);
  CHECK_FALSE(watch.is_stuck(opened + 30s, {.pending = 1, .delivered = 1}));
  CHECK(watch.check_at(opened + 30s) == opened + 35s);
  CHECK_FALSE(watch.is_stuck(opened + 34s, {.pending = 1, .delivered = 1}));
  CHECK(watch.is_stuck(opened + 35s, {.pending = 1, .delivered = 1}));
}

TEST_CASE("without a limit no peer is stuck") {
  send_watch watch{0s, opened};
  CHECK_FALSE(watch.is_stuck(opened + 24h, {.pending = 1, .delivered = 0}));
  CHECK(watch.check_at(opened) == clock::time_point::max());
}
