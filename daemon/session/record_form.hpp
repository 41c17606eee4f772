#pragma once

#include <string>
#include <string_view>

#include "config/settings/output_settings.hpp"
#include "daemon/event/session_event.hpp"

namespace duplexd {

/// What an event becomes in an output: `happened.line` itself, or what is written to `room`. Empty: the form
/// has nothing for this event (ndjson and csv are for replies, raw for what has bytes). Pure.
[[nodiscard]] std::string_view record_of(const session_event& happened, const config::record_settings& form,
                                         std::string& room);

}  // namespace duplexd
