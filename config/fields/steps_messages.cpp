// The field table, part: the steps that send messages and wait for replies.
#include <fmt/format.h>

#include "config/fields/step_kind.hpp"

namespace duplexd::config {

namespace {

constexpr milliseconds usual_timeout{30'000};  // of a reply

void needs_link(const parsed_step& at, script_builder& make) {
  if (make.part() == script_part::before)
    make.complain(at, "this step is not allowed under 'before', when there is no connection yet",
                  "put it into the script");
}

/// The values of a command, for what sends one.
struct parsed_message {
  unresolved_name name;
  unresolved_values with;
};

template <class Parsed>
field with_field() {
  const fields_of<Parsed> make;
  return make("with", &Parsed::with, "The command's values.")
      .only_beside({"send", "call"})
      .example({{"id", 7}, {"services", {"first", "test"}}});
}

/// What is said about a reply, for what waits for one.
struct parsed_expectation {
  unresolved_match match;
  unresolved_match check;
  std::uint16_t count = 1;

  expectation build_reply(const unresolved_names& names, parsed_step& from, script_builder& make) {
    expectation made;
    made.replies = make.replies(names);
    made.where = make.match(match, made.replies);
    make.received(made.replies);
    made.check = make.match(check, made.replies);
    made.count = count;
    made.timeout = usual_timeout;
    if (!from.timeout) return made;
    // What is waited for has the time itself, so that its absence can be told from other faults.
    made.timeout = from.timeout->text ? milliseconds{0} : from.timeout->fixed;
    if (!from.timeout->text) from.timeout.reset();
    return made;
  }
};

template <class Parsed>
std::vector<field> with_reply_fields(std::vector<field> own) {
  const fields_of<Parsed> make;
  own.push_back(make("where", &Parsed::match,
                     "Match only replies with these values; see scripts.md for the conditions.")
                    .map_only()
                    .only_beside({"expect", "call"})
                    .example({{"code", 2}}));
  own.push_back(make("check", &Parsed::check, "Values required in the reply; any others are a fault.")
                    .map_only()
                    .only_beside({"expect", "call"})
                    .example({{"status", "ok"}}));
  own.push_back(
      make("count", &Parsed::count, "The number of replies to wait for; above 1, the result is a list.")
          .only_beside({"expect", "call"})
          .range(1, 65'535, "1 to 65535"));
  return own;
}

struct parsed_send : send_step, parsed_message {
  using parsed_message::with;  // not yet packed
  void build(parsed_step& from, script_builder& make) {
    needs_link(from, make);
    static_cast<send_step&>(*this) = make.message(name, with);
  }
};

struct parsed_call : call_step, parsed_message, parsed_expectation {
  std::optional<unresolved_names> reply;
  unresolved_pairs correlate;

  void build(parsed_step& from, script_builder& make) {
    needs_link(from, make);
    if (!reply) make.complain(from, "the field 'reply' is missing", "the reply that answers the call");
    command = make.message(name, with);
    if (reply) answer = build_reply(*reply, from, make);
    answer.correlate = make.correlated(correlate, name.text, answer.replies, &with);
    if (retries > 0 && !make.is_idempotent(name.text))
      make.complain(from, fmt::format("'{}' cannot be retried", name.text),
                    fmt::format("if sending it twice is harmless, set commands: {{{}: {{idempotent: true}}}}",
                                name.text));
  }
};

struct parsed_json : json_step {
  void build(parsed_step& from, script_builder& make) {
    needs_link(from, make);
    make.use(message, from.where, from.path);
  }
};

struct parsed_echo : echo_step {
  std::optional<bool> echo;  // either way: there is nothing else to say
  void build(parsed_step& from, script_builder& make) const {
    needs_link(from, make);
    if (make.part() != script_part::handler)
      make.complain(from, "'echo' is only allowed in a handler", "put it under 'on'");
  }
};

struct parsed_expect : expect_step, parsed_expectation {
  unresolved_names names;
  void build(parsed_step& from, script_builder& make) {
    needs_link(from, make);
    what = build_reply(names, from, make);
  }
};

struct parsed_reconnect : reconnect_step {
  void build(parsed_step& from, script_builder& make) {
    needs_link(from, make);
    if (make.part() == script_part::closing)
      make.complain(from, "the connection is being closed already", "leave it out");
    make.use(why, from.where, from.path);
  }
};

}  // namespace

step_kind send_kind() {
  using s = parsed_send;
  const fields_of<s> make;
  return kind_of<send_step, s>(
      {make("send", &s::name, "Send this command of the protocol.").example("set_service"), with_field<s>()});
}

step_kind call_kind() {
  using s = parsed_call;
  const fields_of<s> make;
  return kind_of<call_step, s>(with_reply_fields<s>(
      {make("call", &s::name,
            "Send this command and wait for its answer, selected by `reply` and `where` or "
            "`correlate`.")
           .example("get_quote"),
       with_field<s>(),
       make("reply", &s::reply, "The reply that answers the call, or a list of alternatives.")
           .only_beside({"call"})
           .example("quote"),
       make("correlate", &s::correlate,
            "Maps fields of the command to the fields of the reply that must be equal.")
           .map_only()
           .only_beside({"call"})
           .example({{"id", "request_id"}}),
       make("retries", &s::retries,
            "How many times to send the command again when there is no reply in time; only for commands "
            "marked `idempotent` in `commands`.")
           .only_beside({"call"})
           .range(0, 1'000, "0 to 1000")}));
}

step_kind json_kind() {
  using s = parsed_json;
  const fields_of<s> make;
  return kind_of<json_step, s>(
      {make("json", &s::message, "Send this value as a text message.").example({{"op", "ping"}})});
}

step_kind echo_kind() {
  using s = parsed_echo;
  const fields_of<s> make;
  return kind_of<echo_step, s>(
      {make("echo", &s::echo, "In a handler: send the received message back unchanged.").example(true)});
}

step_kind expect_kind() {
  using s = parsed_expect;
  const fields_of<s> make;
  return kind_of<expect_step, s>(with_reply_fields<s>(
      {make("expect", &s::names,
            "Wait for this reply, or one of a list; a timeout is a `script` fault. Replies received "
            "since the last `send` count.")
           .example("reply")}));
}

step_kind reconnect_kind() {
  using s = parsed_reconnect;
  const fields_of<s> make;
  return kind_of<reconnect_step, s>({make("reconnect", &s::why,
                                          "Close the connection cleanly and reconnect immediately (after 1 s "
                                          "if it lasted for less than 1 s); the value is the reason.")
                                         .example("the server asked for it")});
}

}  // namespace duplexd::config
