#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"

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

struct step_draft {
  protocol::position where;
  std::string path;
  std::optional<milliseconds> sleep;
  std::optional<written_name> send;
  written_values with;
  std::optional<written_name> expect;
  nlohmann::ordered_json fields;  ///< `where:`, the fields that must be equal
  milliseconds timeout{30'000};
};

struct login_draft {
  std::optional<json_template> json;
  std::optional<written_name> send;
  written_values with;
  std::optional<written_name> expect;
  nlohmann::ordered_json fields;
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
  std::vector<step_draft> script_written;
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

struct document_draft {
  std::uint16_t version = 1;
  log_settings log;
  shutdown_draft shutdown;
  const protocol::node* defaults = nullptr;
  const protocol::node* templates = nullptr;
  const protocol::node* protocols = nullptr;
  const protocol::node* sessions = nullptr;
};

}  // namespace duplexd::config
