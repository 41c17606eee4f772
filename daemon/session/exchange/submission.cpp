#include "daemon/session/exchange/submission.hpp"

#include <nlohmann/json.hpp>

#include "protocol/text/json_tree.hpp"

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

std::string json_of(const std::string& session, const submission& what, std::size_t most_data) {
  using nlohmann::ordered_json;
  ordered_json fields{{"session", session},
                      {"id", what.id},
                      {"command", what.command},
                      {"state", name_of(what.state)},
                      {"ended", what.has_ended}};
  if (!what.why.empty()) fields["why"] = what.why;
  if (!what.reply.empty()) fields["reply"] = what.reply;
  const bool fits = what.data.size() <= most_data;
  if (!what.data.empty() && fits) fields["data"] = protocol::json_tree(what.data);
  if (!fits) fields["data_omitted"] = true;
  return fields.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

submission submission_of(const kept_command& ended) {
  submission made;
  made.command = ended.command;
  made.id = ended.id;
  made.source = ended.source;
  made.state = state_named(ended.end);
  made.why = ended.why;
  made.reply = ended.reply;
  made.data = ended.data;
  made.has_ended = true;
  return made;
}

}  // namespace duplexd
