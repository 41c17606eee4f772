// The field table, part: how commands are treated that are submitted while the daemon runs.
#include <array>

#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

// Not in the unnamed namespace: `choice_parser` finds it by its argument.
static const auto& words_of(offline_policy /*any*/) {
  static constexpr std::array<std::pair<offline_policy, std::string_view>, 3> words{
      {{offline_policy::fail, "fail"}, {offline_policy::drop, "drop"}, {offline_policy::queue, "queue"}}};
  return words;
}
template <>
struct value_parser<offline_policy> : choice_parser<offline_policy> {};

template <>
const section& section_of<rate_settings>() {
  using s = rate_settings;
  const fields_of<s> make;
  static const section fields{
      "rate",
      "A token bucket. Messages above the rate are delayed.",
      {
          make("messages", &s::messages, "The number of messages allowed per interval; 0 means no limit.")
              .range(0, 1e6, "0 to 1000000"),
          make("per", &s::per, "The interval.").range(1, a_day, "1ms to 24h"),
          make("burst", &s::burst, "The number of messages that may be sent at once.")
              .range(1, 65'535, "1 to 65535"),
      }};
  return fields;
}

template <>
const section& section_of<outbox_settings>() {
  using s = outbox_settings;
  const fields_of<s> make;
  static const section fields{
      "outbox",
      "The queue of commands waiting to be sent.",
      {
          make("max", &s::max, "The maximum number of queued commands.").range(1, 65'535, "1 to 65535"),
          make.as<size_parser>(
                  "size", &s::size,
                  "The maximum size of the queued commands: their packed bytes, and the values of those "
                  "with `coalesce` or `correlate` as JSON.")
              .range(1024, 1u << 30, "1KiB to 1GiB"),
          make("drop_oldest", &s::drop_oldest,
               "When the queue is full, drop the oldest commands instead of refusing the new one."),
      }};
  return fields;
}

template <>
const section& section_of<parsed_command>() {
  using s = parsed_command;
  const fields_of<s> make;
  static const section fields{
      "command",
      "Delivery rules for one command.",
      {
          make("idempotent", &s::idempotent, "Sending it twice is harmless, so a `call` may retry it."),
          make("rate", &s::rate, "Rate limit for this command, including its use in scripts."),
          make("offline", &s::offline,
               "What happens to a command submitted while disconnected: fail, drop (fail without a log "
               "line), or queue. Without it fail, for a durable command queue.")
              .example("queue"),
          make("durable", &s::durable,
               "Keeps the command in the journal from its acceptance to its end, so that no crash loses it "
               "(see durability.md). It needs a `journal`, and `offline: queue`, which may be left out."),
          make("ttl", &s::ttl, "How long it may stay queued before it expires and is not sent.")
              .range(1, 365 * a_day, "1ms to 8760h"),
          make("coalesce", &s::coalesce,
               "A new command replaces a queued one that has the same values in these fields. With an empty "
               "list "
               "it replaces any queued one.")
              .example({"symbol"}),
          make("confirm", &s::confirm, "The reply that confirms the command.").example("order_accepted"),
          make("where", &s::match, "Values required in that reply.")
              .map_only()
              .only_beside({"confirm"})
              .example({{"status", "ok"}}),
          make("correlate", &s::correlate,
               "Maps fields of the command to the fields of the reply that must be equal.")
              .map_only()
              .only_beside({"confirm"})
              .example({{"id", "request_id"}}),
          make("timeout", &s::timeout, "How long to wait for the reply.")
              .only_beside({"confirm"})
              .range(1, a_day, "1ms to 24h"),
      }};
  return fields;
}

}  // namespace duplexd::config
