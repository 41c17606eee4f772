#include "config/fields/fields.hpp"

#include <algorithm>
#include <array>

#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

template <>
const section& section_of<parsed_step>();  // of step_kinds.cpp

using nlohmann::ordered_json;

namespace {

constexpr std::array<std::pair<log_format, std::string_view>, 3> log_formats{
    {{log_format::automatic, "auto"}, {log_format::text, "text"}, {log_format::json, "json"}}};

}  // namespace

// Not in the unnamed namespace: `choice_parser` finds them by their argument.
static const auto& words_of(log_format /*any*/) {
  return log_formats;
}
static const auto& words_of(log_level /*any*/) {
  return log_level_words;
}

template <>
struct value_parser<log_format> : choice_parser<log_format> {};
template <>
struct value_parser<log_level> : choice_parser<log_level> {};

namespace {

/// Routes; the default is a name.
struct routes_parser : list_parser<value_parser<parsed_route>, parsed_route> {
  static ordered_json show(const std::vector<parsed_route>& routes) {
    ordered_json names = ordered_json::array();
    for (const parsed_route& each : routes) names.push_back(each.to.text);
    return names;
  }
};

/// Steps, with their fields: only here, because a step holds steps.
value_type steps_type() {
  value_type type = value_parser<parsed_steps>::type();
  type.inner = &section_of<parsed_step>();
  return type;
}

value_type named(std::string name, ordered_json of, const section* inner) {
  ordered_json schema{{"type", "object"},
                      {"propertyNames", {{"pattern", std::string(name_pattern)}}},
                      {"additionalProperties", std::move(of)}};
  return {std::move(name), std::move(schema), inner};
}

}  // namespace

template <>
const section& section_of<parsed_session>() {
  using s = parsed_session;
  const fields_of<s> make;
  static const section fields{
      "session",
      "One connection: the server, the login, and what is sent and received.",
      {
          make("template", &s::template_name, "The template this session is based on.").example("agent"),
          make("with", &s::arguments, "Values for the template's parameters.")
              .merged()
              .only_beside({"template"})
              .example({{"host", "ws.test.com"}, {"id", 7}}),
          make.as<url_parser>(
                  "url", &s::urls,
                  "The server's address: wss://, ws://, or ws+unix:SOCKET:/PATH for a Unix-domain "
                  "socket. The entries of a list are tried in order, each as soon as the one before it "
                  "fails; "
                  "`reconnect` applies once all have failed.")
              .required()
              .example("wss://ws.test.com:2443/"),
          make.as<headers_parser>("headers", &s::headers, "Additional headers for the WebSocket handshake.")
              .merged()
              .example({{"Authorization", "Bearer ${credential:token}"}}),
          make("subprotocols", &s::subprotocols,
               "WebSocket subprotocols to offer, in order of preference. If the server chooses none of them "
               "the connection is used all the same, with a warning, unless one is `required`.")
              .example({"mqtt"}),
          make("tls", &s::tls, "Authentication of the server and of the client.").merged(),
          make("timeouts", &s::timeouts, "Time limits for the phases of a connection.").merged(),
          make("reconnect", &s::reconnect, "What happens when a connection is lost.").merged(),
          make("liveness", &s::unresolved_liveness, "How a dead server is detected.")
              .merged()
              .changed(change_rule::live),
          make("lag", &s::unresolved_lag,
               "The field of a reply that says when its event happened. `/metrics` and `duplexd status` then "
               "tell how old events are when they arrive; `liveness.lag` acts on it.")
              .changed(change_rule::live),
          make("limits", &s::limits, "Limits on what the server sends.").merged().changed(change_rule::live),
          make(
              "protocol", &s::protocol_source,
              "The commands and replies: the name of an entry in `protocols`, or a definition: byte_order "
              "(default: "
              "native), json, opcode, framing, limits, layouts, commands, replies (see layouts.md). A reload "
              "that changes only how replies are unpacked keeps the connection (see operating.md).")
              .of_type({"name or map", {{"anyOf", {{{"type", "string"}}, {{"$ref", "#/$defs/protocol"}}}}}})
              .example("callcentre"),
          make("rate", &s::rate, "Rate limit for all outgoing messages.").merged(),
          make.as<named_parser<parsed_command>>("commands", &s::unresolved_commands,
                                                "Delivery rules for commands of the protocol, by name.")
              .merged(),
          make("outbox", &s::outbox, "The queue of commands waiting to be sent.").merged(),
          make.as<named_parser<variable_settings>>(
                  "variables", &s::unresolved_variables,
                  "Variables of the steps that have a value from the start, or survive a restart, by name.")
              .merged(),
          make("active", &s::unresolved_active, "The hours during which the session is connected."),
          make("renew", &s::renew, "When to reconnect although the connection is healthy.").merged(),
          make("before", &s::unresolved_before,
               "Steps to run before each connection attempt, such as fetching a token. They cannot send "
               "messages.")
              .example(ordered_json::array({{{"http", {{"url", "https://api.test.com/token"}}},
                                             {"save", {{"token", "body.token"}}}}})),
          make("login", &s::unresolved_login, "The first message on each connection."),
          make("subscribe", &s::unresolved_subscribe,
               "Steps to run after the login and before the script, and again when a `liveness` rule "
               "requests it.")
              .example(ordered_json::array({{{"send", "subscribe"}}})),
          make("on", &s::unresolved_on,
               "Steps to run whenever a given reply arrives, starting with the login.")
              .changed(change_rule::live),
          make("script", &s::unresolved_script, "Steps to run after the login, on every connection.")
              .of_type(steps_type())
              .example(ordered_json::array({{{"sleep", "500ms"}}, {{"send", "to_free"}}})),
          make("linger", &s::linger,
               "How long `run --once` waits for late replies after the script has finished.")
              .range(0, a_day, "0 to 24h"),
          make("close", &s::unresolved_close, "How a connection is closed.").merged(),
          make.as<routes_parser>("outputs", &s::unresolved_outputs,
                                 "Where the session's events are written: names of outputs, or routes that "
                                 "select events.")
              .changed(change_rule::live),
          make("simulate", &s::unresolved_simulate, "How `duplexd simulate` behaves as the server.")
              .changed(change_rule::live),
          make("proxy", &s::proxy, "The proxy to connect through."),
          make("redirects", &s::redirects,
               "Redirects to follow during the WebSocket handshake and in `http` steps: those to the same "
               "origin (scheme, host and port), none, or also those to the listed origins. A listed origin "
               "gets everything that the server gets: all headers, the login and the client certificate. "
               "Whether an origin starts with `wss` or `https` makes no difference. Redirects from TLS to "
               "plain text are never followed.")
              .example({"wss://eu.ws.test.com"}),
          make(
              "cookies", &s::cookies,
              "Whether cookies are sent back to the servers that set them (RFC 6265): those of `http` steps, "
              "redirects and WebSocket handshakes, in memory, at most 64 KiB for each session. An answer "
              "with status 401 or 403 deletes them all. A `Cookie` header of yours is kept and completed."),
          make("tcp", &s::tcp, "Options of the TCP connection.").merged(),
          make("permessage_deflate", &s::deflate,
               "Message compression, if the server accepts it. Not offered without this section.")
              .merged()
              .example({{"threshold", "256B"}}),
          make(
              "required", &s::required,
              "Whether the daemon is ready only while this session is connected and logged in, or outside of "
              "its `active` hours: see `health`.")
              .changed(change_rule::live),
      },
      true};
  return fields;
}

template <>
const section& section_of<parsed_template>() {
  using s = parsed_template;
  const fields_of<s> make;
  static const section fields{
      "template",
      "A session with parameters. `${param:NAME}` in its texts is replaced by the value that a session "
      "using the template gives in `with`; `${param:session}` is that session's name. A text that consists "
      "of a single parameter takes the parameter's value and type: a number, a list or a map.",
      {
          make("parameters", &s::parameters, "The names of the parameters, or a map from names to defaults.")
              .of_type(
                  {"list of names, or map",
                   {{"anyOf", {{{"type", "array"}, {"items", {{"type", "string"}}}}, {{"type", "object"}}}}}})
              .example({{"host", nullptr}, {"port", 2443}}),
          make("session", &s::session, "The session's fields.")
              .of_type({"session", {{"$ref", "#/$defs/template_session"}}, &section_of<parsed_session>()})
              .required(),
      }};
  return fields;
}

template <>
const section& section_of<parsed_log>() {
  using s = parsed_log;
  const fields_of<s> make;
  static const section fields{
      "log",
      "The log on stderr.",
      {
          make("format", &s::format, "text, or json for JSON lines; auto means text."),
          make("level", &s::level, "The lowest level that is logged.").changed(change_rule::live),
          make.as<named_parser<log_level>>(
                  "sessions", &s::unresolved_sessions,
                  "The lowest level that is logged of single sessions, by name, instead "
                  "of `level`. Lines about the whole daemon always have `level`.")
              .of_type(named("map of levels", value_parser<log_level>::type().schema, nullptr))
              .changed(change_rule::live)
              .example({{"s", "debug"}}),
      }};
  return fields;
}

template <>
const section& section_of<parsed_shutdown>() {
  using s = parsed_shutdown;
  const fields_of<s> make;
  static const section fields{"shutdown",
                              "The shutdown that SIGTERM and SIGINT start.",
                              {
                                  make("limit", &s::limit,
                                       "How long the shutdown may take in all: the sessions drain and close, "
                                       "stdout takes the last events.")
                                      .range(0, an_hour, "0 to 1h"),
                              }};
  return fields;
}

template <>
const section& section_of<parsed_connect>() {
  using s = parsed_connect;
  const fields_of<s> make;
  static const section fields{
      "connect",
      "The number of sessions that may connect at the same time, at startup and after a common outage; the "
      "others wait. Slots are shared evenly between servers, however many sessions each one has. A session "
      "holds its slot during the attempt, including the steps in `before`, but for at most one second: a "
      "slower attempt continues without a slot, so a server that does not answer does not delay the others.",
      {
          make("at_once", &s::at_once, "The maximum number of concurrent attempts; 0 means no limit.")
              .range(0, 65'535, "0 to 65535"),
      }};
  return fields;
}

template <>
const section& section_of<health_settings>() {
  using s = health_settings;
  const fields_of<s> make;
  static const section fields{
      "health",
      "An HTTP server for monitoring (see operating.md): `/livez`, `/readyz` and `/metrics`, without "
      "authentication, encryption or any way to change something.",
      {
          make("listen", &s::listen,
               "Where it listens: an IP address and a port. Port 0 means a free one, which the log names.")
              .required()
              .example("127.0.0.1:9100"),
          make.as<list_parser<host_name_parser, std::string>>(
                  "hosts", &s::hosts,
                  "The names under which it may be requested, besides IP addresses and `localhost`. Requests "
                  "for other names are refused: a web page must not read it through a name of its own.")
              .example({"duplexd.monitoring.svc"}),
      }};
  return fields;
}

template <>
const section& section_of<control_settings>() {
  using s = control_settings;
  const fields_of<s> make;
  static const section fields{
      "control",
      "An HTTP interface for operators (see operating.md): state, commands, events, pause and reconnect.",
      {
          make.as<path_parser>(
                  "socket", &s::socket,
                  "The path of its Unix-domain socket, which has the mode 0660. Default: "
                  "control.sock in `$RUNTIME_DIRECTORY`, if systemd sets that; else there is none.")
              .example("/run/duplexd/control.sock"),
          make("listen", &s::listen,
               "Where it also listens: an IP address and a port. There is no encryption.")
              .only_beside({"token"})
              .example("127.0.0.1:9101"),
          make("token", &s::token,
               "What clients of `listen` must send: `Authorization: Bearer TOKEN`. It is read at each "
               "request.")
              .only_beside({"listen"})
              .example("${credential:duplexd_control}"),
          make.as<path_parser>(
                  "view_socket", &s::view_socket,
                  "The path of a second socket, for those who may see everything and change nothing.")
              .example("/run/duplexd/view.sock"),
          make("view_token", &s::view_token,
               "Another token for `listen`, whose clients may see everything and change nothing.")
              .only_beside({"listen"})
              .example("${credential:duplexd_view}"),
          make.as<list_parser<host_name_parser, std::string>>(
                  "hosts", &s::hosts,
                  "The names under which it may be requested, besides IP addresses and `localhost`.")
              .example({"duplexd.test.com"}),
      }};
  return fields;
}

template <>
const section& section_of<parsed_document>() {
  using s = parsed_document;
  const fields_of<s> make;
  const section& session = section_of<parsed_session>();
  const ordered_json session_schema{{"$ref", "#/$defs/session"}};
  value_type sessions = named("map of sessions", {{"anyOf", {session_schema, {{"type", "null"}}}}}, &session);
  sessions.schema["minProperties"] = 1;
  static const section fields{
      "document",
      "The top level of the file.",
      {
          make("version", &s::version, "The version of the configuration format.").range(1, 1, "1"),
          make("log", &s::log, "The log on stderr."),
          make("shutdown", &s::shutdown, "The shutdown that SIGTERM and SIGINT start.")
              .changed(change_rule::live),
          make("connect", &s::connect, "How many sessions may connect at the same time."),
          make("health", &s::health, "An HTTP server for monitoring."),
          make("control", &s::control, "An HTTP interface for operators."),
          make("defaults", &s::defaults, "Defaults for the fields of all sessions.")
              .of_type({"session", session_schema, &session})
              .changed(change_rule::reconnect),
          make("templates", &s::templates, "Sessions with parameters, by name.")
              .of_type(
                  named("map of templates", {{"$ref", "#/$defs/template"}}, &section_of<parsed_template>()))
              .changed(change_rule::reconnect),
          make.as<named_parser<parsed_output>>("outputs", &s::outputs,
                                               "Places for events, by name (see outputs.md).")
              .of_type(named("map of outputs", {{"$ref", "#/$defs/output"}}, &section_of<parsed_output>())),
          make("journal", &s::journal,
               "Where durable events, commands and variables are kept (see durability.md)."),
          make("protocols", &s::protocols, "Protocols shared by several sessions, by name (see layouts.md).")
              .of_type(named("map of protocols", {{"$ref", "#/$defs/protocol"}}, nullptr))
              .changed(change_rule::reconnect),
          make("sessions", &s::sessions, "The sessions, by name.")
              .of_type(std::move(sessions))
              .required()
              .changed(change_rule::reconnect),
      },
      false,
      {},
      true};
  return fields;
}

const section& document_fields() {
  return section_of<parsed_document>();
}
const section& session_fields() {
  return section_of<parsed_session>();
}
const section& template_fields() {
  return section_of<parsed_template>();
}

bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

}  // namespace duplexd::config
