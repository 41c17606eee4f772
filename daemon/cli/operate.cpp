#include "daemon/cli/operate.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon/app/exit_code.hpp"
#include "daemon/cli/control_client.hpp"

namespace duplexd::cli {

namespace {

constexpr std::chrono::seconds answer_limit{5};
constexpr std::chrono::seconds reload_limit{60};

struct operate_options {
  std::string socket;
  std::string argument;
};

void add_action(CLI::App& app, const std::string& name, const std::string& doc, int& exit_code) {
  auto given = std::make_shared<operate_options>();
  CLI::App* command = app.add_subcommand(name, doc);
  add_socket_option(*command, given->socket);
  command->add_option("session", given->argument, "The session's name")->required();
  command->callback([given, name, &exit_code] {
    const std::string target = "/api/v1/sessions/" + escaped(given->argument) + "/" + name;
    exit_code = report(control_client(given->socket).ask("POST", target, "", answer_limit));
  });
}

void add_log_level(CLI::App& app, int& exit_code) {
  struct log_options {
    std::string socket;
    std::string level;
    std::optional<std::string> session;
  };
  auto given = std::make_shared<log_options>();
  CLI::App* command = app.add_subcommand(
      "log-level", "Set the lowest level that a running daemon logs; without LEVEL, print what it is");
  add_socket_option(*command, given->socket);
  CLI::Option* level =
      command
          ->add_option("level", given->level,
                       "debug, info, warning or error; default: the session has no level of its own any more")
          ->check(CLI::IsMember({"debug", "info", "warning", "error", "default"}));
  command->add_option("--session", given->session, "The level is this session's only")->needs(level);
  command->callback([given, &exit_code] {
    nlohmann::ordered_json body{{"level", given->level}};
    if (given->session) body["session"] = *given->session;
    const std::string text = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    const control_client client(given->socket);
    exit_code = report(given->level.empty() ? client.ask("GET", "/api/v1/log", "", answer_limit)
                                            : client.ask("PUT", "/api/v1/log", text, answer_limit));
  });
}

void add_reload(CLI::App& app, int& exit_code) {
  struct reload_options {
    std::string socket;
    bool dry_run = false;
  };
  auto given = std::make_shared<reload_options>();
  CLI::App* command = app.add_subcommand("reload", "Make a running daemon take its changed configuration");
  add_socket_option(*command, given->socket);
  command->add_flag("--dry-run", given->dry_run, "Print what would be done");
  command->callback([given, &exit_code] {
    const std::string target = given->dry_run ? "/api/v1/reload?dry_run=true" : "/api/v1/reload";
    exit_code = report(control_client(given->socket).ask("POST", target, "", reload_limit));
  });
}

void add_health(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<operate_options>();
  CLI::App* command = app.add_subcommand("health", "Check that the event loop of a running daemon answers");
  add_socket_option(*command, given->socket);
  command->callback([given, &exit_code] {
    control_answer answer =
        control_client(given->socket).ask("GET", "/api/v1/sessions?limit=1", "", answer_limit);
    if (answer.status == 200) answer.body = "the event loop answers\n";
    exit_code = report(answer);
  });
}

}  // namespace

void add_operate(CLI::App& app, int& exit_code) {
  add_action(app, "pause", "Close a session's connection and connect no more until it is resumed", exit_code);
  add_action(app, "resume", "End a session's pause or drain", exit_code);
  add_action(app, "reconnect", "Close a session's connection, or end its wait, and connect at once",
             exit_code);
  add_action(app, "drain", "Refuse a session's further commands and pause it when the others have ended",
             exit_code);
  add_log_level(app, exit_code);
  add_reload(app, exit_code);
  add_health(app, exit_code);
}

}  // namespace duplexd::cli
