#include "daemon/session/session_status.hpp"

#include <array>

namespace duplexd {

std::string_view name_of(session_phase phase) noexcept {
  constexpr std::array<std::string_view, 9> names{"starting", "inactive", "connecting", "login", "up",
                                                  "waiting",  "closing",  "paused",     "ended"};
  return names[static_cast<std::size_t>(phase)];
}

}  // namespace duplexd
