#include "daemon/cli/tap.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "daemon/app/exit_code.hpp"
#include "daemon/cli/control_client.hpp"
#include "daemon/cli/event_form.hpp"
#include "daemon/control/event_follower.hpp"
#include "daemon/event/pretty_line.hpp"

namespace duplexd::cli {

namespace {

struct tap_options {
  std::string socket;
  std::string session;
  std::string reply;
  unsigned count = 0;
  unsigned sample = 1;
  event_form events;
};

int tap(const tap_options& given) {
  std::string target = "/api/v1/events?";
  if (!given.session.empty()) target += "session=" + escaped(given.session) + "&";
  if (!given.reply.empty()) target += "reply=" + escaped(given.reply) + "&";
  if (given.sample != 1) target += fmt::format("sample={}&", given.sample);
  target.pop_back();
  const bool for_people = given.events.is_for_people();
  unsigned lines = 0;
  bool broken = false;
  std::string begun;  // of a line whose end has not come
  const auto print = [&](std::string_view line) {
    const std::string shown = for_people ? pretty_line(line) : std::string(line);
    broken = std::fwrite(shown.data(), 1, shown.size(), stdout) != shown.size();
    ++lines;
    return !broken && (given.count == 0 || lines < given.count);
  };
  const control_answer answer = control_client(given.socket).follow(target, [&](std::string_view piece) {
    bool go_on = true;
    begun += piece;
    std::size_t from = 0;
    for (auto end = begun.find('\n'); go_on && end != std::string::npos; end = begun.find('\n', from)) {
      go_on = print(std::string_view{begun}.substr(from, end + 1 - from));
      from = end + 1;
    }
    begun.erase(0, from);
    broken = std::fflush(stdout) != 0 || broken;
    return go_on && !broken;
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
  command
      ->add_option("--sample", given->sample,
                   "Only every Nth of these events: with 10 the 10th, the 20th and so on")
      ->check(CLI::Range(1U, event_follower::largest_sample));
  command->add_option("-n,--count", given->count, "End after so many events");
  add_event_form(*command, given->events);
  command->callback([given, &exit_code] { exit_code = tap(*given); });
}

}  // namespace duplexd::cli
