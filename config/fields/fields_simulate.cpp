// The field table, part: what the simulator does.
#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

template <>
const section& section_of<parsed_greeting>() {
  using s = parsed_greeting;
  const fields_of<s> make;
  static const section fields{
      "simulate_login",
      "A reply that the simulator sends once it has accepted the login.",
      {
          make("send", &s::send, "The reply.").required().example("welcome"),
          make("with", &s::with,
               "Its values; those left out are the reply's first example's, or zeros and empty texts.")
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
      "A reply that the simulator sends to a command. Several answers to one command are sent in their "
      "order.",
      {
          make("to", &s::to, "The command.").required().example("set_service"),
          make("send", &s::send, "The reply; without it the command is not answered.").example("reply"),
          make("with", &s::with,
               "The reply's values; those left out are its first example's, or zeros and empty texts.")
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
      "A reply that the simulator sends by the clock.",
      {
          make("send", &s::send, "The reply.").required().example("tick"),
          make("with", &s::with,
               "Its values; those left out are the reply's first example's, or zeros and empty texts.")
              .example({{"price", 100}}),
          make("after", &s::after, "How long after the login.").range(0, a_day, "0 to 24h"),
          make("every", &s::every, "How often from then on; 0: once.").range(0, a_day, "0 to 24h"),
      }};
  return fields;
}

template <>
const section& section_of<parsed_simulate>() {
  using s = parsed_simulate;
  const fields_of<s> make;
  static const section fields{
      "simulate",
      "What `duplexd simulate` does in place of the real server. `duplexd run` does not look at it.",
      {
          make("login", &s::login, "What is sent once the login was accepted."),
          make("answers", &s::answers, "What commands are answered with."),
          make("pushes", &s::pushes, "What is sent by the clock."),
          make("answer_by_default", &s::answer_by_default,
               "Answer a command without an answer of its own with the protocol's first reply."),
      }};
  return fields;
}

}  // namespace duplexd::config
