#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/reference/template.hpp"
#include "config/script/script.hpp"
#include "config/settings/control_settings.hpp"
#include "config/settings/log_settings.hpp"
#include "config/settings/output_settings.hpp"
#include "config/value/active_hours.hpp"
#include "config/value/fault_class.hpp"
#include "config/value/redirect_rules.hpp"
#include "protocol/message/protocol.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::config {

enum class tls_version : std::uint8_t { v1_2, v1_3 };

/// TLS of one session, client side. Host names are checked against the certificate unless `verify` is off.
struct tls_settings {
  std::optional<text_template> ca_file;    ///< PEM file; absent: the system's store
  bool verify = true;                      ///< off only for experiments; the log warns at each connect
  bool allow_common_name = false;          ///< a certificate without alternative names counts by its CN
  std::optional<std::string> server_name;  ///< SNI and name to check; absent: the URL's host
  std::optional<text_template> cert_file;  ///< PEM chain that proves who we are
  std::optional<text_template> key_file;   ///< its PEM key; absent: it stands in `cert_file`
  std::optional<text_template> key_password;
  std::vector<std::string> pins;  ///< base64 of SHA-256 of a SubjectPublicKeyInfo, one of which must be met
  tls_version min_version = tls_version::v1_2;
  std::string ciphers;       ///< of TLS 1.2, as OpenSSL writes them; empty: OpenSSL's choice
  std::string ciphersuites;  ///< of TLS 1.3
};

/// A proxy between us and the server.
struct proxy_settings {
  std::optional<text_template> url;  ///< http:// or socks5://; exactly one of this and `from_env`
  std::optional<text_template> username;
  std::optional<text_template> password;
  bool from_env = false;  ///< https_proxy, http_proxy, all_proxy, no_proxy
};

/// Options of the TCP socket.
struct tcp_settings {
  bool no_delay = true;
  milliseconds keepalive{60'000};  ///< silence after which the kernel asks the peer; 0: never
  milliseconds user_timeout{
      0};  ///< sent bytes unacknowledged for this long end the connection; 0: the kernel's own
};

/// How long each phase of a dial may take. All positive.
struct timeout_settings {
  milliseconds resolve{5'000};
  milliseconds connect{10'000};  ///< for all addresses together
  milliseconds tls{10'000};
  milliseconds handshake{10'000};
  milliseconds login{10'000};   ///< for all of the login's steps, and its reply
  milliseconds close{5'000};    ///< for the peer's close frame and the end of TCP
  milliseconds proxy{10'000};   ///< for the proxy's answer
  milliseconds cleanup{3'000};  ///< for each list of `finally`
};

/// How much of a delay is random: none; the upper half (so that it is never short by bad luck); all of it.
enum class jitter_kind : std::uint8_t { none, half, full };

/// Capped exponential backoff: the n-th delay is up to min(maximum, initial * factor^n).
struct backoff_settings {
  milliseconds initial{1'000};
  milliseconds maximum{60'000};
  double factor = 2.0;  ///< 1 or more
  jitter_kind jitter = jitter_kind::full;
};

/// Faults that a rule is about: a class, and if `low` is given only with an HTTP status or close code from
/// `low` to `high`.
struct fault_pattern {
  fault_class kind = fault_class::lost;
  std::optional<std::uint16_t> low{};
  std::uint16_t high = 0;
};

/// What follows from some faults, where it differs from the session's backoff.
struct fault_rule {
  std::vector<fault_pattern> on;
  std::optional<milliseconds> initial{};
  std::optional<milliseconds> maximum{};
  std::optional<double> factor{};
  std::optional<jitter_kind> jitter{};
  std::optional<std::uint16_t> give_up_after{};  ///< so many in a row end the session; 1: the first
  std::optional<std::uint16_t> exit_code{};      ///< of the daemon, if this ends the session
};

struct reconnect_settings : backoff_settings {
  milliseconds stable_after{30'000};  ///< a link that lived this long resets backoffs and counts
  std::set<fault_class> fatal{};      ///< these end the session instead
  std::vector<fault_rule> faults{};   ///< the first that fits holds, before the built-in table
};

/// What is done when a liveness clock runs out.
enum class liveness_action : std::uint8_t { log, resubscribe, reconnect };

/// A command of the protocol as a sign of life, and the reply that must follow it.
struct heartbeat_settings {
  duration_template every;
  std::variant<send_step, json_template> message;
  std::optional<expectation> expect;  ///< its timeout is how long the answer may take
  liveness_action action = liveness_action::reconnect;
};

/// A reply that must come again and again.
struct freshness_settings {
  std::string reply;
  milliseconds within{0};
  liveness_action action = liveness_action::log;
};

/// A field of a reply that counts up: what is missing is a gap.
struct sequence_settings {
  std::string reply;
  std::string field;             ///< path
  std::vector<std::string> key;  ///< paths; counted for each combination of their values
  liveness_action action = liveness_action::log;
  bool durable = false;  ///< the journal has what is expected next
};

/// The field of a reply that says when its event happened.
struct lag_settings {
  std::string reply;
  std::string field;                                   ///< path
  protocol::time_unit unit = protocol::time_unit::ms;  ///< of numbers
  friend bool operator==(const lag_settings&, const lag_settings&) = default;
};

/// How old the newest event may be when it arrives.
struct lag_limit_settings {
  milliseconds at_most{0};
  liveness_action action = liveness_action::log;
};

/// The clocks: WebSocket pings, the application's heartbeat, freshness of replies; and sequences.
struct liveness_settings {
  milliseconds ping_interval{20'000};          ///< 0: no pings
  milliseconds idle_timeout{60'000};           ///< nothing heard for this long ends the link; 0: never
  std::optional<milliseconds> send_timeout{};  ///< the same for what is sent; absent: as long; 0: never
  std::shared_ptr<const heartbeat_settings> heartbeat{};  ///< null: none
  std::vector<freshness_settings> fresh{};
  std::vector<sequence_settings> sequence{};
  std::optional<lag_limit_settings> lag{};  ///< only if the session has a `lag`
};

/// A token bucket: `messages` in each `per`, up to `burst` at once.
struct rate_settings {
  double messages = 0;  ///< 0: no limit
  milliseconds per{1'000};
  std::uint16_t burst = 1;
};

/// What happens to a command that is submitted while it cannot be sent.
enum class offline_policy : std::uint8_t { fail, drop, queue };

/// How one command is treated.
struct command_settings {
  bool idempotent = false;  ///< may be sent again
  rate_settings rate{};
  offline_policy offline = offline_policy::fail;
  bool durable = false;               ///< it is kept in the journal until its end
  milliseconds ttl{30'000};           ///< queued for longer: expired, never sent
  std::vector<std::string> coalesce;  ///< a newer one with equal fields replaces a queued one; "*": any
  bool coalesces = false;
  std::optional<expectation> confirm{};  ///< the reply that confirms it
};

/// Commands that are submitted while the daemon runs.
struct outbox_settings {
  std::uint16_t max = 1'000;  ///< commands queued
  std::uint64_t size =
      16u << 20;             ///< bytes of these: packed, and the values that are kept with them, as JSON
  bool drop_oldest = false;  ///< at a bound: the oldest make room, else the new one is refused
};

/// When a link is closed cleanly and opened again although nothing is wrong.
struct renew_settings {
  std::optional<duration_template> after;  ///< age of the link
  std::optional<text_template> at;         ///< Unix time in seconds or milliseconds
  milliseconds margin{0};                  ///< earlier by this
};

struct limit_settings {
  std::uint64_t message = 16u << 20;  ///< bytes of one message received, decompressed
  std::uint64_t frame = 0;            ///< bytes of one frame received; 0: as many as a message may have
  std::uint16_t json_depth = 64;      ///< levels of JSON from outside: answers, outputs, texts
  std::uint64_t inbox =
      16u << 20;  ///< bytes of replies that wait, each time: for steps, for handlers, for outputs
  std::uint64_t variables = 16u << 20;          ///< bytes of all variables
  std::uint64_t durable_variables = 64u << 10;  ///< bytes of the durable ones, as JSON
  std::uint64_t sequences = 4u << 20;           ///< bytes of keys that `liveness.sequence` knows
  std::uint16_t calls = 10'000;                 ///< calls that wait for their reply
  std::uint16_t tasks = 10'000;                 ///< tasks that run
  std::uint32_t kdf_iterations = 2'000'000;     ///< of a `pbkdf2` step
};

/// The WebSocket subprotocols that are offered to the server.
struct subprotocol_settings {
  std::vector<std::string> names;
  bool required = false;  ///< a server that chooses none of them is refused
};

/// Compression of messages that is offered to the server, RFC 7692, in its words.
struct deflate_settings {
  bool enabled = true;
  std::uint16_t server_max_window_bits = 15;  ///< 9 to 15
  std::uint16_t client_max_window_bits = 15;  ///< 9 to 15
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint16_t level = 6;       ///< zlib's, 1 to 9
  std::uint64_t threshold = 64;  ///< smaller messages are sent as they are
};

/// What is sent first on each link, and the reply that grants entry. Nothing else is sent before.
struct login_settings {
  std::optional<json_template> json;
  std::optional<send_step> send;
  step_list steps;                    ///< instead: challenge and response
  std::optional<expectation> expect;  ///< a reply of that name that `check` does not fit means: rejected
  std::vector<std::string> reject;    ///< replies that mean: rejected; without any, every other one does
};

struct close_settings {
  std::uint16_t code = 1000;   ///< RFC 6455, 7.4: 1000 or 3000 to 4999
  std::string reason;          ///< at most 123 bytes
  step_list steps{};           ///< before the close frame, once the login was granted
  milliseconds within{2'000};  ///< for the steps
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

/// A variable of the steps that has a value from the start, or keeps it over restarts.
struct variable_settings {
  bool durable = false;  ///< kept in the journal, and so is the counter of that name
  std::optional<nlohmann::ordered_json> initial{};
};

/// How many of them a session has.
inline constexpr std::size_t most_variables = 1'000;

/// What a session was made from, without places and comments. Equal parts say that nothing has changed.
struct session_digest {
  std::size_t fixed = 0;  ///< of all that a session takes with its next connection only
  std::vector<std::pair<std::string, std::size_t>> live{};  ///< of fields taken at once: "limits.inbox"

  /// The live fields in which it differs from another one, in alphabetical order.
  [[nodiscard]] std::vector<std::string> differences(const session_digest& other) const;
  friend bool operator==(const session_digest&, const session_digest&) = default;
};

struct session_settings {
  std::string name;
  std::shared_ptr<const std::vector<std::string>> files;  ///< of a configuration of several; else null
  protocol::position where;
  std::vector<text_template> urls;  ///< at least one; each is tried in turn
  std::vector<std::pair<std::string, text_template>> headers;
  subprotocol_settings subprotocols;
  tls_settings tls;
  timeout_settings timeouts;
  reconnect_settings reconnect;
  liveness_settings liveness;
  std::optional<lag_settings> lag;
  limit_settings limits;
  std::shared_ptr<const protocol::protocol> protocol;
  std::shared_ptr<const login_settings> login;  ///< null: none
  rate_settings rate;
  outbox_settings outbox;
  std::map<std::string, command_settings> commands;  ///< those with settings of their own
  renew_settings renew;
  active_hours active;  ///< outside of them there is no link
  step_list before;     ///< before each dial: tokens, addresses
  step_list subscribe;  ///< after the login, and again when liveness asks for it
  step_list script;
  std::vector<handler> on;
  milliseconds linger{0};  ///< `run --once` waits this long after the script for late replies
  close_settings close;
  std::vector<output_route> outputs;
  simulate_settings simulate;
  std::optional<proxy_settings> proxy;
  redirect_rules redirects;  ///< of the handshake, and of `http` steps without rules of their own
  bool cookies = true;       ///< those that servers set are sent back to them
  tcp_settings tcp;
  std::optional<deflate_settings> deflate;
  bool required = true;                                ///< while it is not connected the daemon is not ready
  std::map<std::string, variable_settings> variables;  ///< those with settings of their own

  session_digest digest{};

  /// The file that a place of a configuration of several is in, else empty.
  [[nodiscard]] std::string file_of(protocol::position place) const {
    return files != nullptr && place.file < files->size() ? (*files)[place.file] : "";
  }

  /// The rules of a command; null: it has none of its own.
  [[nodiscard]] const command_settings* rules_of(const std::string& command) const {
    const auto found = commands.find(command);
    return found == commands.end() ? nullptr : &found->second;
  }
};

/// A whole configuration file, checked. A plain value; sessions share compiled protocols.
struct settings {
  std::string file;  ///< or folder
  log_settings log;
  milliseconds shutdown_limit{10'000};  ///< SIGTERM: drain and close within this
  std::uint16_t connect_at_once = 100;  ///< dials at once in the whole process; 0: no limit
  std::optional<health_settings> health;
  control_settings control;
  std::vector<output_settings> outputs;  ///< those that are defined; "stdout" needs no definition
  journal_settings journal;              ///< used if an output or a variable is durable
  std::vector<session_settings> sessions;

  /// What concerns the whole process, as it was written, with defaults: `{log: {level: info}, …}`.
  nlohmann::ordered_json process = nlohmann::ordered_json::object();
};

}  // namespace duplexd::config
