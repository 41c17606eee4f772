#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.hpp"

namespace duplexd::config {

/// The document as it is written, section by section, before names are looked up in the protocol. The field
/// table fills these. `where` and `path` say where a section stands.

/// A name that is looked up later, with its place.
struct unresolved_name {
  std::string text;
  protocol::position where;
  std::string path;
};

/// Values of a message's fields, and the node that they were read from, to find the place of a wrong one.
struct unresolved_values {
  json_template values;
  const protocol::node* source = nullptr;  ///< lives as long as the document
  std::string path;
};

/// What a reply must hold: paths, and the values or conditions there.
struct unresolved_match : unresolved_values {};

/// Values that a simulated server sends. `${command:FIELD}` is what it answers: in the values it is written
/// as the last reply, which a server does not have.
struct simulated_values : unresolved_values {};

/// Names and what they stand for: what is saved, what is correlated.
struct unresolved_pairs {
  nlohmann::ordered_json map;
  const protocol::node* source = nullptr;
  protocol::position where;
  std::string path;
};

/// The name of a reply, or several of which any will do.
using unresolved_names = std::vector<unresolved_name>;

struct step_kind;
struct parsed_step;
using parsed_steps = std::vector<parsed_step>;

/// `on_fault:`, steps, or beside `spawn` a word.
struct parsed_on_fault {
  protocol::position where;
  std::string path;
  std::string word;
  parsed_steps steps;
};

/// A step: what each may have, and what its kind reads.
struct parsed_step {
  protocol::position where;
  std::string path;
  const step_kind* kind = nullptr;  ///< null: none of its fields chooses one
  std::shared_ptr<void> own;        ///< what the kind's fields are read into
  std::optional<duration_template> timeout;
  unresolved_pairs save;
  std::optional<parsed_on_fault> on_fault;
  std::optional<parsed_steps> finally;
};

struct parsed_active {
  protocol::position where;
  std::string path;
  std::string time_zone = "UTC";
  std::vector<std::string> windows;
};

/// When a handler's steps may begin; `output` of `taken`.
struct parsed_handler_time {
  handler_time when = handler_time::arrival;
  unresolved_name output{};
};

struct parsed_handler {
  protocol::position where;
  std::string path;
  unresolved_names reply;
  unresolved_match match;
  parsed_steps body;
  parsed_handler_time after;
};

struct parsed_login {
  std::optional<json_template> json;
  std::optional<unresolved_name> send;
  unresolved_values with;
  std::optional<parsed_steps> steps;
  std::optional<unresolved_names> expect;
  unresolved_match match;
  unresolved_names reject;
};

struct parsed_close : close_settings {
  parsed_steps unresolved_steps;
};

struct parsed_heartbeat {
  protocol::position where;
  std::string path;
  duration_template every;
  std::optional<unresolved_name> send;
  unresolved_values with;
  std::optional<json_template> json;
  std::optional<unresolved_names> expect;
  unresolved_match match;
  milliseconds timeout{10'000};
  liveness_action action = liveness_action::reconnect;
};

struct parsed_freshness {
  unresolved_name reply;
  milliseconds within{0};
  liveness_action action = liveness_action::log;
};

struct parsed_sequence {
  unresolved_name reply;
  std::string field;
  std::vector<std::string> key;
  liveness_action action = liveness_action::log;
  bool durable = false;
};

struct parsed_lag {
  unresolved_name reply;
  std::string field;
  protocol::time_unit unit = lag_settings{}.unit;
};

struct parsed_lag_limit : lag_limit_settings {
  protocol::position where;
  std::string path;
};

struct parsed_liveness {
  milliseconds ping_interval = liveness_settings{}.ping_interval;
  milliseconds idle_timeout = liveness_settings{}.idle_timeout;
  std::optional<milliseconds> send_timeout{};
  std::optional<parsed_heartbeat> heartbeat;
  std::vector<parsed_freshness> fresh;
  std::vector<parsed_sequence> sequence;
  std::optional<parsed_lag_limit> lag;
};

struct parsed_command {
  protocol::position where;
  std::string path;
  bool idempotent = false;
  rate_settings rate;
  std::optional<offline_policy> offline;
  bool durable = false;
  milliseconds ttl = command_settings{}.ttl;
  std::optional<std::vector<std::string>> coalesce;
  std::optional<unresolved_names> confirm;
  unresolved_match match;
  unresolved_pairs correlate;
  milliseconds timeout{10'000};
};

/// A reply that the simulator sends: to a command, after the login, or by the clock.
struct parsed_greeting {
  unresolved_name send;
  simulated_values with;
};
struct parsed_answer {
  unresolved_name to;
  std::optional<unresolved_name> send;
  simulated_values with;
};
struct parsed_push {
  unresolved_name send;
  simulated_values with;
  milliseconds after{0};
  milliseconds every{0};
};
struct parsed_simulate {
  std::vector<parsed_greeting> login;
  std::vector<parsed_answer> answers;
  std::vector<parsed_push> pushes;
  bool answer_by_default = true;
};

struct parsed_output : output_settings {
  bool is_good = false;  ///< read without a complaint
  record_form form = record_form::json;
  std::vector<std::string> columns;
  const protocol::node* text = nullptr;
};

struct parsed_route {
  protocol::position where_written;
  std::string path;
  unresolved_name to;
  unresolved_names replies;
  nlohmann::ordered_json where = nullptr;
  std::optional<record_form> form;
  std::vector<std::string> columns;
  const protocol::node* text = nullptr;
  std::vector<template_part> parts{};
};

/// A session with what the settings say in another form.
struct parsed_session : session_settings {
  unresolved_name template_name;
  const protocol::node* arguments = nullptr;
  const protocol::node* protocol_source = nullptr;
  std::optional<parsed_login> unresolved_login;
  parsed_steps unresolved_before;
  parsed_steps unresolved_subscribe;
  parsed_steps unresolved_script;
  parsed_close unresolved_close;
  std::vector<parsed_handler> unresolved_on;
  parsed_liveness unresolved_liveness;
  std::optional<parsed_lag> unresolved_lag;
  std::optional<parsed_active> unresolved_active;
  std::vector<std::pair<unresolved_name, parsed_command>> unresolved_commands;
  parsed_simulate unresolved_simulate;
  std::vector<std::pair<unresolved_name, variable_settings>> unresolved_variables;

  std::vector<parsed_route> unresolved_outputs{
      {.where_written = {}, .path = {}, .to = {"stdout", {}, {}}, .replies = {}, .form = {}, .columns = {}}};
};

struct parsed_template {
  const protocol::node* parameters = nullptr;  ///< a list of names, or a map name -> default
  const protocol::node* session = nullptr;
};

/// `log`; which sessions there are is known later.
struct parsed_log : log_settings {
  std::vector<std::pair<unresolved_name, log_level>> unresolved_sessions;
};

struct parsed_shutdown {
  milliseconds limit{10'000};
};

struct parsed_connect {
  std::uint16_t at_once = 100;
};

struct parsed_document {
  std::uint16_t version = 1;
  parsed_log log;
  parsed_shutdown shutdown;
  parsed_connect connect;
  std::optional<health_settings> health;
  control_settings control;
  const protocol::node* defaults = nullptr;
  const protocol::node* templates = nullptr;
  const protocol::node* protocols = nullptr;
  std::vector<std::pair<unresolved_name, parsed_output>> outputs;
  journal_settings journal;
  const protocol::node* sessions = nullptr;
};

}  // namespace duplexd::config
