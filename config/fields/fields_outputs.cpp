// The field table, part: where events go.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "config/fields/broker_checks.hpp"
#include "config/fields/fields.hpp"
#include "config/fields/output_checks.hpp"
#include "config/fields/output_choices.hpp"
#include "config/fields/output_kinds.hpp"
#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"
#include "config/value/path_pattern.hpp"
#include "config/value/url.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

/// A text with placeholders of its own instead of references.
struct pattern_parser {
  using value = std::string;
  static value_type type() { return {"text", {{"type", "string"}}}; }
  static ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& in) {
    if (at.value.kind != protocol::node_kind::text || at.value.text.empty()) {
      at.complain(in, expected("a text", at.value));
      return false;
    }
    out = at.value.text;
    return true;
  }
};

/// A path without references: it may have placeholders of its own.
struct output_path_parser : value_parser<std::string> {
  static value_type type() { return {"path", {{"type", "string"}}}; }
  static bool read(const value_at& at, std::string& out, reading& in) {
    if (at.value.kind != protocol::node_kind::text || at.value.text.empty()) {
      at.complain(in, expected("a path", at.value));
      return false;
    }
    out = (std::filesystem::path(in.directory) / at.value.text).lexically_normal().string();
    return true;
  }
};

/// HOST:PORT.
struct peer_parser {
  using value = url;
  static value_type type() { return {"host and port", {{"type", "string"}}}; }
  static ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& in) {
    std::string error = "expected HOST:PORT";
    std::optional<url> found;
    if (at.value.kind == protocol::node_kind::text) found = parse_host_port(at.value.text, error);
    if (!found) {
      at.complain(in, std::move(error));
      return false;
    }
    out = std::move(*found);
    return true;
  }
};

/// A template, which is read when the form is known.
struct template_text_parser {
  using value = const protocol::node*;
  static value_type type() { return {"text", {{"type", "string"}}}; }
  static ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& /*in*/) {
    out = &at.value;
    return true;
  }
};

/// Columns by table.
struct indexes_parser {
  using value = std::map<std::string, std::vector<std::string>>;
  static value_type type() {
    return {
        "map of lists of names",
        {{"type", "object"}, {"additionalProperties", {{"type", "array"}, {"items", {{"type", "string"}}}}}}};
  }
  static ordered_json show(const value& /*value*/) { return nullptr; }
  static bool read(const value_at& at, value& out, reading& in) {
    if (at.value.kind != protocol::node_kind::map) {
      at.complain(in, expected("a map", at.value), "reply: [column]");
      return false;
    }
    bool good = true;
    for (const protocol::node_entry& entry : at.value.entries)
      good &= value_parser<std::vector<std::string>>::read(at.entry(entry), out[entry.key], in);
    return good;
  }
};

}  // namespace

template <>
const section& section_of<parsed_output>() {
  using s = parsed_output;
  const fields_of<s> make;
  static const section fields{
      "output",
      "A place for events. `type` says which of the other fields it has (see outputs.md). The output "
      "`stdout` exists without being defined.",
      {
          make("type", &s::type, "The kind of output.").required().example("file"),
          make.as<output_path_parser>(
                  "path", &s::path,
                  "The file (file, sqlite). In a file's path `${session}` and `${reply}` stand for names, "
                  "and `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%F` for the event's time in UTC.")
              .example("events/${session}-%F.jsonl"),
          make("format", &s::form, "What an event becomes (not with sqlite, postgres)."),
          make("columns", &s::columns,
               "The columns of csv: `time`, `session`, `event`, `reply`, or the path of a value; `data.time` "
               "is "
               "a value with such a name.")
              .example({"time", "price"})
              .apart(),
          make.as<template_text_parser>(
                  "template", &s::text,
                  "The text of `format: template`: `${time}`, `${session}`, `${event}`, `${reply}` and the "
                  "paths of values "
                  "stand for what `columns` can name. There is no newline at its end unless it says so.")
              .example("${time} ${price}\n")
              .apart(),
          make.as<size_parser>("queue", &s::queue, "The maximum size of events waiting to be written.")
              .range(64 * 1024, 1024.0 * 1024 * 1024, "64KiB to 1GiB"),
          make("overflow", &s::overflow,
               "What happens when the queue is full: the sessions that write to it stop reading (block), or "
               "events are lost, with a warning."),
          make("rotate", &s::rotate, "When a file ends and the next one begins (file)."),
          make("keep", &s::keep, "What is kept of what was written (file, sqlite)."),
          make("compress", &s::compress,
               "How ended files, or requests (gzip only), are compressed (file, http)."),
          make("sync", &s::sync, "Whether written events reach the disk before the next are written (file)."),
          make.as<indexes_parser>("indexes", &s::indexes,
                                  "Indexes, by table: the columns (sqlite, postgres).")
              .example({{"trade", {"symbol"}}})
              .apart(),
          make("program", &s::program,
               "The program that gets events on its standard input, and its arguments, without a shell "
               "(exec). "
               "Every user of the machine can see its arguments: pass secrets in `env`.")
              .example({"/usr/bin/python3", "trader.py"})
              .apart(),
          make.as<environment_parser>("env", &s::environment,
                                      "Variables to add to the program's environment, which otherwise is "
                                      "that of `exec` steps (exec).")
              .example({{"API_KEY", "${credential:key}"}})
              .apart(),
          make("answers", &s::answers,
               "What the lines are that the program prints: something to log, or commands (exec; see "
               "commands.md).")
              .apart(),
          make("url", &s::url,
               "Where events are posted to (http), or the database or broker that gets them (postgres, mqtt, "
               "nats).")
              .example("https://collector.test.com/events")
              .apart(),
          make.as<headers_parser>("headers", &s::headers, "Headers of each request (http).")
              .example({{"Authorization", "Bearer ${credential:token}"}})
              .apart(),
          make("body", &s::body, "What a request holds: events as lines, or a list of them (http).").apart(),
          make("batch", &s::batch, "When a request leaves (http).").apart(),
          make("timeout", &s::timeout,
               "How long a request may take, the peer's system to acknowledge what was sent, or a server to "
               "answer "
               "(http, tcp, syslog over TCP, postgres, mqtt, nats).")
              .range(1, an_hour, "1ms to 1h")
              .apart(),
          make.as<output_path_parser>(
                  "dead_letters", &s::dead_letters,
                  "The file for events that the server refused for good; without it they are "
                  "lost, and counted (http, postgres, mqtt, nats).")
              .example("/var/lib/duplexd/refused.jsonl")
              .apart(),
          make("sign", &s::sign, "A signature of each request's body (http).").apart(),
          make("idempotency", &s::idempotency,
               "Whether each request has a header Idempotency-Key, which is the same when it is sent again "
               "(http).")
              .apart(),
          make.as<pattern_parser>(
                  "topic", &s::topic,
                  "The topic of each message; `${session}`, `${reply}` and the time's parts stand for the "
                  "event's, as in a file's path (mqtt).")
              .example("feeds/${session}/${reply}")
              .apart(),
          make.as<pattern_parser>(
                  "subject", &s::topic,
                  "The subject of each message; `${session}`, `${reply}` and the time's parts stand for the "
                  "event's, as in a file's path (nats).")
              .example("feeds.${session}.${reply}")
              .apart(),
          make("jetstream", &s::jetstream,
               "Whether each message is to be acknowledged by JetStream, which a stream with its subject "
               "keeps (nats).")
              .apart(),
          make("token", &s::token, "The token that the server wants instead of a user (nats).")
              .example("${credential:token}")
              .apart(),
          make.as<output_path_parser>("creds_file", &s::creds_file,
                                      "The file with the user's JWT and key that the server wants (nats).")
              .example("/etc/duplexd/feeds.creds")
              .apart(),
          make("user", &s::user, "Who the broker is told it is (mqtt, nats).").example("duplexd").apart(),
          make("password", &s::password, "The user's password (mqtt, nats).")
              .only_beside({"user"})
              .example("${credential:broker}")
              .apart(),
          make("client_id", &s::client_id,
               "The client identifier; without it the broker chooses one for each connection (mqtt).")
              .example("duplexd-feeds")
              .apart(),
          make("qos", &s::qos,
               "The quality of service: 1, each message is acknowledged by the broker, or 0 (mqtt).")
              .range(0, 1, "0 or 1")
              .apart(),
          make("retain", &s::retain, "Whether the broker keeps the last message of each topic (mqtt).")
              .apart(),
          make("keepalive", &s::keepalive,
               "How long a connection may be idle until the client pings the broker (mqtt).")
              .range(5'000, 12 * an_hour, "5s to 12h")
              .apart(),
          make.as<path_parser>("ca_file", &s::ca_file,
                               "PEM file with the CA certificates to trust instead of the system's store "
                               "(http, tcp, syslog over TCP, mqtt, nats; with TLS).")
              .example("/etc/duplexd/ca.pem")
              .apart(),
          make.as<path_parser>("cert_file", &s::cert_file,
                               "PEM file with the client certificate and its chain (http, tcp, syslog over "
                               "TCP, mqtt, nats; with TLS).")
              .example("client.pem")
              .apart(),
          make.as<path_parser>("key_file", &s::key_file,
                               "PEM file with the certificate's private key, if it is not in `cert_file` "
                               "(http, tcp, syslog over TCP, mqtt, nats; with TLS).")
              .only_beside({"cert_file"})
              .example("client.key")
              .apart(),
          make.as<peer_parser>("address", &s::address,
                               "The peer: HOST:PORT, or [ADDRESS]:PORT (tcp, udp, syslog).")
              .example("collector.test.com:5170")
              .apart(),
          make("tls", &s::tls,
               "Whether the connection uses TLS, verified with the system's certificates or `ca_file` (tcp, "
               "syslog over TCP).")
              .apart(),
          make("transport", &s::transport,
               "How messages travel: to a socket of this machine, or to `address` by UDP or TCP (syslog).")
              .apart(),
          make.as<output_path_parser>("socket", &s::socket,
                                      "The socket of this machine's log service: /dev/log (syslog) or "
                                      "/run/systemd/journal/socket (journald) unless given.")
              .example("/run/systemd/journal.feeds/socket")
              .apart(),
          make("facility", &s::facility, "The facility of the messages (syslog).").apart(),
          make("severity", &s::severity, "The severity of the messages (syslog, journald).").apart(),
          make("app_name", &s::app_name,
               "Who the messages say they are from: APP-NAME, SYSLOG_IDENTIFIER (syslog, journald).")
              .apart(),
          make("structured_data", &s::structured_data,
               "The name, with your enterprise number, of an element of structured data that holds "
               "session, event and reply; without it there is none (syslog).")
              .example("feed@32473")
              .apart(),
          make("commands", &s::commands,
               "Messages that are commands, received over a second connection with the same settings (mqtt, "
               "nats).")
              .apart(),
          make("durable", &s::durable,
               "Whether events reach the journal before this output, so that no crash loses them (file, "
               "sqlite, postgres, mqtt, nats; see durability.md)."),
      }};
  return fields;
}

template <>
const section& section_of<journal_settings>() {
  using s = journal_settings;
  const fields_of<s> make;
  static const section fields{
      "journal",
      "The file that holds the events of durable outputs until these have taken them, and durable commands "
      "(see durability.md).",
      {
          make.as<output_path_parser>("path", &s::file,
                                      "The file. Without it `journal.db` in the first directory of "
                                      "$STATE_DIRECTORY, which systemd "
                                      "sets.")
              .example("/var/lib/duplexd/journal.db"),
          make.as<size_parser>("size", &s::size, "The maximum size of the events in it.")
              .range(1024 * 1024, 1e12, "1MiB to 1TB"),
          make("full", &s::full,
               "What happens when it is full: the sessions that write to durable outputs stop reading "
               "(block), or the oldest events are lost, with a warning."),
          make("keep", &s::keep,
               "How long events stay after their output has taken them, as long as their room is not needed.")
              .range(0, 3660 * a_day, "0 to 87840h"),
          make("remember", &s::remember,
               "How long the ids of durable commands are known after their end: a command whose id is known "
               "is not sent again.")
              .range(1'000, 365 * a_day, "1s to 8760h"),
      }};
  return fields;
}

value_type value_parser<parsed_output>::type() {
  return {"output", {{"$ref", "#/$defs/output"}}, &section_of<parsed_output>()};
}

bool value_parser<parsed_output>::read(const value_at& at, parsed_output& out, reading& in) {
  const std::size_t before = in.mistakes.size();
  read_section(section_of<parsed_output>(), at, at.value.where, &out, in);
  if (in.mistakes.size() != before) return false;
  check_fields_of_type(at, out, in);
  check_program(at, out, in);
  check_requests(at, out, in);
  check_peer(at, out, in);
  check_database(at, out, in);
  check_broker(at, out, in);
  out.record = {out.form, out.columns, read_template(at, out.form, out.text, in)};
  check_columns(at, out.form, out.columns, in);
  check_durable(at, out, in);
  out.is_good = in.mistakes.size() == before;
  return out.is_good;
}

template <>
const section& section_of<parsed_route>() {
  using s = parsed_route;
  const fields_of<s> make;
  static const section fields{
      "route",
      "Which events of a session an output gets.",
      {
          make("to", &s::to, "The output's name.").required().example("stdout"),
          make("replies", &s::replies, "The replies to write, and nothing else.").example({"tick"}),
          make("where", &s::where, "Conditions on a reply's values, as in `on` (see scripts.md).")
              .map_only()
              .only_beside({"replies"})
              .example({{"price", {{"$min", 1}}}}),
          make("format", &s::form, "What an event becomes, instead of the output's `format`.")
              .example("ndjson"),
          make("columns", &s::columns, "The columns of csv, instead of the output's `columns`.")
              .example({"time", "price"})
              .apart(),
          make.as<template_text_parser>("template", &s::text,
                                        "The text of `format: template`, instead of the output's `template`.")
              .example("${time} ${price}\n")
              .apart(),
      }};
  return fields;
}

/// A name, or a map with a name and what it gets.
value_type value_parser<parsed_route>::type() {
  return {"name or route",
          {{"anyOf", {{{"type", "string"}}, {{"$ref", "#/$defs/route"}}}}},
          &section_of<parsed_route>()};
}

bool value_parser<parsed_route>::read(const value_at& at, parsed_route& out, reading& in) {
  out.where_written = at.value.where;
  out.path = at.path;
  if (at.value.kind == protocol::node_kind::text) return value_parser<unresolved_name>::read(at, out.to, in);
  if (at.value.kind != protocol::node_kind::map) {
    at.complain(in, expected("the name of an output, or a map", at.value), "{to: NAME, replies: [REPLY]}");
    return false;
  }
  const std::size_t before = in.mistakes.size();
  read_section(section_of<parsed_route>(), at, at.value.where, &out, in);
  if (in.mistakes.size() == before && !out.columns.empty()) check_columns(at, out.form, out.columns, in);
  if (in.mistakes.size() == before && out.text != nullptr)
    out.parts = read_template(at, out.form, out.text, in);
  return in.mistakes.size() == before;
}

}  // namespace duplexd::config
