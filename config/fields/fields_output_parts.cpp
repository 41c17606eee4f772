// The field table, part: what outputs of several types have below them.
#include "config/fields/fields.hpp"
#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

template <>
const section& section_of<file_rotation>() {
  using s = file_rotation;
  const fields_of<s> make;
  static const section fields{
      "rotate",
      "When a file ends and the next one begins. The ended file's name gets the time of its end.",
      {
          make.as<size_parser>("size", &s::size, "The size at which a file ends; 0 means no limit.")
              .range(0, 1e12, "0 to 1TB")
              .example("100MB"),
          make("age", &s::age, "The age at which a file ends; 0 means no limit.")
              .range(0, 400 * a_day, "0 to 9600h")
              .example("24h"),
      }};
  return fields;
}

template <>
const section& section_of<retention>() {
  using s = retention;
  const fields_of<s> make;
  static const section fields{
      "keep",
      "What is kept of what was written; the oldest is deleted first. 0 means no limit.",
      {
          make("files", &s::files, "The number of ended files (file only).").range(0, 65'535, "0 to 65535"),
          make.as<size_parser>("size", &s::size, "The size of all ended files, or of the database.")
              .range(0, 1e15, "0 to 1000TB")
              .example("10GB"),
          make("age", &s::age, "The age of a file, or of a row.")
              .range(0, 3660 * a_day, "0 to 87840h")
              .example("720h"),
      }};
  return fields;
}

template <>
const section& section_of<batch_settings>() {
  using s = batch_settings;
  const fields_of<s> make;
  static const section fields{
      "batch",
      "When a request leaves: with the first of these.",
      {
          make("events", &s::events, "The number of events.").range(1, 65'535, "1 to 65535"),
          make.as<size_parser>("size", &s::size, "The size of the events.").range(1, 1e8, "1 to 100MB"),
          make("time", &s::time, "The time since the last request began.").range(0, an_hour, "0 to 1h"),
      }};
  return fields;
}

template <>
const section& section_of<broker_commands>() {
  using s = broker_commands;
  const fields_of<s> make;
  static const section fields{
      "broker_commands",
      "Messages of the broker that are commands (see commands.md).",
      {
          make("topic", &s::from, "The topic to subscribe to, with wildcards if you like (mqtt).")
              .example("feeds/commands"),
          make("subject", &s::from, "The subject to subscribe to, with wildcards if you like (nats).")
              .example("feeds.commands"),
          make("stream", &s::stream,
               "The JetStream stream to receive from, which keeps commands while there is no connection "
               "(nats).")
              .example("orders")
              .only_beside({"consumer"}),
          make("consumer", &s::consumer, "The durable pull consumer of that stream, which must exist.")
              .example("duplexd")
              .only_beside({"stream"}),
          make("answers", &s::answers,
               "The topic or subject for the end of each command whose message names none itself.")
              .example("feeds/ends"),
      },
      false,
      {"topic", "subject", "stream"}};
  return fields;
}

template <>
const section& section_of<signature_settings>() {
  using s = signature_settings;
  const fields_of<s> make;
  static const section fields{
      "sign",
      "A signature of each request's body, as it is sent: HMAC-SHA256 in hexadecimal digits.",
      {
          make("header", &s::header, "The header's name.").required().example("X-Signature"),
          make("secret", &s::secret, "The key.").required().example("${credential:key}"),
      }};
  return fields;
}

}  // namespace duplexd::config
