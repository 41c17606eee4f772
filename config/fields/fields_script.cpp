// The field table, part: the login and the handlers.
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

/// A word, or else the name of an output.
template <>
struct value_parser<parsed_handler_time> {
  static value_type type() { return {"arrival, journaled or an output", {{"type", "string"}}}; }
  static nlohmann::ordered_json show(const parsed_handler_time& /*value*/) { return "arrival"; }
  static bool read(const value_at& at, parsed_handler_time& out, reading& in) {
    if (!value_parser<unresolved_name>::read(at, out.output, in)) return false;
    out.when = out.output.text == "arrival"     ? handler_time::arrival
               : out.output.text == "journaled" ? handler_time::journaled
                                                : handler_time::taken;
    return true;
  }
};

template <>
const section& section_of<variable_settings>() {
  using s = variable_settings;
  const fields_of<s> make;
  static const section fields{
      "variable",
      "One variable of the session's steps.",
      {
          make("durable", &s::durable,
               "Keep its value in the journal, so that it survives a restart; also that of the counter of "
               "this name (see durability.md)."),
          make("initial", &s::initial, "Its value until a step sets it.").example(0),
      }};
  return fields;
}

template <>
const section& section_of<parsed_login>() {
  using s = parsed_login;
  const fields_of<s> make;
  static const section fields{
      "login",
      "The first message on each connection, and the reply that accepts it. Nothing else is sent before "
      "the login is accepted.",
      {
          make("json", &s::json, "A text message to send.")
              .example({{"role", "admin"}, {"user_id", "${env:AGENT_ID}"}}),
          make("send", &s::send, "A command of the protocol to send instead.").example("log_on"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send"})
              .example({{"token", "${credential:token}"}}),
          make("steps", &s::steps, "Steps to run instead, for instance to answer a challenge.")
              .example(nlohmann::ordered_json::array(
                  {{{"expect", "challenge"}},
                   {{"send", "answer"},
                    {"with", {{"proof", "${reply:nonce | hmac_sha256(credential:key) | hex}"}}}}})),
          make("expect", &s::expect, "The reply to wait for, for at most `timeouts.login`.")
              .example("welcome"),
          make("where", &s::match,
               "Values required in that reply; with any others the login counts as rejected.")
              .map_only()
              .only_beside({"expect"})
              .example({{"status", "ok"}}),
          make("reject", &s::reject,
               "Replies that reject the login, also during its `steps`, unless a step waits for them itself. "
               "Default, with `expect`: after the steps every reply other than that, except those that `on` "
               "or "
               "`liveness` name.")
              .example("error")
              .only_beside({"expect", "steps"}),
      },
      false,
      {"json", "send", "steps"}};
  return fields;
}

template <>
const section& section_of<parsed_handler>() {
  using s = parsed_handler;
  const fields_of<s> make;
  static const section fields{
      "handler",
      "Steps to run each time a reply arrives, one run at a time; `${reply:FIELD}` is a field of the reply.",
      {
          make("reply", &s::reply, "The reply, or a list of alternatives.").required().example("call"),
          make("where", &s::match, "Match only replies with these values.")
              .map_only()
              .example({{"action", "Reset"}}),
          make("after", &s::after,
               "When to run them: on arrival, once the reply's event is committed in the journal "
               "(journaled), or once the durable output of that name has taken it (see durability.md)."),
          make("do", &s::body, "The steps.")
              .required()
              .example(nlohmann::ordered_json::array({{{"echo", true}}})),
      }};
  return fields;
}

}  // namespace duplexd::config
