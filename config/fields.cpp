#include "config/fields.hpp"

#include <algorithm>
#include <array>

#include "config/forms.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;
using protocol::node_kind;

namespace {

constexpr std::array<std::pair<log_format, std::string_view>, 3> log_formats{
    {{log_format::automatic, "auto"}, {log_format::text, "text"}, {log_format::json, "json"}}};
constexpr std::array<std::pair<log_level, std::string_view>, 4> log_levels{{{log_level::debug, "debug"},
                                                                            {log_level::info, "info"},
                                                                            {log_level::warning, "warning"},
                                                                            {log_level::error, "error"}}};
constexpr double a_second = 1'000;
constexpr double an_hour = 3'600 * a_second;
constexpr double a_day = 24 * an_hour;

}  // namespace

// Not in the unnamed namespace: `choice_form` finds them by their argument.
static const auto& words_of(log_format /*any*/) {
  return log_formats;
}
static const auto& words_of(log_level /*any*/) {
  return log_levels;
}
static const auto& words_of(fault_class /*any*/) {
  return fault_class_names;
}

// How the small types of this table are written; sections are below.
template <>
struct form<log_format> : choice_form<log_format> {};
template <>
struct form<log_level> : choice_form<log_level> {};
template <>
struct form<fault_class> : choice_form<fault_class> {};

template <>
struct form<written_name> {
  static value_type type() { return {"name", {{"type", "string"}}}; }
  static ordered_json show(const written_name& /*value*/) { return nullptr; }
  static bool read(const value_at& at, written_name& out, reading& in) {
    out.where = at.value.where;
    out.path = at.path;
    if (at.value.kind != node_kind::map) return form<std::string>::read(at, out.text, in);
    at.complain(in, expected("a name", at.value), "values stand beside the name, under 'with' or 'where'");
    return false;
  }
};

template <>
struct form<written_values> {
  static value_type type() { return {"map of any values with references", {{"type", "object"}}}; }
  static ordered_json show(const written_values& /*value*/) { return nullptr; }
  static bool read(const value_at& at, written_values& out, reading& in) {
    if (at.value.kind != node_kind::map) {
      at.complain(in, expected("a map", at.value), "field: value, as the command's layout names them");
      return false;
    }
    out.source = &at.value;
    out.path = at.path;
    return form<json_template>::read(at, out.values, in);
  }
};

namespace {

/// The name of an output.
struct output_form {
  static value_type type() {
    return {"list of names", {{"type", "array"}, {"items", {{"enum", {"stdout"}}}}}};
  }
  static ordered_json show(const std::vector<std::string>& names) { return names; }
  static bool read(const value_at& at, std::vector<std::string>& out, reading& in) {
    if (!form<std::vector<std::string>>::read(at, out, in)) return false;
    for (std::size_t i = 0; i < out.size(); ++i)
      if (out[i] != "stdout") complain_of_choice(at.item(i), {"stdout"}, in);
    return true;
  }
};

/// A close frame's status code that an endpoint may send (RFC 6455, 7.4).
struct close_code_form : form<std::uint16_t> {
  static value_type type() {
    return {"integer",
            {{"anyOf", {{{"const", 1000}}, {{"type", "integer"}, {"minimum", 3000}, {"maximum", 4999}}}}}};
  }
  static bool read(const value_at& at, std::uint16_t& out, reading& in) {
    if (!form<std::uint16_t>::read(at, out, in)) return false;
    if (out == 1000 || (out >= 3000 && out <= 4999)) return true;
    at.complain(in, "a client does not close with " + at.value.text, "allowed: 1000 and 3000 to 4999");
    return false;
  }
};

/// A close frame's reason: at most 123 bytes beside the code.
struct close_reason_form : form<std::string> {
  static value_type type() { return {"text", {{"type", "string"}, {"maxLength", 123}}}; }
  static bool read(const value_at& at, std::string& out, reading& in) {
    if (!form<std::string>::read(at, out, in)) return false;
    if (out.size() <= 123) return true;
    at.complain(in, "the reason has " + std::to_string(out.size()) + " bytes of UTF-8", "allowed: 123 bytes");
    return false;
  }
};

value_type named(std::string name, ordered_json of, const section* inner) {
  ordered_json schema{{"type", "object"},
                      {"propertyNames", {{"pattern", std::string(name_pattern)}}},
                      {"additionalProperties", std::move(of)}};
  return {std::move(name), std::move(schema), inner};
}

}  // namespace

template <>
const section& section_of<tls_settings>() {
  using s = tls_settings;
  const fields_of<s> make;
  static const section fields{
      "tls",
      "How the server proves who it is. Used with wss:// only.",
      {
          make.as<path_form>("ca_file", &s::ca_file,
                             "PEM file with the certificates to trust instead of the system's store.")
              .example("/etc/duplexd/ca.pem"),
          make("verify", &s::verify,
               "Check the server's certificate and host name; off is for experiments only."),
          make("server_name", &s::server_name,
               "Name to ask for (SNI) and to check, instead of the URL's host.")
              .example("ws.test.com"),
      }};
  return fields;
}

template <>
const section& section_of<timeout_settings>() {
  using s = timeout_settings;
  const fields_of<s> make;
  const auto phase = [&](std::string name, milliseconds s::* member, std::string doc) {
    return make(std::move(name), member, std::move(doc)).range(1, an_hour, "1ms to 1h");
  };
  static const section fields{
      "timeouts",
      "How long each phase of a connection may take.",
      {
          phase("resolve", &s::resolve, "Finding the host's addresses."),
          phase("connect", &s::connect, "TCP, all addresses together."),
          phase("tls", &s::tls, "The TLS handshake."),
          phase("handshake", &s::handshake, "The WebSocket handshake."),
          phase("login", &s::login, "The reply that the login expects."),
          phase("close", &s::close, "The server's close frame and the end of TCP, once we close."),
      }};
  return fields;
}

template <>
const section& section_of<reconnect_settings>() {
  using s = reconnect_settings;
  const fields_of<s> make;
  static const section fields{
      "reconnect",
      "What happens when a link breaks or cannot be made. The n-th delay is random between 0 and "
      "`initial` × `factor`ⁿ, at most `maximum`.",
      {
          make("initial", &s::initial, "The first delay, at most.").range(1, a_day, "1ms to 24h"),
          make("maximum", &s::maximum, "No delay is longer.").range(1, a_day, "1ms to 24h"),
          make("factor", &s::factor, "How much longer each delay is than the one before.")
              .range(1, 100, "1 to 100"),
          make("stable_after", &s::stable_after,
               "A link that lived this long starts again with the first delay.")
              .range(0, a_day, "0 to 24h"),
          make("fatal", &s::fatal, "Faults that end the session instead of a further attempt.")
              .example({"login_rejected", "tls"}),
      }};
  return fields;
}

template <>
const section& section_of<liveness_settings>() {
  using s = liveness_settings;
  const fields_of<s> make;
  static const section fields{
      "liveness",
      "How a dead server is noticed.",
      {
          make("ping_interval", &s::ping_interval, "A WebSocket ping is sent this often; 0: never.")
              .range(0, a_day, "0 to 24h"),
          make("idle_timeout", &s::idle_timeout,
               "A link on which nothing was heard for this long is given up; 0: never.")
              .range(0, a_day, "0 to 24h"),
      }};
  return fields;
}

template <>
const section& section_of<limit_settings>() {
  using s = limit_settings;
  const fields_of<s> make;
  static const section fields{
      "limits",
      "What a server may not exceed.",
      {
          make.as<size_form>("message", &s::message,
                             "The largest message that is received; a larger one ends the link.")
              .range(1, 1u << 30, "1 to 1GiB"),
      }};
  return fields;
}

template <>
const section& section_of<close_settings>() {
  using s = close_settings;
  const fields_of<s> make;
  static const section fields{
      "close",
      "The close frame that is sent when the session ends.",
      {
          make.as<close_code_form>("code", &s::code, "The status code: 1000, or 3000 to 4999."),
          make.as<close_reason_form>("reason", &s::reason, "The reason, at most 123 bytes.")
              .example("user quit"),
      }};
  return fields;
}

template <>
const section& section_of<login_draft>() {
  using s = login_draft;
  const fields_of<s> make;
  static const section fields{
      "login",
      "What is sent first on each link, and the reply that grants entry. The script starts after it.",
      {
          make("json", &s::json, "Sent as a text message.")
              .example({{"role", "admin"}, {"user_id", "${env:AGENT_ID}"}}),
          make("send", &s::send, "A command of the protocol to send instead.").example("log_on"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send"})
              .example({{"token", "${credential:token}"}}),
          make("expect", &s::expect, "The reply to wait for, `timeouts.login` long.").example("welcome"),
          make("where", &s::fields,
               "Values that this reply must have; with others the login counts as rejected.")
              .map_only()
              .only_beside({"expect"})
              .example({{"status", "ok"}}),
      },
      false,
      {"json", "send"}};
  return fields;
}

template <>
const section& section_of<step_draft>() {
  using s = step_draft;
  const fields_of<s> make;
  static const section fields{
      "step",
      "One step of the script: exactly one of `sleep`, `send` and `expect`.",
      {
          make("sleep", &s::sleep, "Wait.").range(0, 365 * a_day, "0 to 8760h").example("500ms"),
          make("send", &s::send, "Send this command of the protocol.").example("set_service"),
          make("with", &s::with, "The command's values.")
              .only_beside({"send"})
              .example({{"services", {"first", "test"}}}),
          make("expect", &s::expect, "Wait for this reply; that it does not come is a `script` fault.")
              .example("reply"),
          make("where", &s::fields, "Values that the reply must have; a dot reaches into an object.")
              .map_only()
              .only_beside({"expect"})
              .example({{"code", 2}}),
          make("timeout", &s::timeout, "How long to wait for the reply.")
              .only_beside({"expect"})
              .range(1, a_day, "1ms to 24h"),
      },
      false,
      {"sleep", "send", "expect"}};
  return fields;
}

template <>
const section& section_of<greeting_draft>() {
  using s = greeting_draft;
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
const section& section_of<answer_draft>() {
  using s = answer_draft;
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
const section& section_of<push_draft>() {
  using s = push_draft;
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
const section& section_of<simulate_draft>() {
  using s = simulate_draft;
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

template <>
const section& section_of<session_draft>() {
  using s = session_draft;
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
          make.as<url_form>("url", &s::url, "The server's address, wss:// or ws://.")
              .required()
              .example("wss://ws.test.com:2443/"),
          make.as<headers_form>("headers", &s::headers, "Additional headers of the WebSocket handshake.")
              .merged()
              .example({{"Authorization", "Bearer ${credential:token}"}}),
          make("subprotocols", &s::subprotocols, "WebSocket subprotocols to offer, the preferred one first.")
              .example({"mqtt"}),
          make("tls", &s::tls, "How the server proves who it is.").merged(),
          make("timeouts", &s::timeouts, "How long each phase of a connection may take.").merged(),
          make("reconnect", &s::reconnect, "What happens when a link breaks.").merged(),
          make("liveness", &s::liveness, "How a dead server is noticed.").merged(),
          make("limits", &s::limits, "What a server may not exceed.").merged(),
          make("protocol", &s::protocol_source,
               "The commands and replies: a name under `protocols`, or the definition itself (see "
               "layouts.md).")
              .of_type({"name or map", {{"type", {"string", "object"}}}})
              .example("callcentre"),
          make("login", &s::login_written, "What is sent first on each link."),
          make("script", &s::script_written, "What is sent after the login, step by step, on each link anew.")
              .example(ordered_json::array({{{"sleep", "500ms"}}, {{"send", "to_free"}}})),
          make("linger", &s::linger,
               "How long `run --once` waits for late replies when the script has ended.")
              .range(0, a_day, "0 to 24h"),
          make("close", &s::close, "The close frame that is sent when the session ends.").merged(),
          make.as<output_form>("outputs", &s::outputs, "Where the session's events go."),
          make("simulate", &s::simulate_written, "What `duplexd simulate` does in place of the server."),
      },
      true};
  return fields;
}

template <>
const section& section_of<template_draft>() {
  using s = template_draft;
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
              .of_type({"session", {{"$ref", "#/$defs/template_session"}}, &section_of<session_draft>()})
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
const section& section_of<shutdown_draft>() {
  using s = shutdown_draft;
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
const section& section_of<document_draft>() {
  using s = document_draft;
  const fields_of<s> make;
  const section& session = section_of<session_draft>();
  const ordered_json session_schema{{"$ref", "#/$defs/session"}};
  const ordered_json any_session{{"anyOf", {session_schema, {{"type", "null"}}}}};
  static const section fields{
      "document",
      "The whole file.",
      {
          make("version", &s::version, "The version of this notation.").range(1, 1, "1"),
          make("log", &s::log, "The log on stderr."),
          make("shutdown", &s::shutdown, "What SIGTERM and SIGINT start."),
          make("defaults", &s::defaults,
               "Fields of a session that hold for each session that does not say otherwise.")
              .of_type({"session", session_schema, &session}),
          make("templates", &s::templates, "Sessions with parameters, by name.")
              .of_type(
                  named("map of templates", {{"$ref", "#/$defs/template"}}, &section_of<template_draft>())),
          make("protocols", &s::protocols, "Protocols that several sessions share, by name (see layouts.md).")
              .of_type(named("map of protocols", {{"type", "object"}}, nullptr)),
          make("sessions", &s::sessions, "The sessions, by name.")
              .of_type(named("map of sessions", any_session, &session))
              .required(),
      }};
  return fields;
}

const section& document_fields() {
  return section_of<document_draft>();
}
const section& session_fields() {
  return section_of<session_draft>();
}
const section& template_fields() {
  return section_of<template_draft>();
}

bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

}  // namespace duplexd::config
