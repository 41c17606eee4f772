#pragma once

#include <string_view>

#include "config/settings/settings.hpp"

namespace duplexd {

/// Whether stderr is read by journald, systemd.exec(5).
[[nodiscard]] bool journal_listens();

/// What journald reads from the start of a line and leaves out, sd-daemon(3): `<3>` for an error.
[[nodiscard]] std::string_view journal_priority(config::log_level level) noexcept;

}  // namespace duplexd
