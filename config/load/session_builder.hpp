#pragma once

#include "config/document/reading.hpp"
#include "config/fields/draft.hpp"

namespace duplexd::config {

/// Turns what was written into what the daemon works with. Names of commands and replies must be in the
/// draft's protocol, values without references must fit their layout. A draft without protocol (it has
/// mistakes) is taken as far as it goes.
[[nodiscard]] session_settings build_session(session_draft draft, reading& in);

}  // namespace duplexd::config
