#include "daemon/telemetry/describe.hpp"
#include "daemon/telemetry/timestamp.hpp"
#include "tests/catch.hpp"

using namespace duplexd;
using namespace std::chrono_literals;

TEST_CASE("a failed attempt says phase, cause and next attempt") {
  const fault what{.kind = config::fault_class::http, .cause = "HTTP 503", .http_status = 503};
  const auto again = describe(happening::attempt_failed{what, 1500ms});
  CHECK(again.level == config::log_level::warning);
  CHECK(again.message == "http: HTTP 503; next attempt in 1.5 s");
  CHECK(again.fields.dump() ==
        R"({"class":"http","cause":"HTTP 503","http_status":503,"next_attempt_ms":1500})");
  const auto never = describe(happening::attempt_failed{what, {}});
  CHECK(never.level == config::log_level::error);
  CHECK(never.message == "http: HTTP 503; giving up");
}

TEST_CASE("a closed link says by whom and why") {
  CHECK(describe(happening::link_closed{{1000, "user quit"}, false}).message == "closed: 1000 user quit");
  CHECK(describe(happening::link_closed{{1005, ""}, true}).message == "closed by the server: without a code");
}

TEST_CASE("only what is described as debug may be skipped as debug") {
  const event events[] = {happening::attempting{}, happening::connected{},       happening::login_sent{},
                          happening::quit{},       happening::script_finished{}, happening::link_closed{},
                          happening::started{},    happening::undecodable{},     happening::login_accepted{}};
  for (const event& each : events)
    CHECK((level_of(each) == config::log_level::debug) == (describe(each).level == config::log_level::debug));
}

TEST_CASE("times are RFC 3339 in UTC with microseconds") {
  using std::chrono::system_clock;
  CHECK(timestamp(system_clock::time_point{}) == "1970-01-01T00:00:00.000000Z");
  CHECK(timestamp(system_clock::time_point{} + 951'827'696s + 7us) == "2000-02-29T12:34:56.000007Z");
}

TEST_CASE("what a server says stays on its line") {
  CHECK(one_line("bye\n2026-01-01 fake: line\x1b[0m") == "bye\\x0a2026-01-01 fake: line\\x1b[0m");
  CHECK(one_line("h\u00e9llo") == "h\u00e9llo");
}
