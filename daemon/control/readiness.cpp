#include "daemon/control/readiness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "protocol/text/printable.hpp"

namespace duplexd {

namespace {

/// With three digits.
double seconds(clock::duration time) {
  return std::round(std::chrono::duration<double>(time).count() * 1000) / 1000;
}

bool is_ready(const session& which) {
  return !which.required() || which.phase() == session_phase::up || which.phase() == session_phase::inactive;
}

std::string text_of_cause(const fault& cause, const secret_index& secrets) {
  std::string text = protocol::one_line(text_of(cause));
  secrets.mask(text);
  return text;
}

}  // namespace

nlohmann::ordered_json describe(const session_status& status, clock::time_point now,
                                const secret_index& secrets) {
  nlohmann::ordered_json report{{"phase", name_of(status.phase)},
                                {"phase_seconds", seconds(now - status.since)}};
  if (status.cause) {
    report["cause"] = {{"class", config::name_of(status.cause->kind)},
                       {"text", text_of_cause(*status.cause, secrets)}};
    if (status.cause->http_status) report["cause"]["http_status"] = *status.cause->http_status;
    if (status.cause->close_code) report["cause"]["close_code"] = *status.cause->close_code;
  }
  if (status.next_attempt)
    report["next_attempt_seconds"] = seconds(std::max(*status.next_attempt - now, clock::duration::zero()));
  return report;
}

nlohmann::ordered_json describe_lag(const lag_watch& lag, const session_status& status) {
  nlohmann::ordered_json report = nlohmann::ordered_json::object();
  if (status.newest_event_age) report["newest_age_seconds"] = seconds(*status.newest_event_age);
  if (const auto last = lag.last_lag()) report["last_seconds"] = seconds(*last);
  report["times_unusable"] = lag.unusable();
  report["times_ahead"] = lag.ahead();
  return report;
}

readiness judge_readiness(const session_list& sessions, clock::time_point now, const secret_index& secrets) {
  readiness verdict;
  std::size_t up = 0;
  std::size_t unnamed = 0;
  nlohmann::ordered_json down = nlohmann::ordered_json::array();
  for (const auto& each : sessions) {
    if (each->phase() == session_phase::up) ++up;
    if (is_ready(*each)) continue;
    verdict.ready = false;
    if (down.size() == readiness::most_named) {
      ++unnamed;
      continue;
    }
    nlohmann::ordered_json entry{{"session", each->name()}};
    entry.update(describe(each->status(), now, secrets));
    down.push_back(std::move(entry));
  }
  verdict.report = {{"ready", verdict.ready}, {"sessions", sessions.size()}, {"up", up}, {"down", down}};
  if (unnamed > 0) verdict.report["unnamed"] = unnamed;
  return verdict;
}

std::string readiness_line(const session_list& sessions, const secret_index& secrets) {
  constexpr std::size_t most_named = 3;
  constexpr std::size_t most_of_cause = 100;
  const auto up =
      std::ranges::count(sessions, session_phase::up, [](const auto& each) { return each->phase(); });
  std::string line = fmt::format("{} of {} sessions up", up, sessions.size());
  std::size_t named = 0;
  for (const auto& each : sessions) {
    if (is_ready(*each)) continue;
    if (++named > most_named) continue;
    const session_status status = each->status();
    line += fmt::format("; {} {}", each->name(), name_of(status.phase));
    if (status.cause)
      line += ": " + protocol::printable(text_of_cause(*status.cause, secrets), most_of_cause);
  }
  if (named > most_named) line += fmt::format("; {} more are down", named - most_named);
  return line;
}

}  // namespace duplexd
