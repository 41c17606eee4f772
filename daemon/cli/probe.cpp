#include "daemon/cli/probe.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/app/exit_code.hpp"
#include "daemon/app/probe.hpp"
#include "daemon/cli/config_option.hpp"

namespace duplexd::cli {

namespace {

using json = nlohmann::ordered_json;

struct options {
  config_choice config;
  std::string session;
  double timeout = 30;  // seconds, for each session
  bool all = false;
  bool as_json = false;
};

double milliseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e6;
}

exit_code code_of(const probe_report& report) {
  if (!report.failed) return exit_success;
  switch (*report.failed) {
    case probe_phase::prepare:
      return exit_probe_prepare;
    case probe_phase::dns:
      return exit_probe_dns;
    case probe_phase::tcp:
      return exit_probe_tcp;
    case probe_phase::proxy:
      return exit_probe_proxy;
    case probe_phase::tls:
      return exit_probe_tls;
    case probe_phase::websocket:
      return exit_probe_websocket;
    case probe_phase::login:
      return exit_probe_login;
    case probe_phase::reply:
      return exit_probe_reply;
  }
  return exit_internal;
}

/// At once, for who looks on.
void print_row(const probe_row& row) {
  const std::string name{name_of(row.phase)};
  std::printf("%-10s  %-6s  %9.1f ms  %s\n", name.c_str(), row.ok ? "ok" : "FAILED", milliseconds(row.took),
              row.text.c_str());
  std::fflush(stdout);
}

probe_report print_table(const config::session_settings& session, std::chrono::milliseconds limit) {
  std::printf("%s: %s\n", session.name.c_str(), session.urls.front().display().c_str());
  std::fflush(stdout);
  probe look{session};
  probe_report report = look.run(limit, print_row);
  std::chrono::nanoseconds all{0};
  for (const probe_row& row : report.rows) all += row.took;
  std::printf("%-10s  %-6s  %9.1f ms\n", "all", report.failed ? "FAILED" : "ok", milliseconds(all));
  return report;
}

void print_json(const config::session_settings& session, const probe_report& report) {
  json phases = json::array();
  for (const probe_row& row : report.rows) {
    json each{{"phase", name_of(row.phase)}, {"ok", row.ok}, {"ms", milliseconds(row.took)}};
    if (row.details.is_object()) each.update(row.details);
    phases.push_back(std::move(each));
  }
  json all{{"session", session.name},
           {"url", session.urls.front().display()},
           {"ok", !report.failed},
           {"failed", report.failed ? json(name_of(*report.failed)) : json()},
           {"phases", std::move(phases)}};
  std::printf("%s\n", all.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

/// The session of that name, or the only one; null after a complaint.
const config::session_settings* choose(const config::settings& settings, const std::string& name) {
  std::string names;
  for (const config::session_settings& each : settings.sessions) {
    if (each.name == name || (name.empty() && settings.sessions.size() == 1)) return &each;
    names += (names.empty() ? "" : ", ") + each.name;
  }
  std::fprintf(stderr, "%s; available: %s\n", name.empty() ? "choose a session" : "no such session",
               names.c_str());
  return nullptr;
}

int probe_all(options given) {
  std::signal(SIGPIPE, SIG_IGN);
  unit_credentials credentials;
  if (const std::string wrong = follow_unit(given.config, credentials); !wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    return exit_config;
  }
  const auto settings = load_config(given.config, false, false);
  if (!settings) return exit_config;
  const config::session_settings* chosen = given.all ? nullptr : choose(*settings, given.session);
  if (chosen == nullptr && !given.all) return exit_usage;
  const std::chrono::milliseconds limit{static_cast<std::int64_t>(given.timeout * 1000)};
  exit_code result = exit_success;
  for (const config::session_settings& session : settings->sessions) {
    if (chosen != nullptr && &session != chosen) continue;
    probe_report report;
    if (given.as_json) {
      probe look{session};
      report = look.run(limit);
      print_json(session, report);
    } else {
      report = print_table(session, limit);
    }
    if (result == exit_success) result = code_of(report);
  }
  return std::fflush(stdout) == 0 ? result : exit_output_closed;
}

}  // namespace

void add_probe(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<options>();
  CLI::App* command = app.add_subcommand(
      "probe", "Connect once, log in, wait for the first message, and show how long each phase takes");
  add_config_option(*command, given->config);
  add_unit_option(*command, given->config);
  auto* session = command->add_option("SESSION", given->session, "The session, if there are several");
  command->add_flag("--all", given->all, "Probe every session of the file, one after the other")
      ->excludes(session);
  command
      ->add_option("--timeout", given->timeout,
                   "Time limit for each session in seconds, the close included (default: 30)")
      ->check(CLI::Range(0.001, 86400.0));
  command->add_flag("--json", given->as_json, "Print a JSON object for each session instead of a table");
  command->callback([given, &exit_code] { exit_code = probe_all(*given); });
}

}  // namespace duplexd::cli
