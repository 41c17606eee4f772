#include "daemon/session/sentry.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;

namespace {
const clock::time_point start{};
}

TEST_CASE("a link is pinged at its interval, busy or not") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 60s};
  sentry watch{settings, start};
  CHECK_FALSE(watch.step(start + 19s, start + 19s).ping);
  CHECK(watch.step(start + 20s, start + 20s).ping);
  CHECK_FALSE(watch.step(start + 21s, start + 21s).ping);
  CHECK(watch.step(start + 40s, start + 40s).ping);
}

TEST_CASE("a link is dead when nothing was heard for the idle timeout, not before") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 60s};
  sentry watch{settings, start};
  CHECK_FALSE(watch.step(start + 59'999ms, start).dead);
  CHECK(watch.step(start + 60s, start).dead);
}

TEST_CASE("the next look is never later than what is due") {
  const config::liveness_settings settings{.ping_interval = 20s, .idle_timeout = 25s};
  sentry watch{settings, start};
  CHECK(watch.step(start, start).look_at == start + 20s);
  CHECK(watch.step(start + 20s, start).look_at == start + 25s);
}

TEST_CASE("zero switches pings and the idle timeout off") {
  const config::liveness_settings settings{.ping_interval = 0s, .idle_timeout = 0s};
  sentry watch{settings, start};
  const auto step = watch.step(start + 24h, start);
  CHECK_FALSE(step.ping);
  CHECK_FALSE(step.dead);
  CHECK(step.look_at == clock::time_point::max());
}
