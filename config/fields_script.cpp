// The field table, part: what a session says, the login and the script.
#include "config/spans.hpp"
#include "config/written.hpp"

namespace duplexd::config {

template <>
const section& section_of<login_draft>() {
  using s = login_draft;
  const fields_of<s> make;
  static const section fields{
      "login",
      "What is sent first on each link, and the reply that grants entry. The script starts after it.",
      {
          make("json", &s::json, "Sent as a text message.")
              .example({{"role", "admin"}, {"user_id", "${env:AGENT_ID}"}}),
          make("send", &s::send, "A command of the protocol to send instead.").example("log_on"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send"})
              .example({{"token", "${credential:token}"}}),
          make("expect", &s::expect, "The reply to wait for, `timeouts.login` long.").example("welcome"),
          make("where", &s::fields,
               "Values that this reply must have; with others the login counts as rejected.")
              .map_only()
              .only_beside({"expect"})
              .example({{"status", "ok"}}),
      },
      false,
      {"json", "send"}};
  return fields;
}

template <>
const section& section_of<step_draft>() {
  using s = step_draft;
  const fields_of<s> make;
  static const section fields{
      "step",
      "One step of the script: exactly one of `sleep`, `send` and `expect`.",
      {
          make("sleep", &s::sleep, "Wait.").range(0, 365 * a_day, "0 to 8760h").example("500ms"),
          make("send", &s::send, "Send this command of the protocol.").example("set_service"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send"})
              .example({{"services", {"first", "test"}}}),
          make("expect", &s::expect, "Wait for this reply; that it does not come is a `script` fault.")
              .example("reply"),
          make("where", &s::fields, "Values that the reply must have; a dot reaches into an object.")
              .map_only()
              .only_beside({"expect"})
              .example({{"code", 2}}),
          make("timeout", &s::timeout, "How long to wait for the reply.")
              .only_beside({"expect"})
              .range(1, a_day, "1ms to 24h"),
      },
      false,
      {"sleep", "send", "expect"}};
  return fields;
}

}  // namespace duplexd::config
