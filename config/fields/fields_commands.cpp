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
      "A token bucket. What comes faster waits for its turn.",
      {
          make("messages", &s::messages, "So many messages; 0: no limit.").range(0, 1e6, "0 to 1000000"),
          make("per", &s::per, "In this time.").range(1, a_day, "1ms to 24h"),
          make("burst", &s::burst, "So many at once.").range(1, 65'535, "1 to 65535"),
      }};
  return fields;
}

template <>
const section& section_of<outbox_settings>() {
  using s = outbox_settings;
  const fields_of<s> make;
  static const section fields{
      "outbox",
      "The commands that wait to be sent.",
      {
          make("max", &s::max, "So many at most.").range(1, 65'535, "1 to 65535"),
          make("drop_oldest", &s::drop_oldest,
               "When it is full the oldest makes room; otherwise the new one is refused."),
      }};
  return fields;
}

template <>
const section& section_of<parsed_command>() {
  using s = parsed_command;
  const fields_of<s> make;
  static const section fields{
      "command",
      "How one command is treated.",
      {
          make("idempotent", &s::idempotent, "Sending it twice does no harm: a `call` may retry it."),
          make("rate", &s::rate, "How often it is sent, scripts included."),
          make("offline", &s::offline,
               "What happens to it when it is submitted while there is no link: fail, drop (fail without a "
               "word in the log), or queue."),
          make("ttl", &s::ttl, "In the queue for longer it expires and is never sent.")
              .range(1, 365 * a_day, "1ms to 8760h"),
          make(
              "coalesce", &s::coalesce,
              "Fields; a new command replaces a queued one with equal values. An empty list: any queued one.")
              .example({"symbol"}),
          make("confirm", &s::confirm, "The reply that confirms it.").example("order_accepted"),
          make("where", &s::match, "Values that this reply must have.")
              .map_only()
              .only_beside({"confirm"})
              .example({{"status", "ok"}}),
          make("correlate", &s::correlate,
               "Fields of the command, and the fields of the reply that must be "
               "equal.")
              .map_only()
              .only_beside({"confirm"})
              .example({{"id", "request_id"}}),
          make("timeout", &s::timeout, "How long the reply may take.")
              .only_beside({"confirm"})
              .range(1, a_day, "1ms to 24h"),
      }};
  return fields;
}

}  // namespace duplexd::config
