#include "daemon/session/script/awaited_replies.hpp"

#include "config/settings/step_lists.hpp"
#include "protocol/message/message_type.hpp"

namespace duplexd {

namespace {

struct collector {
  std::set<std::string> names;

  void add(const std::vector<std::string>& some) { names.insert(some.begin(), some.end()); }
  void add(const config::step_list& steps) {
    config::for_each_step(steps, [this](const config::script_step& step) {
      if (const auto* expect = std::get_if<config::expect_step>(&step.action)) add(expect->what.replies);
      if (const auto* call = std::get_if<config::call_step>(&step.action)) add(call->answer.replies);
    });
  }
};

/// What the heartbeat expects; null: it has no answer.
const config::expectation* heartbeat_answer(const config::session_settings& settings) {
  if (!settings.liveness.heartbeat) return nullptr;
  const config::heartbeat_settings& beat = *settings.liveness.heartbeat;
  return beat.expect ? &*beat.expect : nullptr;
}

}  // namespace

std::set<std::string> awaited_replies(const config::session_settings& settings) {
  collector found;
  for (const config::step_list* steps : config::step_lists(settings)) found.add(*steps);
  if (settings.login) {
    const config::login_settings& login = *settings.login;
    found.add(login.reject);
    if (login.expect) found.add(login.expect->replies);
  }
  if (const auto* wanted = heartbeat_answer(settings)) found.add(wanted->replies);
  return found.names;
}

std::vector<std::string> other_answers(const config::session_settings& settings) {
  if (!settings.login) return {};
  const config::login_settings& login = *settings.login;
  if (!login.expect || !login.reject.empty()) return {};
  collector known;
  known.add(login.expect->replies);
  for (const config::handler& each : settings.on) known.add(each.replies);
  for (const auto& each : settings.liveness.fresh) known.names.insert(each.reply);
  for (const auto& each : settings.liveness.sequence) known.names.insert(each.reply);
  if (const auto* wanted = heartbeat_answer(settings)) known.add(wanted->replies);
  std::vector<std::string> others;
  for (const auto& type : settings.protocol->types(protocol::direction::reply))
    if (!known.names.contains(protocol::name_of(type))) others.push_back(protocol::name_of(type));
  return others;
}

std::vector<std::string> rejections(const config::login_settings& login) {
  if (login.steps.empty()) return {};
  collector asked_for;
  asked_for.add(login.steps);
  std::vector<std::string> names = login.reject;
  std::erase_if(names, [&](const std::string& name) { return asked_for.names.contains(name); });
  return names;
}

}  // namespace duplexd
