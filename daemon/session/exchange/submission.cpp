#include "daemon/session/exchange/submission.hpp"

namespace duplexd {

const char* name_of(command_state state) noexcept {
  switch (state) {
    case command_state::received:
      return "received";
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

command_state state_named(std::string_view name) noexcept {
  using enum command_state;
  for (const command_state each :
       {received, written, confirmed, timed_out, unknown, expired, replaced, refused})
    if (name == name_of(each)) return each;
  return queued;
}

submission submission_of(const kept_command& ended) {
  submission made;
  made.command = ended.command;
  made.id = ended.id;
  made.state = state_named(ended.end);
  made.why = ended.why;
  made.reply = ended.reply;
  made.data = ended.data;
  made.has_ended = true;
  return made;
}

}  // namespace duplexd
