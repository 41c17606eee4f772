#include "daemon/cli/send.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/app/exit_code.hpp"
#include "daemon/cli/control_client.hpp"
#include "daemon/cli/typed_values.hpp"

namespace duplexd::cli {

namespace {

using json = nlohmann::ordered_json;

constexpr unsigned to_answer = 5;  // seconds, besides what is waited for

struct send_options {
  std::string socket;
  std::string session;
  std::string command;
  std::vector<std::string> values;
  std::string id;
  std::string wait = "end";
  unsigned timeout = 30;
};

int send(const send_options& given) {
  std::string error;
  const auto values = values_of(given.values, error);
  if (values && values->is_array()) error = fmt::format("'{}' is not FIELD=VALUE", given.values.front());
  if (!values || !error.empty()) {
    std::fprintf(stderr, "duplexd: %s\n", error.c_str());
    return exit_usage;
  }
  json body{{"command", given.command}, {"with", values->is_null() ? json::object() : *values}};
  if (!given.id.empty()) body["id"] = given.id;
  const std::string target = fmt::format("/api/v1/sessions/{}/commands?wait={}&timeout={}",
                                         escaped(given.session), given.wait, given.timeout);
  const std::string text = body.dump(-1, ' ', false, json::error_handler_t::replace);
  const control_answer answer =
      control_client(given.socket).ask("POST", target, text, std::chrono::seconds(given.timeout + to_answer));
  const int told = report(answer);
  if (told != exit_success || given.wait == "none") return told;
  const json fate = json::parse(answer.body, nullptr, false);
  const std::string state = fate.is_object() ? fate.value("state", "") : "";
  return state == "written" || state == "confirmed" ? exit_success : exit_refused;
}

}  // namespace

void add_send(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<send_options>();
  CLI::App* command = app.add_subcommand("send", "Send a command on a session of a running daemon");
  add_socket_option(*command, given->socket);
  command->add_option("session", given->session, "The session's name")->required();
  command->add_option("command", given->command, "The command's name")->required();
  command->add_option("values", given->values, "FIELD=VALUE: the value as JSON, or else as a text");
  command->add_option("--id", given->id, "Names the command and makes it safe to repeat");
  command->add_option("--wait", given->wait, "What to wait for: none, written, or end")
      ->check(CLI::IsMember({"none", "written", "end"}))
      ->capture_default_str();
  command->add_option("--timeout", given->timeout, "Seconds to wait, at most 300")
      ->check(CLI::Range(0, 300))
      ->capture_default_str();
  command->callback([given, &exit_code] { exit_code = send(*given); });
}

}  // namespace duplexd::cli
