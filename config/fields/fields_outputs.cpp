// The field table, part: where events go.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "config/fields/broker_checks.hpp"
#include "config/fields/fields.hpp"
#include "config/fields/output_checks.hpp"
#include "config/fields/output_choices.hpp"
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

/// Of a web server, a database or a broker; which, says the type, and is checked when that is known.
struct output_url_parser : value_parser<text_template> {
  static bool read(const value_at& at, text_template& out, reading& in) {
    if (at.value.kind == protocol::node_kind::text &&
        (is_database_url(at.value.text) || is_broker_url(at.value.text)))
      return value_parser<text_template>::read(at, out, in);
    return read_checked(at, out, in, parse_http_url);
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

/// The fields that each type has beside those of all types.
struct output_fields {
  output_type type;
  std::vector<std::string_view> own;
};
const std::vector<output_fields>& fields_of_types() {
  static const std::vector<output_fields> all{
      {output_type::standard_output, {"format", "columns", "template"}},
      {output_type::standard_error, {"format", "columns", "template"}},
      {output_type::file,
       {"path", "format", "columns", "template", "queue", "overflow", "rotate", "keep", "compress", "sync",
        "durable"}},
      {output_type::sqlite, {"path", "queue", "overflow", "keep", "indexes", "durable"}},
      {output_type::exec,
       {"program", "env", "answers", "format", "columns", "template", "queue", "overflow"}},
      {output_type::http,
       {"url", "headers", "body", "batch", "timeout", "compress", "dead_letters", "sign", "idempotency",
        "format", "queue", "overflow"}},
      {output_type::tcp, {"address", "tls", "timeout", "format", "columns", "template", "queue", "overflow"}},
      {output_type::udp, {"address", "format", "columns", "template", "queue", "overflow"}},
      {output_type::syslog,
       {"transport", "address", "socket", "tls", "timeout", "facility", "severity", "app_name",
        "structured_data", "format", "columns", "template", "queue", "overflow"}},
      {output_type::journald,
       {"socket", "severity", "app_name", "format", "columns", "template", "queue", "overflow"}},
      {output_type::postgres, {"url", "timeout", "indexes", "dead_letters", "queue", "overflow", "durable"}},
      {output_type::mqtt,
       {"url", "topic", "user", "password", "client_id", "qos", "retain", "keepalive", "ca_file", "cert_file",
        "key_file", "timeout", "dead_letters", "format", "columns", "template", "queue", "overflow",
        "durable"}},
      {output_type::nats,
       {"url", "subject", "user", "password", "token", "creds_file", "jetstream", "ca_file", "cert_file",
        "key_file", "timeout", "dead_letters", "format", "columns", "template", "queue", "overflow",
        "durable"}},
  };
  return all;
}

void check_fields_of_type(const value_at& at, const parsed_output& output, reading& in) {
  const auto& all = fields_of_types();
  const auto known = std::ranges::find(all, output.type, &output_fields::type);
  const auto word = choice_parser<output_type>::show(output.type).get<std::string>();
  for (const protocol::node_entry& entry : at.value.entries) {
    if (entry.key == "type" || std::ranges::find(known->own, entry.key) != known->own.end()) continue;
    if (section_of<parsed_output>().find(entry.key) == nullptr) continue;  // that is told already
    at.entry(entry).complain(in, fmt::format("an output of type {} has no '{}'", word, entry.key));
  }
  std::string error;
  if (output.type == output_type::file && !output.path.empty() && !path_pattern::parse(output.path, error))
    if (const protocol::node* path = at.value.find("path"))
      in.mistakes.push_back({path->where, at.path + ".path", error, ""});
  if (!output.dead_letters.empty() && !path_pattern::parse(output.dead_letters, error))
    if (const protocol::node* path = at.value.find("dead_letters"))
      in.mistakes.push_back({path->where, at.path + ".dead_letters", error, ""});
  if (std::ranges::find(known->own, "path") != known->own.end() && output.path.empty())
    in.mistakes.push_back(
        {at.value.where, at.path, fmt::format("an output of type {} needs a path", word), "add path: FILE"});
}

/// What the journal decides for durable outputs.
void check_durable(const value_at& at, const parsed_output& output, reading& in) {
  if (!output.durable) return;
  for (const char* word : {"queue", "overflow"})
    if (const protocol::node* written = at.value.find(word))
      in.mistakes.push_back({written->where, fmt::format("{}.{}", at.path, word),
                             fmt::format("a durable output has no '{}'", word),
                             "the journal has size and full"});
  if (const protocol::node* written = at.value.find("sync"))
    in.mistakes.push_back({written->where, at.path + ".sync", "a durable output is always synced", ""});
}

}  // namespace

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
          make.as<output_url_parser>("url", &s::url,
                                     "Where events are posted to (http), or the database or broker that gets "
                                     "them (postgres, mqtt, nats).")
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
          make("jetstream", &s::retain,
               "Whether each message is to be acknowledged by JetStream, which a stream with its subject "
               "keeps (nats).")
              .apart(),
          make("token", &s::password, "The token that the server wants instead of a user (nats).")
              .example("${credential:token}")
              .apart(),
          make.as<output_path_parser>("creds_file", &s::path,
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
                               "(mqtt, nats; with TLS).")
              .example("/etc/duplexd/ca.pem")
              .apart(),
          make.as<path_parser>("cert_file", &s::cert_file,
                               "PEM file with the client certificate and its chain (mqtt, nats; with TLS).")
              .example("client.pem")
              .apart(),
          make.as<path_parser>("key_file", &s::key_file,
                               "PEM file with the certificate's private key, if it is not in `cert_file` "
                               "(mqtt, nats; with TLS).")
              .only_beside({"cert_file"})
              .example("client.key")
              .apart(),
          make.as<peer_parser>("address", &s::address,
                               "The peer: HOST:PORT, or [ADDRESS]:PORT (tcp, udp, syslog).")
              .example("collector.test.com:5170")
              .apart(),
          make("tls", &s::tls,
               "Whether the connection uses TLS, verified with the system's certificates (tcp, syslog over "
               "TCP).")
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
