// The field table, part: how a link is made.
#include "config/fields/spans.hpp"
#include "config/fields/unresolved.hpp"
#include "config/value/proxy.hpp"

namespace duplexd::config {

using nlohmann::ordered_json;

namespace {

/// Written as a number, or as a text.
struct tls_version_parser {
  static value_type type() { return {"version", {{"enum", {1.2, 1.3, "1.2", "1.3"}}}}; }
  static ordered_json show(tls_version value) { return value == tls_version::v1_3 ? 1.3 : 1.2; }
  static bool read(const value_at& at, tls_version& out, reading& in) {
    out = at.value.text == "1.3" ? tls_version::v1_3 : tls_version::v1_2;
    if (at.value.is_scalar() && (at.value.text == "1.2" || at.value.text == "1.3")) return true;
    at.complain(in, in_quotes(at.value.text) + " is not a supported TLS version", "known: 1.2, 1.3");
    return false;
  }
};

/// "sha256:BASE64"; the base64 is kept.
struct pin_parser {
  static value_type type() {
    return {"pin", {{"type", "string"}, {"pattern", "^sha256:[A-Za-z0-9+/]{43}=$"}}};
  }
  static bool read(const value_at& at, std::string& out, reading& in) {
    if (!value_parser<std::string>::read(at, out, in)) return false;
    constexpr std::string_view prefix = "sha256:";
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (out.starts_with(prefix) && out.size() == prefix.size() + 44 &&
        out.find_first_not_of(digits, prefix.size()) == out.size() - 1 && out.back() == '=') {
      out.erase(0, prefix.size());
      return true;
    }
    at.complain(in, in_quotes(out) + " is not a pin",
                "sha256: and 44 characters of base64, as 'openssl x509 -pubkey -noout | openssl pkey -pubin "
                "-outform der | openssl dgst -sha256 -binary | base64' prints them");
    return false;
  }
};
using pins_parser = list_parser<pin_parser, std::string>;

struct proxy_url_parser {
  static value_type type() {
    return {"URL with references", {{"type", "string"}, {"pattern", R"(^(https?://|socks5h?://|.*\$\{))"}}};
  }
  static ordered_json show(const text_template& /*value*/) { return nullptr; }
  static bool read(const value_at& at, text_template& out, reading& in) {
    return read_checked(at, out, in, parse_proxy);
  }
};

}  // namespace

template <>
const section& section_of<tls_settings>() {
  using s = tls_settings;
  const fields_of<s> make;
  static const section fields{
      "tls",
      "Authentication of the server and of the client, for wss:// only. Files are read for each connection "
      "attempt. The server's certificate must be valid now, lead to a trusted CA, and be issued for the "
      "host. "
      "Whether it was revoked is not checked, neither by CRL nor by OCSP.",
      {
          make.as<path_parser>("ca_file", &s::ca_file,
                               "PEM file with the CA certificates to trust instead of the system's store.")
              .example("/etc/duplexd/ca.pem"),
          make("verify", &s::verify,
               "Verify the server's certificate and host name. Disable for experiments only."),
          make("allow_common_name", &s::allow_common_name,
               "Accept a certificate that has the host as its common name (CN) only, without a subject "
               "alternative name; such certificates are refused otherwise, unless one of `pins` is in the "
               "chain."),
          make("server_name", &s::server_name,
               "Host name to request (SNI) and to verify, instead of the URL's host.")
              .example("ws.test.com"),
          make.as<path_parser>("cert_file", &s::cert_file,
                               "PEM file with the client certificate and its chain.")
              .example("client.pem"),
          make.as<path_parser>("key_file", &s::key_file,
                               "PEM file with the certificate's private key, if it is not in `cert_file`.")
              .only_beside({"cert_file"})
              .example("client.key"),
          make("key_password", &s::key_password, "The password of an encrypted private key.")
              .only_beside({"cert_file"})
              .example("${credential:key-password}"),
          make.as<pins_parser>(
                  "pins", &s::pins,
                  "Pinned public keys, one of which must be in the server's verified chain (RFC 7469); "
                  "with `verify: false`, one must be the server's own.")
              .example({"sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}),
          make.as<tls_version_parser>("min_version", &s::min_version, "The minimum TLS version."),
          make("ciphers", &s::ciphers, "Ciphers for TLS 1.2, in OpenSSL's syntax.").example("ECDHE+AESGCM"),
          make("ciphersuites", &s::ciphersuites, "Cipher suites for TLS 1.3, in OpenSSL's syntax.")
              .example("TLS_AES_256_GCM_SHA384"),
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
      "Time limits for the phases of a connection.",
      {
          phase("resolve", &s::resolve, "Looking up the host's addresses."),
          phase("connect", &s::connect, "Connecting over TCP, across all addresses."),
          phase("tls", &s::tls, "The TLS handshake."),
          phase("handshake", &s::handshake, "The WebSocket handshake."),
          phase("login", &s::login, "The whole login: its `steps`, and waiting for its reply."),
          phase("close", &s::close,
                "Waiting for the server's close frame and the end of the TCP connection after closing."),
          phase("proxy", &s::proxy, "Waiting for the proxy's response."),
          phase("cleanup", &s::cleanup, "The steps of one `finally`; then they are cancelled."),
      }};
  return fields;
}

template <>
const section& section_of<proxy_settings>() {
  using s = proxy_settings;
  const fields_of<s> make;
  static const section fields{
      "proxy",
      "The proxy to connect through. The proxy resolves the server's name.",
      {
          make.as<proxy_url_parser>("url", &s::url, "http://HOST:PORT (HTTP CONNECT) or socks5://HOST:PORT.")
              .example("http://proxy.test.com:3128"),
          make("username", &s::username, "The user name for the proxy.")
              .only_beside({"url"})
              .example("${env:PROXY_USER}"),
          make("password", &s::password, "The password for that user.")
              .only_beside({"username"})
              .example("${credential:proxy-password}"),
          make("from_env", &s::from_env,
               "Use the proxy from the environment, as curl does: https_proxy for wss://, http_proxy for "
               "ws://, otherwise all_proxy; hosts in no_proxy are connected to directly."),
      },
      false,
      {"url", "from_env"}};
  return fields;
}

template <>
const section& section_of<tcp_settings>() {
  using s = tcp_settings;
  const fields_of<s> make;
  static const section fields{
      "tcp",
      "Options of the TCP connection.",
      {
          make("no_delay", &s::no_delay, "Send small writes immediately (TCP_NODELAY)."),
          make("keepalive", &s::keepalive,
               "Idle time after which the kernel sends TCP keepalive probes: up to four, a quarter of this "
               "time "
               "apart; 0 disables them.")
              .range(0, a_day, "0 to 24h"),
          make("user_timeout", &s::user_timeout,
               "How long sent data may remain unacknowledged before the connection is dropped "
               "(TCP_USER_TIMEOUT); "
               "0 means the kernel's default.")
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
      "Limits on what the server sends.",
      {
          make.as<size_parser>(
                  "message", &s::message,
                  "The largest message accepted, after decompression; a larger one ends the connection.")
              .range(1, 1u << 30, "1 to 1GiB")
              .changed(change_rule::reconnect),
          make.as<size_parser>("frame", &s::frame,
                               "The largest frame accepted; 0 means the limit for messages.")
              .range(0, 1u << 30, "0 to 1GiB")
              .changed(change_rule::reconnect),
          make("json_depth", &s::json_depth,
               "The maximum nesting of JSON in the answer to `http`, in the output of `exec`, in a text that "
               "the function `json` reads, and in a value that a reference stands for. Messages have the "
               "protocol's own limit.")
              .range(1, 200, "1 to 200"),
          make.as<size_parser>(
                  "inbox", &s::inbox,
                  "The maximum size of replies that wait to be processed, for each of three reasons: for the "
                  "handlers under `on` and their tasks (the session then stops reading), for slow outputs "
                  "(the "
                  "session then stops reading), and for steps that may still ask for them (the oldest is "
                  "then "
                  "discarded, with a warning).")
              .range(1024, 1u << 30, "1KiB to 1GiB"),
          make.as<size_parser>("variables", &s::variables,
                               "The maximum size of all variables; a step that would exceed it fails.")
              .range(1024, 1u << 30, "1KiB to 1GiB"),
          make.as<size_parser>("durable_variables", &s::durable_variables,
                               "The maximum size of the durable variables, names and values as JSON; a step "
                               "that would exceed it fails.")
              .range(64, 16u << 20, "64 bytes to 16MiB"),
          make.as<size_parser>("sequences", &s::sequences,
                               "The maximum size of the keys of `liveness.sequence`; further keys are not "
                               "watched, with a warning.")
              .range(1024, 1u << 30, "1KiB to 1GiB"),
          make("calls", &s::calls,
               "The maximum number of `call` steps waiting for their reply; a further one fails.")
              .range(1, 65535, "1 to 65535"),
          make("tasks", &s::tasks,
               "The maximum number of tasks; `spawn` waits until one has ended, with a warning.")
              .range(1, 65535, "1 to 65535"),
          make("kdf_iterations", &s::kdf_iterations,
               "The maximum number of iterations of a `pbkdf2` step, which a server may choose; with more it "
               "fails. A million take 0.2 s of a processor with SHA-1 and SHA-256, 0.5 s with SHA-512.")
              .range(1, most_iterations, "1 to 10000000"),
      }};
  return fields;
}

template <>
const section& section_of<subprotocol_settings>() {
  using s = subprotocol_settings;
  const fields_of<s> make;
  static const section fields{
      "subprotocols",
      "The WebSocket subprotocols to offer, if more is to be said than their names.",
      {
          make.as<list_parser<token_parser, std::string>>("names", &s::names,
                                                          "The subprotocols, in order of preference.")
              .required()
              .example({"mqtt"}),
          make("required", &s::required,
               "Whether a server that chooses none of them is refused, with a fault of class `http`."),
      }};
  return fields;
}

value_type value_parser<subprotocol_settings>::type() {
  const section& fields = section_of<subprotocol_settings>();
  return {
      "list of names, or " + fields.id,
      {{"anyOf", {{{"type", "array"}, {"items", {{"type", "string"}}}}, {{"$ref", "#/$defs/" + fields.id}}}}},
      &fields};
}

bool value_parser<subprotocol_settings>::read(const value_at& at, subprotocol_settings& out, reading& in) {
  if (at.value.kind != protocol::node_kind::map)
    return read_list<token_parser, std::string>(at, out.names, in);
  const std::size_t before = in.mistakes.size();
  read_section(section_of<subprotocol_settings>(), at, at.value.where, &out, in);
  return in.mistakes.size() == before;
}

template <>
const section& section_of<deflate_settings>() {
  using s = deflate_settings;
  const fields_of<s> make;
  static const section fields{
      "permessage_deflate",
      "Message compression (RFC 7692); the parameters have the RFC's names. It uses up to 300 KB of memory "
      "per connection, less with smaller windows.",
      {
          make("enabled", &s::enabled, "Offer compression to the server."),
          make("server_max_window_bits", &s::server_max_window_bits,
               "The maximum size of the server's window, as a power of 2 in bytes; it must accept a value "
               "below 15.")
              .range(9, 15, "9 to 15"),
          make("client_max_window_bits", &s::client_max_window_bits, "The same for the client's window.")
              .range(9, 15, "9 to 15"),
          make("server_no_context_takeover", &s::server_no_context_takeover,
               "The server compresses each message independently; it must accept this."),
          make("client_no_context_takeover", &s::client_no_context_takeover,
               "The client compresses each message independently."),
          make("level", &s::level, "The compression level: 1 is fastest, 9 is smallest.")
              .range(1, 9, "1 to 9"),
          make.as<size_parser>("threshold", &s::threshold,
                               "Messages smaller than this are sent uncompressed.")
              .range(0, 1u << 30, "0 to 1GiB"),
      }};
  return fields;
}

}  // namespace duplexd::config
