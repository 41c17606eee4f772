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

  step_list steps(parsed_steps& written, script_part part);

  send_step message(const unresolved_name& name, const unresolved_values& with);
  std::vector<std::string> replies(const unresolved_names& names) { return messages_.replies(names); }
  json_template condition(json_template where, const unresolved_name& beside);
  std::vector<std::pair<std::string, std::string>> pairs(const nlohmann::ordered_json& map,
                                                         protocol::position where, const std::string& path);

  /// A command that has settings of its own. Call before the steps.
  void know_command(const unresolved_name& name, bool idempotent);

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
  script_step step(parsed_step& from, script_part part);
  void build_action(parsed_step& from, script_part part, script_step& out);
  expectation expected(const unresolved_names& names, parsed_step& from, milliseconds timeout);
  call_step call(parsed_step& from, const unresolved_name& command);
  wait_step wait(parsed_step& from, std::vector<parsed_branch>& awaited, script_part part);
  http_step http(parsed_http& from);
  void warn_of_visible(const std::vector<text_template>& command_line, const parsed_step& at);
  exec_step exec(parsed_step& from, std::vector<text_template>& command_line);
  repeat_step repeat(parsed_step& from, std::uint16_t times, script_part part);
  std::vector<step_list> branches(std::vector<parsed_branch>& from, script_part part);
  void check_place(const parsed_step& from, script_part part);
  void use_reference(const reference& what, protocol::position where, const std::string& path);
  void complain(const parsed_step& at, std::string message, std::string hint = "");

  message_builder& messages_;
  reading& in_;
  std::set<std::string> variables_;
  std::set<std::string> tasks_;
  std::set<std::string> idempotent_;
  std::vector<usage> variables_used_;
  std::vector<usage> tasks_used_;
};

}  // namespace duplexd::config
