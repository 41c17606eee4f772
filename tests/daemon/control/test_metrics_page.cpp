// What monitoring sees of sessions: metrics, and whether the daemon is ready.
#include "daemon/control/metrics_page.hpp"
#include "daemon/control/readiness.hpp"
#include "tests/catch.hpp"
#include "tests/daemon/support/talk.hpp"

using namespace duplexd;
using namespace duplexd::test;
using namespace std::chrono_literals;
using nlohmann::ordered_json;

namespace {

std::string page_of(stage& play) {
  metrics_page page;
  page.add(*play.session, play.time.now());
  return std::move(page).take("1.2\"3");
}

bool has_line(const std::string& page, const std::string& line) {
  return page.find('\n' + line + '\n') != std::string::npos;
}

readiness judge(stage& play) {
  return judge_readiness({play.session}, play.time.now(), play.secrets);
}

}  // namespace

TEST_CASE("what a session has counted is on the page", "[metrics]") {
  stage play{talk_yaml("    commands: {get: {confirm: got, correlate: {id: id}, timeout: 3s}}\n")};
  play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  auto server = play.accept();
  server->on_message = answer_gets;
  CHECK(has_line(page_of(play), R"(duplexd_session_up{session="s"} 0)"));
  play.run_for(2s);
  play.session->submit("get", {{"id", 1}});
  play.session->submit("nonsense", {});
  server->say(say({{"op", "tick"}, {"id", 1}}));
  server->say(text("what?"));
  play.run_for(1s);
  const std::string page = page_of(play);
  for (const char* line :
       {R"(duplexd_build_info{version="1.2\"3"} 1)", R"(duplexd_session_up{session="s"} 1)",
        R"(duplexd_session_attempts_total{session="s"} 2)",
        R"(duplexd_session_connections_total{session="s"} 1)",
        R"(duplexd_session_logins_total{session="s"} 1)", R"(duplexd_session_faults_total{session="s"} 1)",
        R"(duplexd_session_undecodable_total{session="s"} 1)",
        R"(duplexd_session_commands_total{session="s"} 2)",
        R"(duplexd_session_commands_unsuccessful_total{session="s"} 1)",
        R"(duplexd_session_sent_messages_total{session="s"} 1)",
        R"(duplexd_session_replies_total{session="s",reply="got"} 1)",
        R"(duplexd_session_replies_total{session="s",reply="tick"} 1)",
        R"(duplexd_session_replies_total{session="s",reply="done"} 0)"}) {
    INFO(page << "\n-- is not there: " << line);
    CHECK(has_line(page, line));
  }
  // Nothing is known of the round trip of a scripted link.
  CHECK(page.find("duplexd_session_round_trip_seconds{") == std::string::npos);
  play.session->stop();
  play.run_for(1s);
  CHECK(has_line(page_of(play), R"(duplexd_session_up{session="s"} 0)"));
}

TEST_CASE("the daemon is ready while its required sessions are up", "[readiness]") {
  stage play{talk_yaml("    reconnect: {initial: 4s, maximum: 4s, jitter: none}\n")};
  play.refuse({.kind = config::fault_class::http, .cause = "HTTP 500\nx", .http_status = 500});
  auto server = play.accept();
  play.run_for(1s);
  CHECK_FALSE(judge(play).ready);
  CHECK(
      judge(play).report.dump() ==
      R"({"ready":false,"sessions":1,"up":0,"down":[{"session":"s","phase":"waiting","phase_seconds":1.0,)"
      R"("cause":{"class":"http","text":"HTTP 500\\x0ax","http_status":500},"next_attempt_seconds":3.0}]})");
  CHECK(readiness_line({play.session}, play.secrets) == R"(0 of 1 sessions up; s waiting: HTTP 500\x0ax)");
  play.run_for(4s);
  CHECK(readiness_line({play.session}, play.secrets) == "1 of 1 sessions up");
  CHECK(judge(play).ready);
  CHECK(judge(play).report.dump() == R"({"ready":true,"sessions":1,"up":1,"down":[]})");
  server->vanish({.kind = config::fault_class::lost, .cause = "gone"});
  play.run_for(0s);
  CHECK_FALSE(judge(play).ready);
  play.session->stop();
  play.run_for(1s);
  CHECK(judge(play).report["down"][0]["phase"] == "ended");
}

TEST_CASE("a session that is not required, or outside of its hours, is not waited for", "[readiness]") {
  const std::string more = GENERATE(as<std::string>{}, "    required: false\n",
                                    "    active: {time_zone: UTC, windows: ['Sat 00:00-00:01']}\n");
  stage play{talk_yaml(more)};
  play.refuse({.kind = config::fault_class::connect, .cause = "refused"});
  play.run_for(0s);
  INFO(judge(play).report.dump());
  CHECK(judge(play).ready);
  CHECK(judge(play).report["up"] == 0);
  play.session->stop();
  play.run_for(1s);
}

TEST_CASE("of many sessions that are down only some are named", "[readiness]") {
  stage play{talk_yaml("")};
  const auto report = [&](std::size_t count) {
    const session_list all(count, play.session);
    return judge_readiness(all, play.time.now(), play.secrets).report;
  };
  CHECK(report(readiness::most_named)["down"].size() == readiness::most_named);
  CHECK_FALSE(report(readiness::most_named).contains("unnamed"));
  CHECK(report(readiness::most_named + 1)["down"].size() == readiness::most_named);
  CHECK(report(readiness::most_named + 1)["unnamed"] == 1);
  CHECK(readiness_line(session_list(4, play.session), play.secrets) ==
        "0 of 4 sessions up; s starting; s starting; s starting; 1 more are down");
}
