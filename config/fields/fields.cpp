#include "config/fields/fields.hpp"

#include <algorithm>
#include <array>

#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"

namespace duplexd::config {

template <>
const section& section_of<parsed_step>();  // of fields_script.cpp

using nlohmann::ordered_json;

namespace {

constexpr std::array<std::pair<log_format, std::string_view>, 3> log_formats{
    {{log_format::automatic, "auto"}, {log_format::text, "text"}, {log_format::json, "json"}}};
constexpr std::array<std::pair<log_level, std::string_view>, 4> log_levels{{{log_level::debug, "debug"},
                                                                            {log_level::info, "info"},
                                                                            {log_level::warning, "warning"},
                                                                            {log_level::error, "error"}}};

}  // namespace

// Not in the unnamed namespace: `choice_parser` finds them by their argument.
static const auto& words_of(log_format /*any*/) {
  return log_formats;
}
static const auto& words_of(log_level /*any*/) {
  return log_levels;
}

template <>
struct value_parser<log_format> : choice_parser<log_format> {};
template <>
struct value_parser<log_level> : choice_parser<log_level> {};

namespace {

/// The name of an output.
struct output_parser {
  static value_type type() {
    return {"list of names", {{"type", "array"}, {"items", {{"enum", {"stdout"}}}}}};
  }
  static ordered_json show(const std::vector<std::string>& names) { return names; }
  static bool read(const value_at& at, std::vector<std::string>& out, reading& in) {
    if (!value_parser<std::vector<std::string>>::read(at, out, in)) return false;
    for (std::size_t i = 0; i < out.size(); ++i)
      if (out[i] != "stdout") complain_of_choice(at.item(i), {"stdout"}, in);
    return true;
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
      "One connection: where to, how to log in, what to send and what is read.",
      {
          make("template", &s::template_name, "The template that this session is made from.")
              .example("agent"),
          make("with", &s::arguments, "Values of the template's parameters.")
              .merged()
              .only_beside({"template"})
              .example({{"host", "ws.test.com"}, {"id", 7}}),
          make.as<url_parser>(
                  "url", &s::urls,
                  "The server's address: wss://, ws://, or ws+unix:SOCKET:/PATH for a Unix-domain "
                  "socket. Of a list each is tried in turn, at once after the one before has failed; "
                  "`reconnect` begins when all have.")
              .required()
              .example("wss://ws.test.com:2443/"),
          make.as<headers_parser>("headers", &s::headers, "Additional headers of the WebSocket handshake.")
              .merged()
              .example({{"Authorization", "Bearer ${credential:token}"}}),
          make.as<list_parser<token_parser, std::string>>(
                  "subprotocols", &s::subprotocols,
                  "WebSocket subprotocols to offer, the preferred one first.")
              .example({"mqtt"}),
          make("tls", &s::tls, "How the server proves who it is.").merged(),
          make("timeouts", &s::timeouts, "How long each phase of a connection may take.").merged(),
          make("reconnect", &s::reconnect, "What happens when a link breaks.").merged(),
          make("liveness", &s::unresolved_liveness, "How a dead server is noticed.").merged(),
          make("limits", &s::limits, "What a server may not exceed.").merged(),
          make("protocol", &s::protocol_source,
               "The commands and replies: a name under `protocols`, or the definition itself (see "
               "layouts.md).")
              .of_type({"name or map", {{"type", {"string", "object"}}}})
              .example("callcentre"),
          make("rate", &s::rate, "How often anything is sent.").merged(),
          make.as<named_parser<parsed_command>>("commands", &s::unresolved_commands,
                                                "How commands of the protocol are treated, by name.")
              .merged(),
          make("outbox", &s::outbox, "The commands that wait to be sent.").merged(),
          make("active", &s::unresolved_active, "The hours in which the session has a link."),
          make("renew", &s::renew, "When a link is made anew although nothing is wrong.").merged(),
          make("before", &s::unresolved_before,
               "Carried out before each attempt to connect: fetch a token, choose an address. No messages.")
              .example(ordered_json::array({{{"http", {{"url", "https://api.test.com/token"}}},
                                             {"save", {{"token", "body.token"}}}}})),
          make("login", &s::unresolved_login, "What is sent first on each link."),
          make("subscribe", &s::unresolved_subscribe,
               "Carried out after the login, before the script, and again when `liveness` asks for it.")
              .example(ordered_json::array({{{"send", "subscribe"}}})),
          make("on", &s::unresolved_on, "What is done whenever a reply comes, from the login on."),
          make("script", &s::unresolved_script,
               "What is done after the login, step by step, on each link anew.")
              .of_type(steps_type())
              .example(ordered_json::array({{{"sleep", "500ms"}}, {{"send", "to_free"}}})),
          make("linger", &s::linger,
               "How long `run --once` waits for late replies when the script has ended.")
              .range(0, a_day, "0 to 24h"),
          make("close", &s::close, "The close frame that is sent when the session ends.").merged(),
          make.as<output_parser>("outputs", &s::outputs, "Where the session's events go."),
          make("simulate", &s::unresolved_simulate, "What `duplexd simulate` does in place of the server."),
          make("proxy", &s::proxy, "A proxy between us and the server."),
          make("tcp", &s::tcp, "Options of the TCP connection.").merged(),
          make("permessage_deflate", &s::deflate,
               "Compression of messages, if the server agrees to it; without this section it is not offered.")
              .merged()
              .example({{"threshold", "256B"}}),
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
      "A session with parameters. `${param:NAME}` in its texts is replaced by what the session that uses it "
      "gives "
      "under `with`; `${param:session}` is that session's name. A text that is nothing but a parameter "
      "becomes the "
      "value itself, be it a number, a list or a map.",
      {
          make("parameters", &s::parameters, "The parameters' names, or a map of names with defaults.")
              .of_type(
                  {"list of names, or map", {{"type", {"array", "object"}}, {"items", {{"type", "string"}}}}})
              .example({{"host", nullptr}, {"port", 2443}}),
          make("session", &s::session, "The fields of a session.")
              .of_type({"session", {{"$ref", "#/$defs/template_session"}}, &section_of<parsed_session>()})
              .required(),
      }};
  return fields;
}

template <>
const section& section_of<log_settings>() {
  using s = log_settings;
  const fields_of<s> make;
  static const section fields{"log",
                              "The log on stderr.",
                              {
                                  make("format", &s::format, "text, or JSON lines; auto is text."),
                                  make("level", &s::level, "The least that is worth a line."),
                              }};
  return fields;
}

template <>
const section& section_of<parsed_shutdown>() {
  using s = parsed_shutdown;
  const fields_of<s> make;
  static const section fields{"shutdown",
                              "What SIGTERM and SIGINT start.",
                              {
                                  make("limit", &s::limit, "The sessions drain and close within this time.")
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
      "How many sessions connect at the same time, at the start and when a common outage ends: the others "
      "wait "
      "their turn. Servers take turns, however many sessions want to go to each. A turn is the whole "
      "attempt, "
      "with the steps of `before`, but one second at most: what takes longer waits for its server and goes "
      "on "
      "beside the others, so that a server that does not answer holds nobody up.",
      {
          make("at_once", &s::at_once, "So many at once; 0: no limit.").range(0, 65'535, "0 to 65535"),
      }};
  return fields;
}

template <>
const section& section_of<parsed_document>() {
  using s = parsed_document;
  const fields_of<s> make;
  const section& session = section_of<parsed_session>();
  const ordered_json session_schema{{"$ref", "#/$defs/session"}};
  const ordered_json any_session{{"anyOf", {session_schema, {{"type", "null"}}}}};
  static const section fields{
      "document",
      "The whole file.",
      {
          make("version", &s::version, "The version of this notation.").range(1, 1, "1"),
          make("log", &s::log, "The log on stderr."),
          make("shutdown", &s::shutdown, "What SIGTERM and SIGINT start."),
          make("connect", &s::connect, "How many sessions connect at the same time."),
          make("defaults", &s::defaults,
               "Fields of a session that hold for each session that does not say otherwise.")
              .of_type({"session", session_schema, &session}),
          make("templates", &s::templates, "Sessions with parameters, by name.")
              .of_type(
                  named("map of templates", {{"$ref", "#/$defs/template"}}, &section_of<parsed_template>())),
          make("protocols", &s::protocols, "Protocols that several sessions share, by name (see layouts.md).")
              .of_type(named("map of protocols", {{"type", "object"}}, nullptr)),
          make("sessions", &s::sessions, "The sessions, by name.")
              .of_type(named("map of sessions", any_session, &session))
              .required(),
      }};
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
