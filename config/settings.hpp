#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/fault_class.hpp"
#include "config/template.hpp"
#include "protocol/protocol.hpp"

namespace duplexd::config {

using std::chrono::milliseconds;

/// TLS of one session, client side. Host names are checked against the certificate unless `verify` is off.
struct tls_settings {
  std::optional<text_template> ca_file;    ///< PEM file; absent: the system's store
  bool verify = true;                      ///< off only for experiments; the log warns at each connect
  std::optional<std::string> server_name;  ///< SNI and name to check; absent: the URL's host
};

/// How long each phase of a dial may take. All positive.
struct timeout_settings {
  milliseconds resolve{5'000};
  milliseconds connect{10'000};  ///< for all addresses together
  milliseconds tls{10'000};
  milliseconds handshake{10'000};
  milliseconds login{10'000};  ///< for the login's reply, if one is expected
  milliseconds close{5'000};   ///< for the peer's close frame and the end of TCP
};

/// Capped exponential backoff with full jitter: the n-th delay is random in [0, min(maximum, initial *
/// factor^n)].
struct reconnect_settings {
  milliseconds initial{1'000};
  milliseconds maximum{60'000};
  double factor = 2.0;                ///< 1 or more
  milliseconds stable_after{30'000};  ///< a link that lived this long resets the backoff
  std::set<fault_class> fatal{};      ///< these end the session instead
};

/// The WebSocket's own liveness.
struct liveness_settings {
  milliseconds ping_interval{20'000};  ///< 0: no pings
  milliseconds idle_timeout{60'000};   ///< nothing heard for this long ends the link; 0: never
};

struct limit_settings {
  std::uint64_t message = 16u << 20;  ///< bytes of one message received
};

/// A reply to wait for: by name and, if given, by values of its fields.
struct expectation {
  std::string reply;  ///< name in the protocol
  nlohmann::ordered_json
      where;  ///< null, or a map field -> value that must be equal; dots reach into objects
  milliseconds timeout{0};
};

/// A command to send: name in the protocol and its fields.
struct send_step {
  std::string command;
  json_template with;
};
struct sleep_step {
  milliseconds duration{0};
};
struct expect_step {
  expectation what;
};
struct script_step {
  protocol::position where;  ///< for error messages
  std::variant<sleep_step, send_step, expect_step> action;
};

/// What is sent first on each link: a JSON text message or a command, and optionally the reply that grants
/// entry.
struct login_settings {
  std::optional<json_template> json;
  std::optional<send_step> send;
  std::optional<expectation> expect;  ///< a reply of that name with other values means: rejected
};

struct close_settings {
  std::uint16_t code = 1000;  ///< RFC 6455, 7.4: 1000 or 3000 to 4999
  std::string reason;         ///< at most 123 bytes
};

/// What the simulator does instead of the real server.
struct simulate_push {
  std::string reply;
  json_template with;
  milliseconds after{0};  ///< after the login
  milliseconds every{0};  ///< 0: once
};
struct simulate_answer {
  std::string command;
  std::vector<send_step> replies;  ///< `command` names a reply here
};
struct simulate_settings {
  std::vector<send_step> login;  ///< sent when the login was accepted
  std::vector<simulate_answer> answers;
  std::vector<simulate_push> pushes;
  bool answer_by_default = true;  ///< a command without rule gets the first reply, with zero values
};

struct session_settings {
  std::string name;
  protocol::position where;
  text_template url;
  std::vector<std::pair<std::string, text_template>> headers;
  std::vector<std::string> subprotocols;
  tls_settings tls;
  timeout_settings timeouts;
  reconnect_settings reconnect;
  liveness_settings liveness;
  limit_settings limits;
  std::shared_ptr<const protocol::protocol> protocol;
  std::optional<login_settings> login;
  std::vector<script_step> script;
  milliseconds linger{0};  ///< `run --once` waits this long after the script for late replies
  close_settings close;
  std::vector<std::string> outputs;  ///< names of outputs; "stdout" is the one there is
  simulate_settings simulate;
};

enum class log_format : std::uint8_t { automatic, text, json };
enum class log_level : std::uint8_t { debug, info, warning, error };

struct log_settings {
  log_format format =
      log_format::automatic;  ///< automatic: text on a terminal and in systemd, JSON never by itself
  log_level level = log_level::info;
};

/// A whole configuration file, checked. A plain value; sessions share compiled protocols.
struct settings {
  std::string file;
  log_settings log;
  milliseconds shutdown_limit{10'000};  ///< SIGTERM: drain and close within this
  std::vector<session_settings> sessions;
};

}  // namespace duplexd::config
