// The field table, part: how a link is made, kept and ended.
#include "config/forms.hpp"
#include "config/settings.hpp"
#include "config/spans.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

// Not in the unnamed namespace: `choice_form` finds it by its argument.
static const auto& words_of(fault_class /*any*/) {
  return fault_class_names;
}
template <>
struct form<fault_class> : choice_form<fault_class> {};

namespace {

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

}  // namespace duplexd::config
