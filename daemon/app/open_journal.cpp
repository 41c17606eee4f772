#include "daemon/app/open_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>

#include "daemon/journal/command_store.hpp"

namespace duplexd {

std::string journal_path(const config::journal_settings& settings) {
  if (!settings.file.empty()) return settings.file;
  const char* given = std::getenv("STATE_DIRECTORY");
  const std::string_view first = std::string_view(given == nullptr ? "" : given);
  const std::string_view directory = first.substr(0, first.find(':'));
  return directory.empty() ? "" : std::string(directory) + "/journal.db";
}

journal_file::opened open_journal(config::settings& settings) {
  journal_file::options how{.settings = settings.journal};
  for (const config::output_settings& each : settings.outputs)
    if (each.durable) how.outputs.insert(each.name);
  bool is_used = !how.outputs.empty();
  for (const config::session_settings& session : settings.sessions) {
    for (const auto& [name, command] : session.commands) is_used |= command.durable;
    for (const auto& [name, variable] : session.variables) is_used |= variable.durable;
    is_used |= std::ranges::any_of(session.liveness.sequence, &config::sequence_settings::durable);
  }
  if (!is_used) return {};
  how.settings.file = settings.journal.file = journal_path(settings.journal);
  if (how.settings.file.empty()) {
    journal_file::opened none;
    none.error =
        "an output, a command, a variable or a sequence is durable, but the journal has no path: add "
        "journal: {path: FILE}, or set STATE_DIRECTORY as systemd does";
    return none;
  }
  journal_file::opened made = journal_file::open(how, std::chrono::system_clock::now());
  if (made.file == nullptr) return made;
  std::vector<kept_command> ignored;
  if (const auto read = command_store::load(*made.file, ignored); !read.failed.empty()) {
    made.error = "the commands of the journal cannot be read: " + read.failed;
    made.file.reset();
  }
  return made;
}

}  // namespace duplexd
