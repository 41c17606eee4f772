#include "daemon/cli/status.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/app/exit_code.hpp"
#include "daemon/cli/control_client.hpp"
#include "protocol/text/printable.hpp"

namespace duplexd::cli {

namespace {

using json = nlohmann::ordered_json;

constexpr std::chrono::seconds status_limit{5};

struct status_options {
  std::string socket;
  std::string session;
  bool as_json = false;
};

/// One session as a line: "feed  waiting  3.2 s  connect: connection refused; next attempt in 12.4 s".
std::string line_of(const json& session) {
  std::string line = fmt::format("{:<24} {:<10} {:>9.1f} s", session.value("session", ""),
                                 session.value("phase", ""), session.value("phase_seconds", 0.0));
  if (session.contains("cause"))
    line += fmt::format("  {}: {}", session["cause"].value("class", ""), session["cause"].value("text", ""));
  if (session.contains("next_attempt_seconds"))
    line += fmt::format("; next attempt in {:.1f} s", session.value("next_attempt_seconds", 0.0));
  if (session.contains("lag") && session["lag"].contains("newest_age_seconds"))
    line += fmt::format("  newest event {:.1f} s old", session["lag"].value("newest_age_seconds", 0.0));
  return protocol::one_line(line) + "\n";
}

int status(const status_options& given) {
  const control_client daemon(given.socket);
  if (!given.session.empty())
    return report(daemon.ask("GET", "/api/v1/sessions/" + escaped(given.session), "", status_limit));
  std::string after;
  do {
    const std::string target =
        "/api/v1/sessions?limit=1000" + (after.empty() ? "" : "&after=" + escaped(after));
    const control_answer answer = daemon.ask("GET", target, "", status_limit);
    if (answer.status != 200) return report(answer);
    const json page = json::parse(answer.body, nullptr, false);
    if (!page.is_object() || !page.contains("sessions")) return exit_internal;
    for (const json& each : page["sessions"]) {
      const std::string line = given.as_json ? each.dump() + "\n" : line_of(each);
      std::fwrite(line.data(), 1, line.size(), stdout);
    }
    after = page.value("next", "");
  } while (!after.empty());
  return std::fflush(stdout) == 0 ? exit_success : exit_output_closed;
}

}  // namespace

void add_status(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<status_options>();
  CLI::App* command = app.add_subcommand("status", "Print where the sessions of a running daemon stand");
  add_socket_option(*command, given->socket);
  command->add_option("session", given->session, "Only this session, with all that is known of it, as JSON");
  command->add_flag("--json", given->as_json, "Print a JSON object for each session");
  command->callback([given, &exit_code] { exit_code = status(*given); });
}

}  // namespace duplexd::cli
