#include "daemon/cli/outbox.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "daemon/app/exit_code.hpp"
#include "daemon/app/open_journal.hpp"
#include "daemon/cli/config_option.hpp"
#include "daemon/cli/control_client.hpp"
#include "daemon/event/timestamp.hpp"
#include "daemon/journal/command_peek.hpp"
#include "daemon/journal/command_store.hpp"

namespace duplexd::cli {

namespace {

using json = nlohmann::ordered_json;

constexpr std::chrono::seconds answer_limit{10};

struct outbox_options {
  config_choice config;
  std::string socket;
  std::string session;
  std::string id;
  bool all = false;
};

int complain(const std::string& what, int code) {
  std::fprintf(stderr, "duplexd: %s\n", what.c_str());
  return code;
}

/// The journal's path and its commands, as they are now, whoever uses it. False: the exit code is in `code`.
bool read(const outbox_options& given, std::string& path, std::vector<kept_command>& out, int& code) {
  const auto settings = load_config(given.config, true, false);
  code = exit_config;
  if (!settings) return false;
  path = journal_path(settings->journal);
  code = exit_usage;
  if (path.empty())
    complain("the journal has no path: add journal: {path: FILE}, or set STATE_DIRECTORY", code);
  if (path.empty()) return false;
  const std::string failed = command_store::peek(path, out);
  code = exit_internal;
  if (!failed.empty()) complain(failed, code);
  return failed.empty();
}

json described(const kept_command& what) {
  const bool is_open = what.at != kept_command::stage::ended;
  json line{{"session", what.session},
            {"id", what.id},
            {"command", what.command},
            {"state", !is_open                                   ? what.end
                      : what.at == kept_command::stage::accepted ? "accepted"
                                                                 : "sending"},
            {"attempts", what.attempts},
            {"accepted", timestamp(what.accepted)}};
  if (is_open) line["expires"] = timestamp(what.accepted + what.ttl);
  if (!is_open) line["ended"] = timestamp(what.ended);
  if (!what.source.empty()) line["output"] = what.source;
  if (!what.why.empty()) line["why"] = what.why;
  if (is_open) line["with"] = json::parse(what.values, nullptr, false);
  return line;
}

int list(const outbox_options& given) {
  std::string path;
  std::vector<kept_command> found;
  int code = exit_success;
  if (!read(given, path, found, code)) return code;
  for (const kept_command& each : found) {
    const bool is_wanted = (given.all || each.at != kept_command::stage::ended) &&
                           (given.session.empty() || each.session == given.session);
    if (!is_wanted) continue;
    const std::string line = described(each).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
  return std::fflush(stdout) == 0 ? exit_success : exit_output_closed;
}

// No daemon answers: in the file itself, under its lock.
int cancel_in_file(const std::string& path, kept_command what) {
  journal_file::options how{.settings = {}, .outputs = {}, .moves_damaged = false};
  how.settings.file = path;
  const journal_file::opened opened = journal_file::open(how, std::chrono::system_clock::now());
  if (opened.file == nullptr)
    return complain(opened.error + "; a running daemon cancels over its control socket: --socket",
                    exit_refused);
  std::vector<kept_command> now;
  const auto loaded = command_store::load(*opened.file, now);
  if (!loaded.failed.empty()) return complain(loaded.failed, exit_internal);
  const auto same = [&](const kept_command& each) {
    return each.number == what.number && each.at == kept_command::stage::accepted;
  };
  if (std::ranges::none_of(now, same)) return complain("the command does not wait any more", exit_refused);
  what.at = kept_command::stage::ended;
  what.end = "refused";
  what.why = "cancelled";
  what.values.clear();
  what.ended = std::chrono::system_clock::now();
  const auto written = command_store::write(*opened.file, {.rows = {what}});
  opened.file->close();
  if (!written.failed.empty()) return complain(written.failed, exit_internal);
  std::printf("%s\n", described(what).dump().c_str());
  return exit_success;
}

bool is_open(const std::string& fate) {
  const json read = json::parse(fate, nullptr, false);
  return read.is_object() && !read.value("ended", true);
}

int cancel(const outbox_options& given) {
  constexpr std::chrono::milliseconds pause{50};
  constexpr int most_tries = 100;
  std::string path;
  std::vector<kept_command> found;
  int code = exit_success;
  if (!read(given, path, found, code)) return code;
  std::erase_if(found, [&](const kept_command& each) {
    return each.at == kept_command::stage::ended || each.id != given.id ||
           (!given.session.empty() && each.session != given.session);
  });
  if (found.empty()) return complain("no command with this id waits", exit_refused);
  if (found.size() > 1)
    return complain("several commands with this id wait: --session says which", exit_usage);
  const kept_command& what = found.front();
  const std::string target = "/api/v1/sessions/" + escaped(what.session) + "/commands/" + escaped(what.id);
  const control_client daemon(given.socket);
  control_answer answer = daemon.ask("DELETE", target, "", answer_limit);
  // Its end is told when it is on the disk.
  for (int tries = 0; answer.status / 100 == 2 && is_open(answer.body) && tries < most_tries; ++tries) {
    std::this_thread::sleep_for(pause);
    answer = daemon.ask("GET", target, "", answer_limit);
  }
  if (answer.status != 0) return report(answer);
  if (what.at == kept_command::stage::sending)
    return complain("the command was being sent: its daemon decides what becomes of it", exit_refused);
  return cancel_in_file(path, what);
}

}  // namespace

void add_outbox(CLI::App& app, int& exit_code) {
  CLI::App* const outbox =
      app.add_subcommand("outbox", "List and cancel the durable commands that wait in the journal");
  outbox->require_subcommand(1);
  auto given = std::make_shared<outbox_options>();
  CLI::App* const ls = outbox->add_subcommand("ls", "Print them as JSON lines");
  add_config_option(*ls, given->config);
  ls->add_option("--session", given->session, "Only those of this session");
  ls->add_flag("--all", given->all, "Also those that have ended and whose ids are known");
  ls->callback([given, &exit_code] { exit_code = list(*given); });
  CLI::App* const one = outbox->add_subcommand(
      "cancel", "End a command that waits: by the running daemon, or in the file if none uses it");
  // What stands alone is the command's id, not the file.
  one->add_option("-c,--config", given->config.file, "Configuration file, which names the journal")
      ->required();
  one->add_option("--env-file", given->config.environment_file,
                  "File with lines NAME=VALUE for ${env:NAME}; the environment takes precedence");
  add_socket_option(*one, given->socket);
  one->add_option("--session", given->session, "The command's session, if several have this id");
  one->add_option("ID", given->id, "The command's id")->required();
  one->callback([given, &exit_code] { exit_code = cancel(*given); });
}

}  // namespace duplexd::cli
