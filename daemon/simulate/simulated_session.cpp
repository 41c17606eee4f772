#include "daemon/simulate/simulated_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "protocol/text/json_text.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::net {
namespace {

using nlohmann::ordered_json;
using protocol::direction;

constexpr std::size_t shown_values = 500;

/// Sets the value under a path with dots, making objects on the way.
void set_at(ordered_json& target, std::string_view path, const ordered_json& value) {
  ordered_json* at = &target;
  for (;;) {
    if (!at->is_object()) *at = ordered_json::object();
    const auto dot = path.find('.');
    at = &(*at)[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  *at = value;
}

/// The packets of one message; names and bytes are copied out.
std::vector<std::pair<std::string, std::vector<std::uint8_t>>> packets_of(
    const std::shared_ptr<const protocol::protocol>& types, protocol::frame_view message) {
  protocol::packet_reader reader(types, direction::command);
  reader.begin(message);
  std::vector<std::pair<std::string, std::vector<std::uint8_t>>> found;
  protocol::packet packet;
  while (reader.next(packet)) {
    const auto& bytes = packet.frame.bytes;
    found.emplace_back(packet.type != nullptr ? name_of(*packet.type) : std::string(),
                       std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
  }
  return found;
}

}  // namespace

bool equal_json(const ordered_json& found, const ordered_json& wanted, bool null_is_any) {
  if (null_is_any && wanted.is_null()) return true;
  if (wanted.is_object() && found.is_object()) {
    return wanted.size() == found.size() &&
           std::all_of(wanted.items().begin(), wanted.items().end(), [&](const auto& entry) {
             const auto at = found.find(entry.key());
             return at != found.end() && equal_json(*at, entry.value(), null_is_any);
           });
  }
  if (wanted.is_array() && found.is_array()) {
    return std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(),
                      [&](const auto& w, const auto& f) { return equal_json(f, w, null_is_any); });
  }
  return found == wanted;
}

std::optional<std::string> simulated_session::refuse_login(protocol::frame_view message) const {
  const auto& login = *settings_->login;
  if (login.json) return refuse_json(message, *login.json);
  if (login.send) return refuse_command(message, *login.send);
  return std::nullopt;
}

std::optional<std::string> simulated_session::refuse_json(protocol::frame_view message,
                                                          const config::json_template& wanted) const {
  if (message.kind != protocol::frame_kind::text) return "the login must be a text message with JSON";
  const std::string_view text{reinterpret_cast<const char*>(message.bytes.data()), message.bytes.size()};
  ordered_json found;
  if (const auto fault = protocol::parse_json(text, found, settings_->limits.json_depth))
    return fmt::format("the login is not JSON: {}", fault->message);
  const auto known = wanted.resolve();
  const bool same =
      known ? equal_json(found, known.value, false) : equal_json(found, wanted.unresolved(), true);
  if (same) return std::nullopt;
  return known ? "the login differs from login.json"
               : "the login has other keys or fixed values than login.json";
}

std::optional<std::string> simulated_session::refuse_command(protocol::frame_view message,
                                                             const config::send_step& wanted) const {
  const auto found = packets_of(settings_->protocol, message);
  if (found.empty() || found.front().first != wanted.command)
    return "the login is not the command " + wanted.command;
  const auto values = wanted.with.resolve();
  const auto* type = settings_->protocol->find(direction::command, wanted.command);
  std::vector<std::uint8_t> bytes;
  if (!values || type == nullptr || pack(*type, values.value, bytes)) return std::nullopt;
  const auto expected = packets_of(settings_->protocol, {.kind = frame_of(*type), .bytes = bytes});
  if (!expected.empty() && expected.front() == found.front()) return std::nullopt;
  return "the values of the command " + wanted.command + " differ from login.send";
}

std::vector<simulated_reply> simulated_session::greet() const {
  std::vector<simulated_reply> replies;
  for (const auto& step : settings_->simulate.login) replies.push_back(make(step.command, step.with));
  if (replies.empty() && has_login() && settings_->login->expect)
    replies.push_back(make(*settings_->login->expect));
  return replies;
}

simulated_reply simulated_session::push(const config::simulate_push& rule) const {
  return make(rule.reply, rule.with);
}

simulated_reaction simulated_session::react(const protocol::packet& command) const {
  simulated_reaction reaction;
  if (command.type == nullptr) {
    reaction.line = "a message of " + std::to_string(command.frame.bytes.size()) +
                    " bytes that no command fits: " + command.error.text();
    return reaction;
  }
  const auto& name = name_of(*command.type);
  std::string values;
  if (const auto error = write_json(command, values)) {
    reaction.line = name + ", malformed: " + error->text();
    return reaction;
  }
  reaction.line =
      name + " " + (may_show(name) ? protocol::printable(values, shown_values) : "(values from references)");
  reaction.replies = answers_to(name);
  std::string names;
  for (const auto& reply : reaction.replies) names += (names.empty() ? "" : ", ") + reply.name;
  reaction.line += names.empty() ? ", no answer" : " -> " + names;
  return reaction;
}

std::string simulated_session::show(protocol::frame_view message) const {
  const std::string_view bytes{reinterpret_cast<const char*>(message.bytes.data()), message.bytes.size()};
  std::string line;
  bool known = settings_->protocol != nullptr;
  if (known) {
    protocol::packet_reader reader(settings_->protocol, direction::command);
    reader.begin(message);
    for (protocol::packet packet; known && reader.next(packet);) {
      std::string values;
      known = packet.type != nullptr && !write_json(packet, values);
      if (!known) break;
      const auto& name = name_of(*packet.type);
      line += (line.empty() ? "" : ", ") + name + " " +
              (may_show(name) ? protocol::printable(values, shown_values) : "(values from references)");
    }
  }
  if (known && !line.empty()) return line;
  if (message.kind == protocol::frame_kind::binary) {
    line = "binary ";
    protocol::append_hex(line, message.bytes.first(std::min<std::size_t>(message.bytes.size(), 100)));
    return line + (message.bytes.size() > 100 ? "…" : "");
  }
  if (has_login() && settings_->login->json && settings_->login->json->has_references())
    return "a text of " + std::to_string(bytes.size()) + " bytes (the login has values from references)";
  return "text " + protocol::printable(bytes, shown_values);
}

std::vector<simulated_reply> simulated_session::answers_to(const std::string& command) const {
  std::vector<simulated_reply> replies;
  const auto& rules = settings_->simulate;
  const auto rule = std::find_if(rules.answers.begin(), rules.answers.end(),
                                 [&](const auto& each) { return each.command == command; });
  if (rule != rules.answers.end()) {
    for (const auto& step : rule->replies) replies.push_back(make(step.command, step.with));
  } else if (rules.answer_by_default) {
    const auto& known = settings_->protocol->types(direction::reply);
    if (const auto* expected = expected_after(command)) {
      replies.push_back(make(*expected));
    } else if (!known.empty()) {
      replies.push_back(make(name_of(known.front()), ordered_json()));
    }
  }
  return replies;
}

/// The reply that the script waits for first after it has sent `command`, or with which it is called.
const config::expectation* simulated_session::expected_after(const std::string& command) const {
  bool sent = false;
  bool passed = false;  // the next answer is the next command's
  const config::expectation* found = nullptr;
  const auto visit = [&](const config::script_step& step) {
    if (found != nullptr || passed) return;
    if (const auto* send = std::get_if<config::send_step>(&step.action)) {
      passed = sent && send->command != command;
      sent = sent || send->command == command;
    }
    const auto* call = std::get_if<config::call_step>(&step.action);
    if (call != nullptr && call->command.command == command) found = &call->answer;
    const auto* expect = std::get_if<config::expect_step>(&step.action);
    if (sent && expect != nullptr) found = &expect->what;
  };
  config::for_each_step(settings_->subscribe, visit);
  config::for_each_step(settings_->script, visit);
  return found;
}

/// False if the script fills the command from references: its values may be secrets.
bool simulated_session::may_show(const std::string& command) const {
  bool shows = true;
  const auto look_at = [&](const config::send_step& send) {
    if (send.command == command && send.with.has_references()) shows = false;
  };
  const auto visit = [&](const config::script_step& step) {
    if (const auto* send = std::get_if<config::send_step>(&step.action)) look_at(*send);
    if (const auto* call = std::get_if<config::call_step>(&step.action)) look_at(call->command);
  };
  if (settings_->login) {
    if (settings_->login->send) look_at(*settings_->login->send);
    config::for_each_step(settings_->login->steps, visit);
  }
  config::for_each_step(settings_->subscribe, visit);
  config::for_each_step(settings_->script, visit);
  for (const config::handler& each : settings_->on) config::for_each_step(each.body, visit);
  return shows;
}

simulated_reply simulated_session::make(const std::string& name, const config::json_template& with) const {
  const auto values = with.resolve();
  if (values) return make(name, values.value);
  simulated_reply failed;
  failed.name = name;
  failed.error = values.error;
  return failed;
}

simulated_reply simulated_session::make(const config::expectation& wanted) const {
  const auto* type =
      settings_->protocol ? settings_->protocol->find(direction::reply, wanted.replies.front()) : nullptr;
  ordered_json values = type != nullptr ? example_values(*type) : ordered_json();
  for (const auto* asked : {&wanted.where.unresolved(), &wanted.check.unresolved()}) {
    if (!asked->is_object()) continue;
    for (const auto& [path, value] : asked->items()) {
      const bool is_condition = value.is_object() && !value.empty() && value.begin().key().starts_with('$');
      if (is_condition && value.contains("$any") && !value["$any"].empty())
        set_at(values, path, value["$any"].front());
      if (!is_condition && !value.is_null()) set_at(values, path, value);
    }
  }
  return make(wanted.replies.front(), values);
}

/// Fields that `values` leaves out come from the type's example.
simulated_reply simulated_session::make(const std::string& name, const ordered_json& values) const {
  simulated_reply made;
  made.name = name;
  const auto* type = settings_->protocol ? settings_->protocol->find(direction::reply, name) : nullptr;
  if (type == nullptr) {
    made.error = "there is no reply of that name";
    return made;
  }
  ordered_json all = example_values(*type);
  if (values.is_object() && all.is_object()) {
    for (const auto& [key, value] : values.items()) all[key] = value;
  } else if (!values.is_null()) {
    all = values;
  }
  made.kind = frame_of(*type);
  if (const auto error = pack(*type, all, made.bytes)) made.error = error->text();
  return made;
}

}  // namespace duplexd::net
