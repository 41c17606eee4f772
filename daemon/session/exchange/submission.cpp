#include "daemon/session/exchange/submission.hpp"

namespace duplexd {

const char* name_of(command_state state) noexcept {
  switch (state) {
    case command_state::queued:
      return "queued";
    case command_state::written:
      return "written";
    case command_state::confirmed:
      return "confirmed";
    case command_state::timed_out:
      return "timed out";
    case command_state::unknown:
      return "unknown";
    case command_state::expired:
      return "expired";
    case command_state::replaced:
      return "replaced";
    case command_state::refused:
      return "refused";
  }
  return "";
}

}  // namespace duplexd
