// The field table, part: what the simulator does.
#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

template <>
const section& section_of<parsed_greeting>() {
  using s = parsed_greeting;
  const fields_of<s> make;
  static const section fields{"simulate_login",
                              "A reply that the simulator sends after accepting the login.",
                              {
                                  make("send", &s::send, "The reply.").required().example("welcome"),
                                  make("with", &s::with,
                                       "The reply's values. Values left out come from its first example; "
                                       "otherwise they are zero or empty.")
                                      .example({{"status", "ok"}}),
                              }};
  return fields;
}

template <>
const section& section_of<parsed_answer>() {
  using s = parsed_answer;
  const fields_of<s> make;
  static const section fields{
      "simulate_answer",
      "A reply that the simulator sends in answer to a command. Several answers to one command are sent in "
      "order.",
      {
          make("to", &s::to, "The command.").required().example("set_service"),
          make("send", &s::send, "The reply; if missing, the command is not answered.").example("reply"),
          make("with", &s::with,
               "The reply's values; `${command:FIELD}` is a field of the command. Values left out come from "
               "its first "
               "example; otherwise they are zero or "
               "empty.")
              .only_beside({"send"})
              .example({{"code", 2}}),
      }};
  return fields;
}

template <>
const section& section_of<parsed_push>() {
  using s = parsed_push;
  const fields_of<s> make;
  static const section fields{
      "simulate_push",
      "A reply that the simulator sends on a timer.",
      {
          make("send", &s::send, "The reply.").required().example("tick"),
          make("with", &s::with,
               "The reply's values. Values left out come from its first example; otherwise they are zero or "
               "empty.")
              .example({{"price", 100}}),
          make("after", &s::after, "The delay after the login.").range(0, a_day, "0 to 24h"),
          make("every", &s::every, "The interval after that; 0 means once.").range(0, a_day, "0 to 24h"),
      }};
  return fields;
}

template <>
const section& section_of<parsed_simulate>() {
  using s = parsed_simulate;
  const fields_of<s> make;
  static const section fields{"simulate",
                              "How `duplexd simulate` behaves as the server. Ignored by `duplexd run`.",
                              {
                                  make("login", &s::login, "Replies to send after the login."),
                                  make("answers", &s::answers, "Answers to commands."),
                                  make("pushes", &s::pushes, "Replies to send on a timer."),
                                  make("answer_by_default", &s::answer_by_default,
                                       "Answer commands that have no entry in `answers`: with the reply that "
                                       "the session waits for, filled "
                                       "from its `when`, `where`, `check`, `correlate` and `save`, otherwise "
                                       "with the protocol's first reply."),
                              }};
  return fields;
}

}  // namespace duplexd::config
