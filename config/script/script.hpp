#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/reference/key_derivation.hpp"
#include "config/reference/template.hpp"
#include "config/value/redirect_rules.hpp"
#include "protocol/document/diagnostic.hpp"
#include "protocol/text/frame.hpp"

namespace duplexd::config {

using std::chrono::milliseconds;

/// A span of time that may come from a reply: `30s`, `${var:interval}` (a number counts milliseconds) or
/// `${reply:seconds}s`.
struct duration_template {
  milliseconds fixed{0};
  std::optional<text_template> text{};  ///< instead of `fixed`

  [[nodiscard]] resolved<milliseconds> resolve(scope* inside) const;
};

/// A reply to wait for.
struct expectation {
  std::vector<std::string> replies;  ///< names in the protocol; any of them
  json_template where;               ///< only replies that match: see `matches`; null: all
  json_template check;               ///< the reply must match, else it is a fault
  std::vector<std::pair<std::string, std::string>> correlate{};  ///< command's field, reply's equal field
  unsigned count = 1;                                            ///< so many replies
  milliseconds timeout{0};                                       ///< for all of them; 0: none of its own
};

/// A command to send: name in the protocol and its fields.
struct send_step {
  /// The packet, if it is known when the configuration is loaded: nothing in `with` is a reference.
  struct packet {
    protocol::frame_kind kind = protocol::frame_kind::binary;
    std::vector<std::uint8_t> bytes;
  };
  std::string command;
  json_template with;
  std::optional<packet> packed{};
};

/// What a step takes out of its result: variable, path.
using savings = std::vector<std::pair<std::string, std::string>>;

struct script_step;
using step_list = std::vector<script_step>;

struct sleep_step {
  duration_template time;
};
/// A JSON text message that has no layout.
struct json_step {
  json_template message;
};
/// Sends the message that a handler was called for back as it came.
struct echo_step {};
struct expect_step {
  expectation what;
};
/// A command and the reply that answers it.
struct call_step {
  send_step command;
  expectation answer;
  std::uint16_t retries = 0;  ///< after a timeout; only if the command is idempotent
};
struct every_step {
  duration_template interval;
  double jitter = 0;  ///< share of the interval: 0.1 is up to 10 % sooner or later
  step_list body;
};
/// Runs all branches at once, up to the first fault.
struct gather_step {
  std::vector<step_list> branches;
  bool others_continue = false;  ///< after a fault; else they are cancelled
};
/// Runs all branches at once; the first that ends cancels the others.
struct race_step {
  std::vector<step_list> branches;
};
enum class wait_until : std::uint8_t { all, first, first_error };
/// Waits for tasks by name, and for branches that it starts itself. Cancels nothing.
struct wait_step {
  std::vector<std::string> tasks;
  std::vector<step_list> branches;
  wait_until until = wait_until::all;
};
/// A task in the background: starts at once and need not be waited for.
struct spawn_step {
  std::string task;
  step_list body;
  bool keeps_fault = false;  ///< for who waits for the task later; else a fault ends the link
};
struct cancel_step {
  std::string task;
};
struct set_step {
  json_template values;  ///< a map
};
/// User and password of HTTP's Digest authentication (RFC 7616).
struct digest_login {
  text_template username;
  text_template password;
};
struct http_step {
  std::string method = "GET";
  text_template url;
  std::vector<std::pair<std::string, text_template>> headers;
  std::optional<json_template> json;  ///< sent as application/json
  std::optional<text_template> body;
  std::optional<redirect_rules> redirects;  ///< absent: the session's
  std::optional<digest_login> digest;
  milliseconds timeout{0};
};
/// A program that gets JSON on its standard input and gives JSON on its standard output.
struct exec_step {
  std::vector<text_template> program;  ///< and its arguments; no shell
  json_template input;
  milliseconds timeout{0};
  std::vector<std::pair<std::string, text_template>> environment;  ///< what is added to it
};
/// A key from a password (RFC 8018).
struct pbkdf2_step {
  text_template password;
  text_template salt;
  json_template iterations;  ///< a number, or its digits: servers choose it
  key_digest digest = key_digest::sha256;
};
struct if_step {
  json_template condition;  ///< variables (or `reply.…`) and what they must be
  step_list then;
  step_list otherwise;
};
struct repeat_step {
  std::uint64_t times = 0;             ///< 0: for ever
  std::optional<json_template> until;  ///< looked at after each round
  step_list body;
  std::string variable{};  ///< has the number of the round, from 0; empty: none
};
/// Runs the steps for each element of a list, which has it as a variable.
struct each_step {
  json_template list;
  std::string variable;
  step_list body;
};
/// An event as if this reply had come, for the outputs only.
struct emit_step {
  std::string reply;
  json_template data;
};
/// Sends bytes from outside as commands, each with a chunk of them.
struct stream_step {
  /// How a command's field takes bytes.
  enum class form : std::uint8_t { hex, base64 };
  /// A command that takes a chunk.
  struct carrier {
    std::string command;
    json_template with;
    form as = form::hex;
    bool takes_chunk = true;
  };
  std::optional<text_template> file;   ///< or
  std::vector<text_template> program;  ///< and its arguments; neither: the daemon's standard input
  std::uint64_t chunk = 16u << 10;     ///< bytes
  std::optional<duration_template> every;
  carrier each;
  std::optional<carrier> last;  ///< after the end; with the last chunk if it takes one
  std::string field = "data";   ///< that takes the chunk
};
/// Ends the link with a `script` fault.
struct fail_step {
  text_template why;
};
/// Leaves the link in order and makes a new one at once.
struct reconnect_step {
  text_template why;
};

/// Packets of consecutive steps, known when the configuration is loaded, in one piece: a script that only
/// sends walks along it instead of jumping from step to step.
struct burst {
  struct packet {
    protocol::frame_kind kind = protocol::frame_kind::binary;
    std::uint32_t end = 0;  ///< of its bytes; they begin where those before end
  };
  std::vector<packet> packets;
  std::vector<std::uint8_t> bytes;

  [[nodiscard]] protocol::frame_view message(std::size_t index) const noexcept {
    const std::size_t begin = index == 0 ? 0 : packets[index - 1].end;
    return {packets[index].kind, {bytes.data() + begin, packets[index].end - begin}};
  }
};

struct script_step {
  protocol::position where{};  ///< for error messages
  std::variant<sleep_step, send_step, json_step, echo_step, expect_step, call_step, every_step, gather_step,
               race_step, wait_step, spawn_step, cancel_step, set_step, http_step, exec_step, pbkdf2_step,
               if_step, repeat_step, each_step, emit_step, stream_step, fail_step, reconnect_step>
      action;
  std::optional<duration_template> timeout{};  ///< the step is cancelled then: a fault
  savings save{};
  std::optional<step_list> on_fault{};      ///< carried out instead of passing the fault on
  std::optional<step_list> finally{};       ///< carried out at its end, whatever that is
  std::shared_ptr<const burst> in_burst{};  ///< if all that it does is to send a known packet
  std::uint32_t burst_index = 0;
};

/// Gives the steps their bursts.
void gather_bursts(step_list& steps);

/// Calls `visit` for every step, those inside others too.
void for_each_step(const step_list& steps, const std::function<void(const script_step&)>& visit);

/// When the steps of a handler may begin.
enum class handler_time : std::uint8_t {
  arrival,    ///< when the reply has come
  journaled,  ///< when its event, and all before it, are committed in the journal
  taken       ///< when a durable output has taken its event, and all before it
};

/// Steps that a reply starts, each time it comes, one after the other.
struct handler {
  std::vector<std::string> replies;
  json_template where;
  step_list body;
  handler_time after = handler_time::arrival;
  std::size_t digest = 0;  ///< of what it was made from: equal if nothing has changed; 0: not known
  std::string taken_by{};  ///< the output
};

}  // namespace duplexd::config
