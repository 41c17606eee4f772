#include "daemon/simulate/simulated_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>
#include <variant>

#include "config/script/match.hpp"
#include "config/settings/step_lists.hpp"
#include "config/value/json_path.hpp"
#include "daemon/simulate/simulated_values.hpp"
#include "protocol/message/message_type.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/printable.hpp"
#include "protocol/text/text_encoding.hpp"

namespace duplexd::net {
namespace {

using nlohmann::ordered_json;
using protocol::direction;

constexpr std::size_t shown_values = 500;

simulated_reply packed(const protocol::message_type& type, const ordered_json& values) {
  simulated_reply made;
  made.name = name_of(type);
  made.kind = frame_of(type);
  if (const auto error = pack(type, values, made.bytes)) made.error = error->text();
  if (made.error.empty()) protocol::impose_opcode(type, made.bytes);
  return made;
}

/// The first that can be packed when `change` has made of it what is wanted.
simulated_reply first_good(const protocol::message_type& type,
                           const std::function<void(ordered_json&)>& change) {
  std::optional<simulated_reply> first;
  for (ordered_json& values : starting_values(type)) {
    change(values);
    simulated_reply made = packed(type, values);
    if (made.error.empty()) return made;
    if (!first) first = std::move(made);
  }
  return first.value_or(simulated_reply{});
}

/// What the client's login expects; null: nothing.
const config::expectation* login_answer(const config::session_settings& settings) {
  if (!settings.login) return nullptr;
  const config::login_settings& login = *settings.login;
  return login.expect ? &*login.expect : nullptr;
}

/// What the references of a simulated server stand for: `${command:…}` is kept as the reply.
class answered final : public config::scope {
 public:
  explicit answered(const ordered_json& command) : command_(command) {}
  const ordered_json* variable(std::string_view /*name*/) const override { return nullptr; }
  const ordered_json* reply() const override { return command_.is_null() ? nullptr : &command_; }
  std::chrono::system_clock::time_point wall() const override { return std::chrono::system_clock::now(); }
  std::uint64_t count(std::string_view /*name*/) override { return 0; }  // refused by the check

 private:
  const ordered_json& command_;
};

simulated_reply unknown_reply(const std::string& name) {
  simulated_reply failed;
  failed.name = name;
  failed.error = "there is no reply of that name";
  return failed;
}

/// Whether it is another text each time: what a session sends need not be what it would send here.
bool varies(const config::json_template& text) {
  return std::ranges::any_of(text.references(), [](const config::reference& each) {
    return !is_outside(each.source) && each.source != config::reference_source::literal;
  });
}

/// Whether values that came may be those that a step sends: what is fixed in it is equal.
bool may_be(const ordered_json& found, const config::json_template& sent) {
  const ordered_json& wanted = sent.unresolved();
  if (!wanted.is_object() || !found.is_object()) return true;
  return std::ranges::all_of(wanted.items(), [&](const auto& each) {
    const auto at = found.find(each.key());
    return at == found.end() || equal_json(*at, each.value(), true);
  });
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

std::optional<std::string> simulated_session::refuse_login(protocol::frame_view message) const {
  const auto& login = *settings_->login;
  if (login.json) return refuse_json(message, *login.json);
  if (login.send) return refuse_command(message, *login.send);
  return std::nullopt;
}

std::optional<std::string> simulated_session::refuse_json(protocol::frame_view message,
                                                          const config::json_template& wanted) const {
  if (message.kind != protocol::frame_kind::text) return "the login must be a text message with JSON";
  std::string text(message.bytes.begin(), message.bytes.end());
  if (settings_->protocol) {
    protocol::packet_reader reader(settings_->protocol, direction::command);
    reader.begin(message);
    protocol::packet first;
    if (!reader.next(first)) return "the login does not end where the protocol's framing says";
    text.assign(first.frame.bytes.begin(), first.frame.bytes.end());
  }
  ordered_json found;
  if (const auto fault = protocol::parse_json(text, found, settings_->limits.json_depth))
    return fmt::format("the login is not JSON: {}", fault->message);
  const auto known = wanted.resolve();
  const bool same = known && !varies(wanted) ? equal_json(found, known.value, false)
                                             : equal_json(found, wanted.unresolved(), true);
  if (same) return std::nullopt;
  return known ? "the login differs from login.json"
               : "the login has other keys or fixed values than login.json";
}

std::optional<std::string> simulated_session::refuse_command(protocol::frame_view message,
                                                             const config::send_step& wanted) const {
  const auto found = packets_of(settings_->protocol, message);
  if (found.empty() || found.front().first != wanted.command)
    return "the login is not the command " + wanted.command;
  auto values = wanted.with.resolve();
  const auto* type = settings_->protocol->find(direction::command, wanted.command);
  if (type != nullptr && varies(wanted.with)) {
    protocol::packet_reader reader(settings_->protocol, direction::command);
    reader.begin(message);
    protocol::packet packet;
    ordered_json came;
    if (!reader.next(packet) || packet.type == nullptr || read_json(packet, came)) return std::nullopt;
    values = {wanted.with.unresolved(), ""};
    fill_from(values.value, came);
  }
  std::vector<std::uint8_t> bytes;
  if (!values || type == nullptr || pack(*type, values.value, bytes)) return std::nullopt;
  const auto expected = packets_of(settings_->protocol, {.kind = frame_of(*type), .bytes = bytes});
  if (!expected.empty() && expected.front() == found.front()) return std::nullopt;
  return "the values of the command " + wanted.command + " differ from login.send";
}

std::vector<simulated_reply> simulated_session::greet() const {
  std::vector<simulated_reply> replies;
  const auto* wanted = login_answer(*settings_);
  for (const auto& step : settings_->simulate.login)
    replies.push_back(make(step.command, step.with, nullptr));
  if (replies.empty() && has_login() && wanted != nullptr)
    replies.push_back(make({wanted, nullptr}, nullptr));
  if (replies.empty() && !has_login()) replies = expected_first();
  return replies;
}

// What a server says before its client says anything.
std::vector<simulated_reply> simulated_session::expected_first() const {
  std::vector<simulated_reply> replies;
  const auto add = [&](const config::step_list& steps) {
    for (const config::script_step& step : steps) {
      const auto* expect = std::get_if<config::expect_step>(&step.action);
      if (expect == nullptr) return false;
      for (unsigned i = 0; i < expect->what.count; ++i)
        replies.push_back(make({&expect->what, &step.save}, nullptr));
    }
    return true;
  };
  const auto* wanted = login_answer(*settings_);
  if (!settings_->login)
    static_cast<void>(add(settings_->subscribe) && add(settings_->script));
  else if (add(settings_->login->steps) && wanted != nullptr)
    replies.push_back(make({wanted, nullptr}, nullptr));
  return replies;
}

simulated_reply simulated_session::push(const config::simulate_push& rule) const {
  return make(rule.reply, rule.with, nullptr);
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
  ordered_json came;
  static_cast<void>(protocol::parse_json(values, came));
  reaction.replies = answers_to(name, came);
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
  const config::login_settings* login = settings_->login ? &*settings_->login : nullptr;
  if (login != nullptr && login->json && login->json->has_references())
    return "a text of " + std::to_string(bytes.size()) + " bytes (the login has values from references)";
  return "text " + protocol::printable(bytes, shown_values);
}

std::vector<simulated_reply> simulated_session::answers_to(const std::string& command,
                                                           const ordered_json& values) const {
  std::vector<simulated_reply> replies;
  const auto& rules = settings_->simulate;
  const auto rule = std::find_if(rules.answers.begin(), rules.answers.end(),
                                 [&](const auto& each) { return each.command == command; });
  if (rule != rules.answers.end()) {
    for (const auto& step : rule->replies) replies.push_back(make(step.command, step.with, values));
  } else if (rules.answer_by_default) {
    const auto& known = settings_->protocol->types(direction::reply);
    if (const wanted_answer expected = expected_after(command, values); expected.what != nullptr) {
      for (unsigned i = 0; i < expected.what->count; ++i) replies.push_back(make(expected, values));
    } else if (!known.empty()) {
      replies.push_back(make(name_of(known.front()), ordered_json()));
    }
  }
  return replies;
}

/// The reply that the session waits for first after it has sent `command`, or with which it is called: in its
/// login, its steps, its handlers, and with each heartbeat.
simulated_session::wanted_answer simulated_session::expected_after(const std::string& command,
                                                                   const ordered_json& values) const {
  wanted_answer found;
  bool sent = false;
  bool passed = false;  // the next answer is the next command's
  const auto is_it = [&](const config::send_step& each) {
    return each.command == command && may_be(values, each.with);
  };
  const auto visit = [&](const config::script_step& step) {
    if (found.what != nullptr || passed) return;
    if (const auto* send = std::get_if<config::send_step>(&step.action)) {
      passed = sent && !is_it(*send);
      sent = sent || is_it(*send);
    }
    const auto* call = std::get_if<config::call_step>(&step.action);
    if (call != nullptr && is_it(call->command)) found = {&call->answer, &step.save};
    const auto* expect = std::get_if<config::expect_step>(&step.action);
    if (sent && expect != nullptr) found = {&expect->what, &step.save};
  };
  const auto look_into = [&](const config::step_list& steps) {
    sent = passed = false;
    config::for_each_step(steps, visit);
  };
  if (settings_->login) {
    look_into(settings_->login->steps);
    if (found.what == nullptr && sent && !passed) found.what = login_answer(*settings_);
  }
  if (found.what == nullptr && settings_->liveness.heartbeat) {
    const auto& beat = *settings_->liveness.heartbeat;
    const auto* send = std::get_if<config::send_step>(&beat.message);
    if (send != nullptr && is_it(*send) && beat.expect) found.what = &*beat.expect;
  }
  if (found.what == nullptr) {
    sent = passed = false;
    config::for_each_step(settings_->subscribe, visit);
    config::for_each_step(settings_->script, visit);
  }
  for (const config::handler& each : settings_->on)
    if (found.what == nullptr) look_into(each.body);
  if (found.what == nullptr) look_into(settings_->close.steps);
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
    const config::login_settings& login = *settings_->login;
    if (login.send) look_at(*login.send);
  }
  for (const config::step_list* steps : config::step_lists(*settings_)) config::for_each_step(*steps, visit);
  return shows;
}

simulated_reply simulated_session::make(const std::string& name, const config::json_template& with,
                                        const ordered_json& command) const {
  answered inside(command);
  const auto values = with.resolve(&inside);
  if (values) return make(name, values.value);
  simulated_reply failed;
  failed.name = name;
  failed.error = values.error;
  return failed;
}

simulated_reply simulated_session::make(const wanted_answer& wanted, const ordered_json& command) const {
  const config::expectation& what = *wanted.what;
  const auto* type =
      settings_->protocol ? settings_->protocol->find(direction::reply, what.replies.front()) : nullptr;
  if (type == nullptr) return unknown_reply(what.replies.front());
  return first_good(*type, [&](ordered_json& values) {
    for (const auto* asked : {&what.where.unresolved(), &what.check.unresolved()}) {
      if (!asked->is_object()) continue;
      for (const auto& [path, value] : asked->items()) {
        // What a reference gives is most often what the command has under the same name.
        const ordered_json* same = value.is_null() ? config::find_path(command, path) : &value;
        if (same != nullptr && !same->is_null()) meet(values, path, *same);
      }
    }
    for (const auto& [ours, theirs] : what.correlate)
      if (const ordered_json* sent = config::find_path(command, ours)) set_at(values, theirs, *sent);
    if (wanted.saved == nullptr || what.count != 1) return;
    for (const auto& [variable, path] : *wanted.saved)
      if (path != "*" && config::find_path(values, path) == nullptr) set_at(values, path, 1);
  });
}

/// Fields that `values` leaves out come from the type's example.
simulated_reply simulated_session::make(const std::string& name, const ordered_json& values) const {
  const auto* type = settings_->protocol ? settings_->protocol->find(direction::reply, name) : nullptr;
  if (type == nullptr) return unknown_reply(name);
  return first_good(*type, [&](ordered_json& all) {
    if (values.is_object() && all.is_object()) {
      for (const auto& [key, value] : values.items()) all[key] = value;
    } else if (!values.is_null()) {
      all = values;
    }
  });
}

}  // namespace duplexd::net
