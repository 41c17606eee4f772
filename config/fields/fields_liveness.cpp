// The field table, part: how a dead server is detected, and one that lags.
#include <array>

#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::protocol {

// Where `choice_parser` finds it: beside the type.
static const auto& words_of(time_unit /*any*/) {
  static constexpr std::array<std::pair<time_unit, std::string_view>, 4> words{
      {{time_unit::s, "s"}, {time_unit::ms, "ms"}, {time_unit::us, "us"}, {time_unit::ns, "ns"}}};
  return words;
}

}  // namespace duplexd::protocol

namespace duplexd::config {

// Not in the unnamed namespace: `choice_parser` finds it by its argument.
static const auto& words_of(liveness_action /*any*/) {
  static constexpr std::array<std::pair<liveness_action, std::string_view>, 3> words{
      {{liveness_action::log, "log"},
       {liveness_action::resubscribe, "resubscribe"},
       {liveness_action::reconnect, "reconnect"}}};
  return words;
}

template <>
struct value_parser<liveness_action> : choice_parser<liveness_action> {};
template <>
struct value_parser<protocol::time_unit> : choice_parser<protocol::time_unit> {};

template <>
const section& section_of<parsed_heartbeat>() {
  using s = parsed_heartbeat;
  const fields_of<s> make;
  static const section fields{
      "heartbeat",
      "A command sent periodically after the login, and the reply that must follow.",
      {
          make("every", &s::every,
               "The interval from one message to the next, however long its answer takes; may be taken from "
               "a reply.")
              .required()
              .range(1, 36'500 * a_day, "1ms to 876000h")
              .example("${var:interval}"),
          make("send", &s::send, "The command to send.").example("heartbeat"),
          make("with", &s::with, "The command's values.").only_beside({"send"}).example({{"seq", 1}}),
          make("json", &s::json, "A text message to send instead of a command.").example({{"op", "ping"}}),
          make("expect", &s::expect, "The reply that must follow.").example("pong"),
          make("where", &s::match, "Values required in the reply.")
              .map_only()
              .only_beside({"expect"})
              .example({{"op", "pong"}}),
          make("timeout", &s::timeout, "How long to wait for the reply.")
              .only_beside({"expect"})
              .range(1, a_day, "1ms to 24h"),
          make("action", &s::action, "What to do when the reply does not arrive."),
      },
      false,
      {"send", "json"}};
  return fields;
}

template <>
const section& section_of<parsed_freshness>() {
  using s = parsed_freshness;
  const fields_of<s> make;
  static const section fields{
      "fresh",
      "A reply that must keep arriving after the login.",
      {
          make("reply", &s::reply, "The reply.").required().example("tick"),
          make("within", &s::within, "The longest time allowed between two of these replies.")
              .required()
              .range(1, a_day, "1ms to 24h")
              .example("5s"),
          make("action", &s::action, "What to do when none arrived within that time."),
      }};
  return fields;
}

template <>
const section& section_of<parsed_sequence>() {
  using s = parsed_sequence;
  const fields_of<s> make;
  static const section fields{
      "sequence",
      "A field that numbers a reply's messages: a missing or repeated number causes a `gap` event. So do "
      "numbers "
      "that are missing between two connections; a lower number on a new connection starts the count again.",
      {
          make("reply", &s::reply, "The reply.").required().example("trade"),
          make("field", &s::field, "The field; use dots to reach into objects.").required().example("seq"),
          make("key", &s::key,
               "Fields whose values identify a stream; each combination of values is counted separately.")
              .example({"symbol"}),
          make("action", &s::action,
               "What to do when there is a gap, except between two connections: that is only reported."),
          make("durable", &s::durable,
               "Keep the next number in the [journal](#journal), so that a gap over a restart is reported as "
               "one between two connections; see [durability.md](durability.md#durable-sequence-numbers)."),
      }};
  return fields;
}

template <>
const section& section_of<parsed_lag>() {
  using s = parsed_lag;
  const fields_of<s> make;
  static const section fields{
      "lag",
      "The field of a reply that says when its event happened: a number of seconds, milliseconds, "
      "microseconds "
      "or nanoseconds since 1970, a text that holds such a number, or a time such as "
      "2026-11-26T07:10:00.25Z (RFC 3339), as layouts print times. See "
      "[operating.md](operating.md#lag).",
      {
          make("reply", &s::reply, "The reply.").required().example("trade"),
          make("field", &s::field, "The field; use dots to reach into objects.").required().example("time"),
          make("unit", &s::unit, "The unit of numbers; a time in words needs none."),
      }};
  return fields;
}

template <>
const section& section_of<parsed_lag_limit>() {
  using s = parsed_lag_limit;
  const fields_of<s> make;
  static const section fields{
      "lag_limit",
      "How old the newest event may be. It is checked when an event arrives: silence is for `fresh`.",
      {
          make(
              "at_most", &s::at_most,
              "The greatest age, by the wall-clock time of this machine, that the newest event may have when "
              "one arrives.")
              .required()
              .range(1, a_day, "1ms to 24h")
              .example("10s"),
          make("action", &s::action,
               "What to do when it is exceeded, once until an event arrives in time again or the session has "
               "reconnected."),
      }};
  return fields;
}

template <>
const section& section_of<parsed_liveness>() {
  using s = parsed_liveness;
  const fields_of<s> make;
  static const section fields{
      "liveness",
      "How a dead server is detected.",
      {
          make("ping_interval", &s::ping_interval, "The interval between WebSocket pings; 0 disables them.")
              .range(0, a_day, "0 to 24h"),
          make("idle_timeout", &s::idle_timeout,
               "Drop the connection when nothing was received for this long; 0 means never. After a sleep of "
               "the machine the server is pinged first, and has up to 5 s.")
              .range(0, a_day, "0 to 24h"),
          make(
              "send_timeout", &s::send_timeout,
              "Drop the connection when the server's host has acknowledged nothing of what was sent for this "
              "long; 0 means never. Default: the same as `idle_timeout`.")
              .range(0, a_day, "0 to 24h")
              .example("60s"),
          make("heartbeat", &s::heartbeat, "The heartbeat of the application's protocol.")
              .changed(change_rule::reconnect),
          make("fresh", &s::fresh, "Replies that must keep arriving."),
          make("sequence", &s::sequence, "Fields that number messages."),
          make("lag", &s::lag,
               "How old the newest event may be; only with the session's `lag`, which says where its time "
               "is."),
      }};
  return fields;
}

}  // namespace duplexd::config
