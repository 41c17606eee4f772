#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"

namespace duplexd::config {

/// The document as it is written, section by section, before names are looked up in the protocol. The field
/// table fills these. `where` and `path` say where a section stands.

/// A name that is looked up later, with its place.
struct written_name {
  std::string text;
  protocol::position where;
  std::string path;
};

/// Values of a message's fields, and the node that they were read from, to find the place of a wrong one.
struct written_values {
  json_template values;
  const protocol::node* source = nullptr;  ///< lives as long as the document
  std::string path;
};

/// The name of a reply, or several of which any will do.
using written_names = std::vector<written_name>;

struct step_draft;
using step_drafts = std::vector<step_draft>;

/// What a step waits for: tasks by name, and steps.
struct branch_draft {
  std::string task;  ///< or
  step_drafts steps;
};

/// `until:`, a word beside `wait`, values beside `repeat`.
struct until_draft {
  protocol::position where;
  std::string path;
  std::optional<wait_until> word;
  std::optional<json_template> match;
};

struct http_draft {
  protocol::position where;
  std::string path;
  std::string method = "GET";
  text_template url;
  std::vector<std::pair<std::string, text_template>> headers;
  std::optional<json_template> json;
  std::optional<text_template> body;
  milliseconds timeout{10'000};
};

struct step_draft {
  protocol::position where;
  std::string path;
  std::optional<duration_template> sleep;
  std::optional<written_name> send;
  std::optional<written_name> call;
  written_values with;
  std::optional<json_template> json;
  std::optional<bool> echo;
  std::optional<written_names> expect;
  std::optional<written_names> reply;  ///< of a call
  json_template match;                 ///< `where:`
  json_template check;
  nlohmann::ordered_json correlate;
  std::uint16_t count = 1;
  std::uint16_t retries = 0;
  std::optional<duration_template> every;
  double jitter = 0;
  std::optional<std::vector<branch_draft>> gather;
  std::optional<std::vector<branch_draft>> race;
  std::optional<std::vector<branch_draft>> wait;
  std::optional<until_draft> until;
  std::optional<std::string> spawn;
  std::optional<std::string> cancel;
  std::optional<json_template> set;
  std::optional<http_draft> http;
  std::optional<std::vector<text_template>> exec;
  json_template input;
  std::optional<json_template> condition;  ///< `if:`
  step_drafts then;
  step_drafts otherwise;  ///< `else:`
  std::optional<std::uint16_t> repeat;
  std::optional<text_template> fail;
  std::optional<text_template> reconnect;
  step_drafts body;  ///< `do:`
  std::optional<duration_template> timeout;
  nlohmann::ordered_json save;
  std::optional<step_drafts> on_fault;
};

struct active_draft {
  protocol::position where;
  std::string path;
  std::string time_zone = "UTC";
  std::vector<std::string> windows;
};

struct handler_draft {
  protocol::position where;
  std::string path;
  written_names reply;
  json_template match;
  step_drafts body;
};

struct login_draft {
  std::optional<json_template> json;
  std::optional<written_name> send;
  written_values with;
  std::optional<step_drafts> steps;
  std::optional<written_names> expect;
  json_template match;
  written_names reject;
};

struct heartbeat_draft {
  protocol::position where;
  std::string path;
  duration_template every;
  std::optional<written_name> send;
  written_values with;
  std::optional<json_template> json;
  std::optional<written_names> expect;
  json_template match;
  milliseconds timeout{10'000};
  liveness_action action = liveness_action::reconnect;
};

struct freshness_draft {
  written_name reply;
  milliseconds within{0};
  liveness_action action = liveness_action::log;
};

struct sequence_draft {
  written_name reply;
  std::string field;
  std::vector<std::string> key;
  liveness_action action = liveness_action::log;
};

struct liveness_draft {
  milliseconds ping_interval = liveness_settings{}.ping_interval;
  milliseconds idle_timeout = liveness_settings{}.idle_timeout;
  std::optional<heartbeat_draft> heartbeat;
  std::vector<freshness_draft> fresh;
  std::vector<sequence_draft> sequence;
};

struct command_draft {
  protocol::position where;
  std::string path;
  bool idempotent = false;
  rate_settings rate;
  offline_policy offline = offline_policy::fail;
  milliseconds ttl = command_settings{}.ttl;
  std::optional<std::vector<std::string>> coalesce;
  std::optional<written_names> confirm;
  json_template match;
  nlohmann::ordered_json correlate;
  milliseconds timeout{10'000};
};

/// A reply that the simulator sends: to a command, after the login, or by the clock.
struct greeting_draft {
  written_name send;
  written_values with;
};
struct answer_draft {
  written_name to;
  std::optional<written_name> send;
  written_values with;
};
struct push_draft {
  written_name send;
  written_values with;
  milliseconds after{0};
  milliseconds every{0};
};
struct simulate_draft {
  std::vector<greeting_draft> login;
  std::vector<answer_draft> answers;
  std::vector<push_draft> pushes;
  bool answer_by_default = true;
};

/// A session with what the settings say in another form.
struct session_draft : session_settings {
  written_name template_name;
  const protocol::node* arguments = nullptr;
  const protocol::node* protocol_source = nullptr;
  std::optional<login_draft> login_written;
  step_drafts before_written;
  step_drafts subscribe_written;
  step_drafts script_written;
  std::vector<handler_draft> on_written;
  liveness_draft liveness_written;
  std::optional<active_draft> active_written;
  std::vector<std::pair<written_name, command_draft>> commands_written;
  simulate_draft simulate_written;

  session_draft() { outputs = {"stdout"}; }
};

struct template_draft {
  const protocol::node* parameters = nullptr;  ///< a list of names, or a map name -> default
  const protocol::node* session = nullptr;
};

struct shutdown_draft {
  milliseconds limit{10'000};
};

struct connect_draft {
  std::uint16_t at_once = 100;
};

struct document_draft {
  std::uint16_t version = 1;
  log_settings log;
  shutdown_draft shutdown;
  connect_draft connect;
  const protocol::node* defaults = nullptr;
  const protocol::node* templates = nullptr;
  const protocol::node* protocols = nullptr;
  const protocol::node* sessions = nullptr;
};

}  // namespace duplexd::config
