#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/fields/message_builder.hpp"

namespace duplexd::config {

/// Where steps stand: before there is a link, on the link, in a handler, or before the link is closed.
enum class script_part : std::uint8_t { before, link, handler, closing };

/// What `${reply:…}` may stand for at some point of a script.
struct last_reply {
  std::vector<std::string> replies;  ///< any of them; none: no reply came yet
  bool unknown = false;
  std::vector<const last_reply*> others{};  ///< what it is instead if steps were left out or repeated
};

/// The second pass over a script: makes steps from parsed ones, each by its kind. Complains of names
/// that nothing defines, of values that do not fit, and of steps that are out of place.
class script_builder {
 public:
  script_builder(message_builder& messages, reading& in) : messages_(messages), in_(in) {}

  step_list steps(parsed_steps& parsed, script_part part);

  send_step message(const unresolved_name& name, const unresolved_values& with);
  stream_step::carrier carrier(const unresolved_name& name, const unresolved_values& with,
                               const std::string& field, bool may_lack) {
    use(with.values, name.where, name.path);
    return messages_.carrier(name, with, field, may_lack);
  }
  std::vector<std::string> replies(const unresolved_names& names) { return messages_.replies(names); }
  /// Conditions on variables and the last reply.
  json_template condition(json_template where, const unresolved_name& beside);
  /// Conditions on one of the replies.
  json_template match(unresolved_match& where, const std::vector<std::string>& replies);
  std::vector<std::pair<std::string, std::string>> pairs(const unresolved_pairs& from);
  /// Which fields of a command must equal which of the reply. `with`: the command's values, if they are
  /// known.
  std::vector<std::pair<std::string, std::string>> correlated(const unresolved_pairs& from,
                                                              const std::string& command,
                                                              const std::vector<std::string>& replies,
                                                              const unresolved_values* with = nullptr);
  void check_path(const std::vector<std::string>& replies, const std::string& path, protocol::position where,
                  const std::string& at) {
    messages_.check_path(replies, path, where, at);
  }
  /// Complains of values that none of the replies has.
  void check_values(const std::vector<std::string>& replies, const unresolved_match& data) {
    if (data.values.unresolved().is_object()) messages_.check_match(replies, data);
  }
  void check_field(const std::string& command, const std::string& path, protocol::position where,
                   const std::string& at) {
    messages_.check_field(command, path, where, at);
  }

  /// A command that has settings of its own. Call before the steps.
  void know_command(const unresolved_name& name, bool idempotent);

  /// What `${reply:…}` stands for from here on.
  [[nodiscard]] const last_reply* last() const noexcept { return last_; }
  void go_on_from(const last_reply* state) noexcept { last_ = state; }
  void received(std::vector<std::string> replies) {
    last_ = &states_.emplace_back(last_reply{std::move(replies)});
  }
  void either(const last_reply* one, const last_reply* other) {
    if (one != other) one = &states_.emplace_back(last_reply{{}, false, {one, other}});
    last_ = one;
  }
  /// Steps that are repeated: what they leave behind is what they may begin with.
  step_list repeated(parsed_steps& parsed);

  /// Notes which variables and fields of replies a text refers to.
  template <class Template>
  void use(const Template& text, protocol::position where, const std::string& path) {
    for (const reference& each : text.references()) use_reference(each, where, path);
  }
  void use(const duration_template& time, protocol::position where, const std::string& path) {
    if (time.text) use(*time.text, where, path);
  }

  /// Complains of variables and tasks that no step makes. Call last.
  void finish();

  // For the kinds of steps.

  /// Steps inside a step, in the same part.
  step_list steps(parsed_steps& parsed);
  [[nodiscard]] script_part part() const noexcept { return part_; }
  [[nodiscard]] bool is_idempotent(const std::string& command) const { return idempotent_.contains(command); }
  void know_variable(const std::string& name) { variables_.insert(name); }
  [[nodiscard]] bool knows_variable(const std::string& name) const { return variables_.contains(name); }
  [[nodiscard]] bool knows_counter(const std::string& name) const { return counters_.contains(name); }
  /// Its value goes to the disk. Call before the steps.
  void know_durable(const std::string& name) { durable_.insert(name); }
  [[nodiscard]] bool is_durable(const std::string& name) const { return durable_.contains(name); }
  /// False if there is one already.
  [[nodiscard]] bool know_task(const std::string& name) { return tasks_.insert(name).second; }
  void use_task(const std::string& name, protocol::position where, std::string path) {
    tasks_used_.push_back({name, where, std::move(path)});
  }
  /// `at` has a place: `where` and `path`.
  template <class At>
  void complain(const At& at, std::string message, std::string hint = "") {
    in_.mistakes.push_back({at.where, at.path, std::move(message), std::move(hint)});
  }
  void warn(protocol::position where, std::string path, std::string message, std::string hint) {
    in_.warnings.push_back({where, std::move(path), std::move(message), std::move(hint)});
  }

 private:
  struct usage {
    std::string name;
    protocol::position where;
    std::string path;
  };
  script_step step(parsed_step& from);
  void handle_faults(parsed_on_fault& from, script_step& step);
  void use_reference(const reference& what, protocol::position where, const std::string& path);
  void use_reply(std::string field, protocol::position where, const std::string& path);
  void check_uses_of_replies();
  void check_savings(const unresolved_pairs& from, const script_step& step);

  message_builder& messages_;
  reading& in_;
  script_part part_ = script_part::link;
  unsigned catching_ = 0;  ///< so many `on_fault`s are around the step
  std::set<std::string> variables_;
  std::set<std::string> durable_;
  std::set<std::string> counters_;
  std::set<std::string> tasks_;
  std::set<std::string> idempotent_;
  struct reply_usage : usage {
    const last_reply* of;
  };
  std::deque<last_reply> states_{1};
  const last_reply* last_ = &states_.front();
  std::vector<reply_usage> replies_used_;
  std::vector<usage> variables_used_;
  std::vector<usage> tasks_used_;
};

}  // namespace duplexd::config
