#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/load/message_builder.hpp"

namespace duplexd::config {

/// Where steps stand: before there is a link, on the link, or in a handler.
enum class script_part : std::uint8_t { before, link, handler };

/// Makes steps from what was written. Complains of names that nothing defines, of values that do not fit, and
/// of steps that are out of place.
class script_builder {
 public:
  script_builder(message_builder& messages, reading& in) : messages_(messages), in_(in) {}

  step_list steps(step_drafts& written, script_part part);

  send_step message(const written_name& name, const written_values& with);
  std::vector<std::string> replies(const written_names& names) { return messages_.replies(names); }
  json_template condition(json_template where, const written_name& beside);
  std::vector<std::pair<std::string, std::string>> pairs(const nlohmann::ordered_json& map,
                                                         protocol::position where, const std::string& path);

  /// A command that has settings of its own. Call before the steps.
  void know_command(const written_name& name, bool idempotent);

  /// Notes which variables a text refers to.
  template <class Template>
  void use(const Template& text, protocol::position where, const std::string& path) {
    for (const reference& each : text.references()) use_reference(each, where, path);
  }
  void use(const duration_template& time, protocol::position where, const std::string& path) {
    if (time.text) use(*time.text, where, path);
  }

  /// Complains of variables and tasks that no step makes. Call last.
  void finish();

 private:
  struct usage {
    std::string name;
    protocol::position where;
    std::string path;
  };
  script_step step(step_draft& from, script_part part);
  void act(step_draft& from, script_part part, script_step& out);
  expectation expected(const written_names& names, step_draft& from, milliseconds timeout);
  call_step call(step_draft& from, const written_name& command);
  wait_step wait(step_draft& from, std::vector<branch_draft>& awaited, script_part part);
  http_step http(http_draft& from);
  exec_step exec(step_draft& from, std::vector<text_template>& command_line);
  repeat_step repeat(step_draft& from, std::uint16_t times, script_part part);
  std::vector<step_list> branches(std::vector<branch_draft>& from, script_part part);
  void check_place(const step_draft& from, script_part part);
  void use_reference(const reference& what, protocol::position where, const std::string& path);
  void complain(const step_draft& at, std::string message, std::string hint = "");

  message_builder& messages_;
  reading& in_;
  std::set<std::string> variables_;
  std::set<std::string> tasks_;
  std::set<std::string> idempotent_;
  std::vector<usage> variables_used_;
  std::vector<usage> tasks_used_;
};

}  // namespace duplexd::config
