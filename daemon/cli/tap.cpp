#include "daemon/cli/tap.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "daemon/app/exit_code.hpp"
#include "daemon/cli/control_client.hpp"

namespace duplexd::cli {

namespace {

struct tap_options {
  std::string socket;
  std::string session;
  std::string reply;
  unsigned count = 0;
};

int tap(const tap_options& given) {
  std::string target = "/api/v1/events?";
  if (!given.session.empty()) target += "session=" + escaped(given.session) + "&";
  if (!given.reply.empty()) target += "reply=" + escaped(given.reply) + "&";
  target.pop_back();
  unsigned lines = 0;
  bool broken = false;
  const control_answer answer = control_client(given.socket).follow(target, [&](std::string_view piece) {
    std::string_view shown = piece;
    if (given.count > 0) {
      std::size_t end = 0;
      while (lines < given.count && end < piece.size()) {
        const auto line = piece.find('\n', end);
        if (line == std::string_view::npos) {
          end = piece.size();
          break;
        }
        end = line + 1;
        ++lines;
      }
      shown = piece.substr(0, end);
    }
    broken = std::fwrite(shown.data(), 1, shown.size(), stdout) != shown.size() || std::fflush(stdout) != 0;
    return !broken && (given.count == 0 || lines < given.count);
  });
  if (broken) return exit_output_closed;
  if (answer.status != 200) return report(answer);
  if (!answer.error.empty()) std::fprintf(stderr, "duplexd: %s\n", answer.error.c_str());
  return answer.error.empty() ? exit_success : exit_no_daemon;
}

}  // namespace

void add_tap(CLI::App& app, int& exit_code) {
  auto given = std::make_shared<tap_options>();
  CLI::App* command = app.add_subcommand("tap", "Print the events of a running daemon as they happen");
  add_socket_option(*command, given->socket);
  command->add_option("--session", given->session, "Only events of this session");
  command->add_option("--reply", given->reply, "Only events of this reply");
  command->add_option("-n,--count", given->count, "End after so many events");
  command->callback([given, &exit_code] { exit_code = tap(*given); });
}

}  // namespace duplexd::cli
