#pragma once

#include <string>

#include "config/settings/settings.hpp"
#include "daemon/journal/journal_file.hpp"

namespace duplexd {

/// Where the journal is: as configured, else in the first directory of $STATE_DIRECTORY (systemd.exec(5)).
/// Empty: nowhere.
[[nodiscard]] std::string journal_path(const config::journal_settings& settings);

/// Opens the journal of a configuration, whose path it completes. Without a durable output, command or
/// variable there is none, and no error.
[[nodiscard]] journal_file::opened open_journal(config::settings& settings);

}  // namespace duplexd
