#include "daemon/app/open_journal.hpp"

#include <chrono>
#include <cstdlib>
#include <string_view>

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
  if (how.outputs.empty()) return {};
  how.settings.file = settings.journal.file = journal_path(settings.journal);
  if (how.settings.file.empty()) {
    journal_file::opened none;
    none.error =
        "an output is durable, but the journal has no path: add journal: {path: FILE}, or set "
        "STATE_DIRECTORY as systemd does";
    return none;
  }
  return journal_file::open(how, std::chrono::system_clock::now());
}

}  // namespace duplexd
