#pragma once

#include "config/document/reading.hpp"
#include "config/fields/parsed.hpp"

namespace duplexd::config {

/// Turns what was written into what the daemon works with. Names of commands and replies must be in the
/// parsed session's protocol, values without references must fit their layout. A parsed session without
/// protocol (it has mistakes) is taken as far as it goes. `outputs`: those that the document defines.
[[nodiscard]] session_settings build_session(parsed_session parsed,
                                             const std::vector<output_settings>& outputs, reading& in);

}  // namespace duplexd::config
