// The field table, part: the login and the handlers.
#include <array>

#include "config/fields/unresolved.hpp"

namespace duplexd::config {

// Not in the unnamed namespace: `choice_parser` finds it by its argument.
static const auto& words_of(handler_time /*any*/) {
  static constexpr std::array<std::pair<handler_time, std::string_view>, 2> words{
      {{handler_time::arrival, "arrival"}, {handler_time::journaled, "journaled"}}};
  return words;
}

template <>
struct value_parser<handler_time> : choice_parser<handler_time> {};

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
               "Replies that reject the login. Default: every reply other than `expect`, except those that "
               "`on` or `liveness` name.")
              .example("error")
              .only_beside({"expect"}),
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
               "When to run them: on arrival, or once the reply's event is committed in the journal "
               "(journaled, see durability.md)."),
          make("do", &s::body, "The steps.")
              .required()
              .example(nlohmann::ordered_json::array({{{"echo", true}}})),
      }};
  return fields;
}

}  // namespace duplexd::config
